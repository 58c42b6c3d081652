"""Good and bad engagement models, from the tests' campus with noise; see `bad_models`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.test import override_settings

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
from nudge_xblock import courses, ingesting, labels
from nudge_xblock import trainer as training_process
from nudge_xblock.compat import Result as Ending
from nudge_xblock.night import ENGAGEMENT, models
from predictor.events import Event
from predictor.outcomes import CourseOutcomes, Outcomes, read_outcomes
from predictor.sequences import EventStore
from tests.flow import campus

NOISE = 0.12
"""Share of learners of the campus who end otherwise than their diligence has it."""
CERTIFICATE = "edx.certificate.created"


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


def results(bad: int, good: int) -> Iterator[Result]:
    """Judge so many bad and good engagement models on the campus; training needs torch."""
    campus.write_logs()
    campus.live()
    with override_settings(NUDGE_COMPAT="benchmarks.planted_readings.NoisyCampus"):
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


def _bad_readings(rng: np.random.Generator) -> list[tuple[str, Build]]:
    def calibrated(scale: float, shift: float) -> Change:
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
    changed: list[tuple[str, Change]] = [
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
