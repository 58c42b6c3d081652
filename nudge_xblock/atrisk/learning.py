"""The risk model is trained anew from course runs that are over, in a process of its own (see apart.py).

The newest runs count, up to MOST_LEARNERS.  What is known of them is written into tables in the night's
private folder, which are gone once the process has ended; the model itself keeps nobody.  What was trained
is remembered with a digest of all that decides it: on the same data nothing is trained twice.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from django.conf import settings

from nudge_xblock import apart, courses, labels, remarks
from nudge_xblock.night import RISK, Run, Skipped, models, workroom
from nudge_xblock.training import INSTALL, TrainingFailed
from predictor import assignments
from predictor.outcomes import CourseOutcomes, Outcomes, read_outcomes
from predictor.segments import write_whole

from . import facts, judging, runs
from .runs import CourseRun

MODULE = "nudge_xblock.atrisk.trainer"
TARGETS = ("complete", "pass")
"""What can be at risk, the first that enough is known of: where nothing tells completion, passing does."""
LEAST_OF_A_RUN, LEAST_LEARNERS, LEAST_OF_A_KIND = 10, 100, 20
MOST_LEARNERS = 50_000


@dataclass(frozen=True, eq=False)
class Lessons:
    """Finished course runs, newest last, and what became of their learners: taught ones and held-out ones."""

    target: str
    runs: tuple[CourseRun, ...]
    taught: Outcomes
    held_out: Outcomes


def learn(job: Run) -> str:
    """The night's step: train a new risk model, measure it, and refuse it or not; or say why none can be."""
    _clear()  # what a night that was killed has left
    if not has_scipy():
        raise Skipped(remarks.remark("no_risk_scipy", install=INSTALL))
    lessons = gather(job)
    digest, known = _digest(lessons), _remembered()
    version = known["version"] if known.get("digest") == digest else ""
    if version not in models().versions(RISK):
        version = _run(lessons, job)
        _remember(digest, version, judged=False)
    elif known["judged"]:
        raise Skipped(f"No risk model was trained: nothing is new since {version} was.")
    job.figures.update(
        {
            "version": version,
            "target": lessons.target,
            "runs": len(lessons.runs),
            "learners": len(lessons.taught),
        }
    )
    return judging.judge(job, version, lessons.target, lessons.runs, lessons.held_out)


def has_scipy() -> bool:
    """Whether a training process would find scipy; nothing is imported."""
    try:
        return find_spec("scipy") is not None
    except ImportError:
        return False


def mark_judged() -> None:
    """Note that a verdict was reached: on the same data the same model would be trained again."""
    known = _remembered()
    if known:
        _remember(known["digest"], known["version"], judged=True)


def _remember(digest: str, version: str, *, judged: bool) -> None:
    content = {"digest": digest, "version": version, "judged": judged}
    write_whole(_memory(), orjson.dumps(content))


def _memory() -> Path:
    return workroom() / "risk.json"


def _remembered() -> dict[str, Any]:
    return dict(orjson.loads(_memory().read_bytes())) if _memory().exists() else {}


def gather(job: Run) -> Lessons:
    """The finished runs to learn from.  Raises Skipped where too little is known."""
    taught, held_out = read_outcomes(labels.trained_on()), read_outcomes(labels.held_out())
    problems = []
    for target in TARGETS:
        finished = _finished(taught, target)
        if problem := _lacks(finished, target):
            problems.append(problem)
            continue
        keys = courses.parsed(course.course_id for course in finished)
        found = tuple(run for run in (runs.of(key, job.now) for key in keys) if run)
        return Lessons(target, found, _known(taught, found, target), _known(held_out, found, target))
    raise Skipped(problems[0])


def _finished(outcomes: Outcomes, target: str) -> list[CourseOutcomes]:
    """Runs that tell enough, newest last, without those before the newest MOST_LEARNERS learners."""
    if target not in outcomes.targets:
        return []
    told = [outcomes.of(course_id) for course_id in outcomes.courses]
    enough = [course for course in told if np.isfinite(course.labels[target]).sum() >= LEAST_OF_A_RUN]
    newest, learners = [], 0
    for course in sorted(enough, key=lambda course: (course.start or 0.0, course.course_id), reverse=True):
        newest.append(course)
        learners += int(np.isfinite(course.labels[target]).sum())
        if learners >= MOST_LEARNERS:
            break
    return newest[::-1]


def _lacks(finished: list[CourseOutcomes], target: str) -> remarks.Remark | None:
    """What is lacking for a model; None where there is enough."""
    needed = max(2, settings.NUDGE_RISK_MIN_RUNS)
    if len(finished) < needed:
        return remarks.remark("no_risk_runs", n=len(finished), enough=needed)
    told = np.concatenate([course.labels[target][np.isfinite(course.labels[target])] for course in finished])
    kinds = int(told.sum()), int(len(told) - told.sum())
    if len(told) < LEAST_LEARNERS or min(kinds) < LEAST_OF_A_KIND:
        least = {"enough": LEAST_LEARNERS, "least": LEAST_OF_A_KIND}
        return remarks.remark("no_risk_learners", n=len(told), completed=kinds[0], **least)
    return None


