"""Good and bad models of both kinds, and their way through the night's judgement; see `bad_models`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.test import override_settings
from safetensors.numpy import save as save_tensors

from benchmarks import vote_world
from benchmarks.bad_models import Result
from nudge_xblock import courses, judging, labels, lessons, promotion, slots
from nudge_xblock import trainer as training_process
from nudge_xblock.compat import Result as Ending
from nudge_xblock.models import Decision, Night
from nudge_xblock.night import ENGAGEMENT, HELPFULNESS, Run, models, silent
from predictor import store as model_store
from predictor.events import Event
from predictor.outcomes import CourseOutcomes, Outcomes, read_outcomes
from predictor.sequences import EventStore
from tests.flow import campus

NOW = campus.NOW
LEARNERS, EACH, WORLDS = 160, 6, 4
NOISE = 0.12
"""Share of learners of the campus who end otherwise than their diligence has it."""
CERTIFICATE = "edx.certificate.created"
KEPT_OUT = 0.3

Tensors = dict[str, Any]
Manifest = dict[str, Any]


class NoisyCampus(campus.Campus):
    """The campus, where some of the diligent fail and some of the others pass."""

    def outcomes(self, course_key: Any) -> list[Ending]:
        return [self._noisy(each) for each in super().outcomes(course_key)]

    def _noisy(self, ending: Ending) -> Ending:
        if np.random.default_rng(ending.user_id).random() > NOISE:
            return ending
        end = campus.starts(campus.ENDED[0])
        at = None if ending.passed else end + campus.LENGTH
        return ending._replace(
            passed=not ending.passed, passed_at=at, completed=at is not None, completed_at=at
        )


# Before the judges


def night(now: Any = NOW) -> Run:
    """A night that knows what serves."""
    Night.objects.all().delete()
    job = Run(slots.claim(now), now, silent)
    job.enter("test", 0.0, 1.0)
    promotion.check_serving(job)
    return job


def judged(plant: str, kind: str, build: Callable[[], str]) -> Result:
    """Build a model and let the night judge and settle; whatever comes of it, the same model serves after."""
    try:
        version = build()
    except ValueError:
        return Result(plant, True, ("unpublishable",))
    serves, job = models().current(kind), night()
    if kind == ENGAGEMENT:
        job.candidates[ENGAGEMENT] = version
        judging.evaluate(job)
    else:
        judging.judge_helpfulness(job, version)
    promotion.settle(job)
    refused = models().current(kind) == serves
    if not refused:
        models().rollback(kind)
    return Result(plant, refused, tuple(each["code"] for each in job.refused.get(kind, [])))


def published(kind: str, tensors: Tensors, manifest: Manifest) -> str:
    """Publish as the store does, but without its check for numbers, as a careless hand would."""
    store = models()
    finite = {name: np.nan_to_num(np.asarray(each), posinf=1.0, neginf=1.0) for name, each in tensors.items()}
    version = store.publish(kind, finite, manifest)
    folder = store.path / kind / version
    if any(not np.isfinite(each).all() for each in tensors.values() if np.asarray(each).dtype.kind == "f"):
        blob = save_tensors({name: np.ascontiguousarray(each) for name, each in tensors.items()})
        (folder / model_store.TENSORS_FILE).write_bytes(blob)
        content = store.manifest(kind, version) | {"sha256": hashlib.sha256(blob).hexdigest()}
        content.pop("digest")
        (folder / model_store.MANIFEST_FILE).write_text(model_store._sealed(content))
    return version


def altered(kind: str, change: Callable[[Tensors, Manifest], object]) -> Callable[[], str]:
    """The serving model, changed."""

    def build() -> str:
        tensors, manifest = models().load(kind)
        tensors = {name: np.array(each) for name, each in tensors.items()}
        manifest["as_of"] = NOW.isoformat()
        change(tensors, manifest)
        return published(kind, tensors, manifest)

    return build


def truncated(kind: str, share: float) -> Callable[[], str]:
    """The serving model's file, cut short."""

    def build() -> str:
        version = altered(kind, lambda tensors, manifest: None)()
        path = models().path / kind / version / model_store.TENSORS_FILE
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        return version

    return build


