"""Good and bad helpfulness models, from logs of nudges whose law is known; see `bad_models`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import cycle, islice

import numpy as np
from django.test import override_settings

from benchmarks import vote_world
from benchmarks.bad_models import Result
from benchmarks.planting import (
    NOW,
    Build,
    Change,
    Manifest,
    Tensors,
    altered,
    judged,
    night,
    spoiled,
    trimmed,
    truncated,
)  # fmt: skip
from nudge_xblock import labels, lessons
from nudge_xblock.models import Decision
from nudge_xblock.night import HELPFULNESS, models

LEARNERS, EACH, WORLDS = 160, 6, 4
KEPT_OUT = 0.3


def results(bad: int, good: int) -> Iterator[Result]:
    """Judge so many bad and good helpfulness models, over a few worlds."""
    with override_settings(NUDGE_HELD_OUT_SHARE=KEPT_OUT, NUDGE_MARGIN_NOT_HELPFUL=0.0):
        for world in range(WORLDS):
            _votes(world)
            plants = cycle(_bad_votes(np.random.default_rng(world)))
            for plant, build in islice(plants, _share(bad, world)):
                yield judged(plant, HELPFULNESS, build)
            for seed in range(_share(good, world)):
                yield judged("good", HELPFULNESS, _learned_again(seed))


def _share(count: int, world: int) -> int:
    return count // WORLDS + (world < count % WORLDS)


def _votes(seed: int) -> None:
    """A log without a model, a model that learned from it and serves, and a log decided by that model."""
    Decision.objects.all().delete()
    past = NOW - timedelta(days=25)
    vote_world.log(past, LEARNERS, EACH, seed=10 + seed)
    with override_settings(NUDGE_HELD_OUT_SHARE=KEPT_OUT):
        version, _ = lessons.learn(night(past))
    models().promote(HELPFULNESS, version)
    tensors, manifest = models().load(HELPFULNESS, version)
    model = lessons.HelpfulnessModel.from_tensors(tensors, manifest["names"])
    vote_world.log(NOW, LEARNERS, EACH, seed=20 + seed, model=model)


def _learned_again(seed: int) -> Build:
    """Trained as the night trains, on most of the log."""

    def build() -> str:
        rng = np.random.default_rng(seed)
        ids = list(
            Decision.objects.filter(shown_at__isnull=False).order_by("pk").values_list("pk", flat=True)
        )
        left_out = [ids[row] for row in rng.choice(len(ids), len(ids) // 10, replace=False)]
        hidden = dict(Decision.objects.filter(pk__in=left_out).values_list("pk", "shown_at"))
        Decision.objects.filter(pk__in=left_out).update(shown_at=None)
        try:
            return lessons.learn(night())[0]
        finally:
            rows = [Decision(pk=pk, shown_at=at) for pk, at in hidden.items()]
            Decision.objects.bulk_update(rows, ["shown_at"], batch_size=500)

    return build


def _mistaught(change: Callable[[list[Decision]], None]) -> Build:
    """Trained on a log that was tampered with; the log is as before afterwards."""

    def build() -> str:
        rows = list(Decision.objects.filter(shown_at__isnull=False).select_related("learner"))
        rows = [row for row in rows if not labels.is_held_out(str(row.learner.user_id))]
        kept = [(row.pk, row.helpful, row.features) for row in rows]
        change(rows)
        Decision.objects.bulk_update(rows, ["helpful", "features"], batch_size=500)
        try:
            return lessons.learn(night())[0]
        finally:
            before = [Decision(pk=pk, helpful=helpful, features=seen) for pk, helpful, seen in kept]
            Decision.objects.bulk_update(before, ["helpful", "features"], batch_size=500)

    return build


def _flipped(rows: list[Decision]) -> None:
    for row in rows:
        row.helpful = None if row.helpful is None else not row.helpful


def _shuffled(rng: np.random.Generator) -> Callable[[list[Decision]], None]:
    def change(rows: list[Decision]) -> None:
        for row, vote in zip(rows, rng.permutation([row.helpful for row in rows]), strict=True):
            row.helpful = vote

    return change


def _leaked(rows: list[Decision]) -> None:
    """A feature tells the vote while training, and nothing when it matters."""
    place = vote_world.NAMES.index(vote_world.SEEN[2])
    for row in rows:
        row.features = vote_world.told(row.features, place, {None: 0.0, True: 3.0, False: -3.0}[row.helpful])


def _stale_names(tensors: Tensors, manifest: Manifest) -> None:
    manifest["names"] = [f"old.{name}" if name.startswith("recent.") else name for name in manifest["names"]]


def _columns_mixed(rng: np.random.Generator) -> Change:
    return lambda tensors, manifest: tensors.__setitem__(
        "w", tensors["w"][rng.permutation(len(tensors["w"]))]
    )


def _bad_votes(rng: np.random.Generator) -> list[tuple[str, Build]]:
    def sharpened(tensors: Tensors, manifest: Manifest) -> None:
        tensors["temperature"] = tensors["temperature"] * np.float32(rng.uniform(0.1, 0.25))

    def shifted(tensors: Tensors, manifest: Manifest) -> None:
        tensors["b"][0] += np.float32(rng.uniform(1.2, 2.5))

    def constant(tensors: Tensors, manifest: Manifest) -> None:
        for name in ("w", "v", "effects"):
            if name in tensors:
                tensors[name] = np.zeros_like(tensors[name])

    def negated(tensors: Tensors, manifest: Manifest) -> None:
        tensors["w"] = -tensors["w"]

    def others_share() -> str:
        with override_settings(NUDGE_HELD_OUT_SHARE=0.0):
            return lessons.learn(night())[0]

    def old(tensors: Tensors, manifest: Manifest) -> None:
        manifest["as_of"] = (NOW - timedelta(days=int(rng.integers(5, 60)))).isoformat()

    changed: list[tuple[str, Change]] = [
        ("NaN weights", spoiled("w", np.nan)),
        ("infinite weights", spoiled("b", np.inf)),
        ("wrong shapes", trimmed("w")),
        ("features of another release", _stale_names),
        ("old answers", old),
        ("columns mixed up", _columns_mixed(rng)),
        ("weights negated", negated),
        ("constant", constant),
        ("overconfident", sharpened),
        ("shifted", shifted),
    ]
    return [
        ("flipped labels", _mistaught(_flipped)),
        ("leaked outcome", _mistaught(_leaked)),
        ("shuffled rows", _mistaught(_shuffled(rng))),
        ("trained on held-out learners", others_share),
        ("truncated file", truncated(HELPFULNESS, float(rng.uniform(0.0, 0.99)))),
        *((plant, altered(HELPFULNESS, change)) for plant, change in changed),
    ]