def _known(outcomes: Outcomes, finished: Iterable[CourseRun], target: str) -> Outcomes:
    """Those of whom it is known, with the beginning of each one's clock."""
    found = {}
    for run in finished:
        course = outcomes.by_course.get(str(run.key))
        if course is None or target not in course.labels:
            continue
        users = np.array([name.isascii() and name.isdigit() for name in course.learners], np.bool_)
        rows = np.flatnonzero(np.isfinite(course.labels[target]) & users)
        learners = [course.learners[row] for row in rows.tolist()]
        begins = run.begins(map(int, learners))
        found[str(run.key)] = CourseOutcomes(
            course.course_id,
            learners,
            np.array([begins[int(learner)] for learner in learners]),
            {target: course.labels[target][rows]},
            {name: times[rows] for name, times in course.known_at.items() if name == target},
        )
    return Outcomes(found, (target,))


def _digest(lessons: Lessons) -> str:
    """Of all that decides what is trained and how it is judged, but what the platform says beside events."""
    told = hashlib.sha256(repr((lessons.target, settings.NUDGE_HELD_OUT_SHARE, _further_stamp())).encode())
    for run in lessons.runs:
        times = run.sequences().times
        newest = float(times.max()) if len(times) else 0.0
        told.update(repr((str(run.key), run.begin, run.length, len(times), newest)).encode())
    for outcomes in (lessons.taught, lessons.held_out):
        for course_id in outcomes.courses:
            course = outcomes.of(course_id)
            told.update("\n".join(course.learners).encode())
            told.update(course.labels[lessons.target].tobytes() + course.starts.tobytes())
    return told.hexdigest()


def _further_stamp() -> tuple[str, int, int]:
    """Tells the operator's feature table from an earlier one."""
    path = str(settings.NUDGE_RISK_FEATURES)
    if not path or not Path(path).is_file():
        return path, 0, 0
    told = Path(path).stat()
    return path, told.st_mtime_ns, told.st_size


def _run(lessons: Lessons, job: Run) -> str:
    """Run the training process to its end; the version it published."""

    def heed(report: apart.Report) -> None:
        job.report(report.get("share"), report.get("words", ""))

    job.report(0.0, "writing down what is known of finished course runs")
    try:
        ending = apart.run(MODULE, _order(lessons, job), heed)
    finally:
        _clear()
    if not ending.well or "version" not in ending.report:
        raise TrainingFailed(f"Training the risk model stopped: {ending.words}.")
    return str(ending.report["version"])


def _tables() -> list[Path]:
    """The outcomes, assignments and further facts that the training process reads."""
    return [workroom() / f"risk_{name}.csv" for name in ("outcomes", "assignments", "facts")]


def _clear() -> None:
    """Delete them: they name learners, also one who was retired while they were being written."""
    for path in _tables():
        path.unlink(missing_ok=True)


def _order(lessons: Lessons, job: Run) -> dict[str, Any]:
    """What the training process is to do; the tables that it names are written."""
    further = str(settings.NUDGE_RISK_FEATURES)
    outcomes, handed, told = _tables()
    lessons.taught.write(outcomes)
    people = [(run, _user_ids(lessons, run)) for run in lessons.runs]
    assignments.write(
        handed, chain.from_iterable(facts.assignments(run, user_ids) for run, user_ids in people)
    )
    calendar = facts.Calendar()
    _write_facts(
        told, chain.from_iterable(facts.enrolments(run, user_ids, calendar) for run, user_ids in people)
    )
    return {
        "events": str(settings.NUDGE_EVENTS_DIR),
        "store": str(settings.NUDGE_MODEL_DIR),
        "outcomes": str(outcomes),
        "records": str(labels.trained_on()),
        "assignments": str(handed),
        "facts": [str(told), *([further] if further else [])],
        "target": lessons.target,
        "held_out_share": settings.NUDGE_HELD_OUT_SHARE,
        "lengths": {str(run.key): run.length for run in lessons.runs if run.length},
        "joined": {str(run.key): _late(run, user_ids) for run, user_ids in people},
        "now": job.now.timestamp(),
    }


def _late(run: CourseRun, user_ids: list[int]) -> dict[str, float]:
    """When those enrolled who came late to the run."""
    begins = run.begins(user_ids)
    return {str(user_id): at for user_id, at in run.joined(user_ids).items() if at > begins[user_id]}


def _user_ids(lessons: Lessons, run: CourseRun) -> list[int]:
    course = lessons.taught.by_course.get(str(run.key))
    return [int(learner) for learner in course.learners] if course else []


def _write_facts(path: Path, rows: Iterable[facts.Row]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, facts.COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode())