def spoiled(name: str, value: float) -> Callable[[Tensors, Manifest], object]:
    """One number of a tensor replaced."""
    return lambda tensors, manifest: tensors[name].reshape(-1).__setitem__(0, value)


def trimmed(name: str) -> Callable[[Tensors, Manifest], object]:
    """A tensor without its last row."""
    return lambda tensors, manifest: tensors.__setitem__(name, tensors[name][:-1])


# Helpfulness


def helpfulness(bad: int, good: int) -> Iterator[Result]:
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


def _learned_again(seed: int) -> Callable[[], str]:
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


def _mistaught(change: Callable[[list[Decision]], None]) -> Callable[[], str]:
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


def _columns_mixed(rng: np.random.Generator) -> Callable[[Tensors, Manifest], object]:
    return lambda tensors, manifest: tensors.__setitem__(
        "w", tensors["w"][rng.permutation(len(tensors["w"]))]
    )


def _bad_votes(rng: np.random.Generator) -> list[tuple[str, Callable[[], str]]]:
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

    changed: list[tuple[str, Callable[[Tensors, Manifest], object]]] = [
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


# Engagement


def engagement(bad: int, good: int) -> Iterator[Result]:
    """Judge so many bad and good engagement models on the campus; training needs torch."""
    campus.write_logs()
    campus.live()
    from nudge_xblock import ingesting

    with override_settings(NUDGE_COMPAT="benchmarks.planting.NoisyCampus"):
        job = night()
        ingesting.ingest(job)
        labels.collect(job)
        models().promote(ENGAGEMENT, trained(0))
        for seed in range(1, good + 1):
            yield judged("good", ENGAGEMENT, lambda seed=seed: trained(seed))
        plants = cycle(_bad_readings(np.random.default_rng(1)))
        for plant, build in islice(plants, bad):
            if plant == "leaked outcome":
                with _telling():
                    yield judged(plant, ENGAGEMENT, build)
            else:
                yield judged(plant, ENGAGEMENT, build)


def trained(seed: int, outcomes: Outcomes | None = None, share: float | None = None, **changes: Any) -> str:
    """Trained as the night trains, on learners who are not held out, with another seed."""
    from predictor import plan, training

    kept_out = settings.NUDGE_HELD_OUT_SHARE if share is None else share
    events = training_process.TrainingEvents(courses.event_store(), kept_out, NOW.timestamp())
    known = outcomes or read_outcomes(labels.trained_on())
    learners = sum(map(len, known.by_course.values()))
    given = {
        **plan.suited(learners), "leave_days": settings.NUDGE_LEAVE_DAYS,
        "min_count": settings.NUDGE_VOCABULARY_MIN_COUNT, "min_courses": 1,
        **settings.NUDGE_TRAINING, "seed": seed, **changes,
    }  # fmt: skip
    config = training.TrainConfig.from_json(given)
    notes = {"held_out_share": kept_out}
    return training.fit(events, known, ["complete", "pass"], config, models(), notes=notes)


def _relabelled(change: Callable[[Any, Any], Any]) -> Outcomes:
    """The training table with its labels changed, course by course."""
    table, rng = read_outcomes(labels.trained_on()), np.random.default_rng(3)

    def of(part: CourseOutcomes) -> CourseOutcomes:
        return replace(part, labels={name: change(values, rng) for name, values in part.labels.items()})

    return replace(table, by_course={course: of(part) for course, part in table.by_course.items()})


def _flip(values: Any, rng: np.random.Generator) -> Any:
    return 1 - values


def _deal(values: Any, rng: np.random.Generator) -> Any:
    return rng.permutation(values)


class _telling:
    """While it lasts, everyone who passed has a certificate among the first events."""

    def __enter__(self) -> None:
        folder = Path(settings.NUDGE_EVENTS_DIR)
        self._before, told = folder, folder.with_name("telling")
        if not told.exists():
            source, store = EventStore(folder), EventStore(told)
            for course in source.courses:
                store.append(_events(source.sequences(course)))
                store.append(_certificates(course))
        settings.NUDGE_EVENTS_DIR = str(told)

    def __exit__(self, *error: object) -> None:
        settings.NUDGE_EVENTS_DIR = str(self._before)


def _events(sequences: Any) -> list[Event]:
    found = []
    for place, learner in enumerate(sequences.learners):
        for row in range(int(sequences.offsets[place]), int(sequences.offsets[place + 1])):
            item = sequences.item_names[sequences.items[row]] if sequences.items[row] >= 0 else ""
            token = sequences.names[sequences.tokens[row]]
            found.append(Event(sequences.course_id, learner, float(sequences.times[row]), token, item, None))
    return found


def _certificates(course: str) -> list[Event]:
    found = []
    for path in (labels.trained_on(), labels.held_out()):
        part = read_outcomes(path).by_course.get(course)
        if part is None or "pass" not in part.labels:
            continue
        start = part.start or 0.0
        for learner, passed in zip(part.learners, part.labels["pass"].tolist(), strict=True):
            found += [Event(course, learner, start + 3600.0, CERTIFICATE, "", None)] if passed == 1 else []
    return found


def _bad_readings(rng: np.random.Generator) -> list[tuple[str, Callable[[], str]]]:
    def calibrated(scale: float, shift: float) -> Callable[[Tensors, Manifest], object]:
        def change(tensors: Tensors, manifest: Manifest) -> None:
            for pair in manifest["calibration"].values():
                pair["scale"], pair["shift"] = scale * pair["scale"], scale * pair["shift"] + shift

        return change

    def stale_words(tensors: Tensors, manifest: Manifest) -> None:
        manifest["inputs"]["vocabulary"] = [f"old.{name}" for name in manifest["inputs"]["vocabulary"]]

    def old_events(tensors: Tensors, manifest: Manifest) -> None:
        manifest["data_span"]["last_event"] -= 86400.0 * float(rng.integers(5, 90))

    def mixed(tensors: Tensors, manifest: Manifest) -> None:
        for name in ("head_reading", "out_reading", "out_hidden", "head_hidden"):
            tensors[name] = tensors[name][rng.permutation(len(tensors[name]))]

    seeds = iter(range(1000, 2000))
    changed: list[tuple[str, Callable[[Tensors, Manifest], object]]] = [
        ("NaN weights", spoiled("out", np.nan)),
        ("infinite weights", spoiled("out_bias", np.inf)),
        ("wrong shapes", trimmed("out_reading")),
        ("vocabulary of another site", stale_words),
        ("old events", old_events),
        ("inputs mixed up", mixed),
        ("answers negated", calibrated(-1.0, 0.0)),
        ("constant", calibrated(0.0, -0.5)),
        ("overconfident", calibrated(8.0, 0.0)),
        ("shifted", calibrated(1.0, 2.0)),
    ]
    return [
        ("flipped labels", lambda: trained(next(seeds), _relabelled(_flip))),
        ("shuffled rows", lambda: trained(next(seeds), _relabelled(_deal))),
        ("leaked outcome", lambda: trained(next(seeds))),
        ("trained on held-out learners", lambda: trained(next(seeds), share=0.0)),
        ("untrained", lambda: trained(next(seeds), learning_rate=1e-9, epochs=1)),
        ("truncated file", truncated(ENGAGEMENT, float(rng.uniform(0.0, 0.99)))),
        *((plant, altered(ENGAGEMENT, change)) for plant, change in changed),
    ]
