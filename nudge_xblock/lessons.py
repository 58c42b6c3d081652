"""What the helpfulness model learns from: every nudge that was really on a learner's screen, and its result.

Its objective says what the result is: the vote, the click, or what was completed (see `objectives`); a nudge
whose result is not known yet waits.
Explored and gated decisions are both used; each weighs one over the probability with which it was sent, so
that learning only where the last model sent does not bias the next.  The LSTM's hidden state belongs to a
model version: a decision's vectors are kept as the model of its day made them, and where tonight's LSTM is
another, its state at that very moment is computed again from the event store.  The helpfulness model
therefore always matches one engagement model, which its manifest names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
from django.conf import settings
from opaque_keys.edx.keys import CourseKey

from nudge_xblock import courses, described, objectives, vectors
from nudge_xblock.labels import is_held_out
from nudge_xblock.models import Decision
from nudge_xblock.night import ENGAGEMENT, HELPFULNESS, Run, Skipped, models
from nudge_xblock.reasons import Reason
from predictor import features
from predictor.helpfulness import HelpfulnessModel, Keys, lesson_weights
from predictor.penalised import DISMISSED
from predictor.store import BrokenModel, ModelStore
from predictor.streaming import Streamer

Vector = npt.NDArray[np.float32]

DAYS = 365
DAY = 86400.0
SETTLED = timedelta(minutes=30)  # after which no answer means that none will come
SEED = 20_180_814
NOT_PERSONAL = "Telling learners apart adds nothing yet, so nudges are ranked by how they fare."
HELPFUL, NOT_HELPFUL, NONE = objectives.SUCCESS, objectives.FAILURE, objectives.NEITHER


@dataclass(frozen=True, eq=False)
class Lessons:
    """n nudges, answered or not: rows [n, d] with `names`, outcomes [n], weights [n], held-out mask [n],
    whose they are [n], when in unix seconds [n], which were dismissed without a vote [n], and whose effects
    they share [n].
    """

    names: tuple[str, ...]
    rows: Vector
    outcomes: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]
    held: npt.NDArray[np.bool_]
    learners: npt.NDArray[np.str_]
    asked: npt.NDArray[np.float64]
    dismissed: npt.NDArray[np.bool_]
    keys: Sequence[Keys]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def answers(self) -> npt.NDArray[np.int64]:
        """What the model learns from: the outcomes, a dismissal being an answer of its own [n]."""
        return np.where(self.dismissed, DISMISSED, self.outcomes)


@dataclass(frozen=True, eq=False)
class Shown:
    """One nudge that was shown, with its vectors as kept."""

    decision: Decision
    seen: vectors.Seen

    @property
    def learner(self) -> str:
        return str(self.decision.learner.user_id)

    @property
    def vector(self) -> Vector:
        message = self.seen.messages[str(self.decision.variant_id)]
        return np.concatenate([self.seen.shared, message])

    @property
    def outcome(self) -> int:
        """HELPFUL, NOT_HELPFUL or NONE: success, failure or neither, by what the nudge is for."""
        found = result_of(self.decision)
        return NONE if found is None else found

    @property
    def dismissed(self) -> bool:
        """Whether a nudge that asks for a vote was put away instead."""
        asks = self.decision.placement.objective == objectives.VOTE
        return asks and self.outcome == NONE and self.decision.dismissed_at is not None

    @property
    def keys(self) -> Keys:
        return self.seen.keys.get(str(self.decision.variant_id), described.NOBODYS)


def result_of(decision: Decision) -> int | None:
    """The result of a nudge that was shown; None while it is not known."""
    clicked, dismissed = decision.clicked_at is not None, decision.dismissed_at is not None
    placement = decision.placement
    return objectives.result(
        placement.objective, decision.helpful, clicked, dismissed, decision.outcome, placement.objective_days
    )


def learn(job: Run) -> tuple[str, str]:
    """Fit and publish a helpfulness model to the states of the LSTM that may serve tomorrow.

    Return its version, and what was done in words.  Raises Skipped when there is too little, or nothing new.
    """
    store = models()
    engagement = job.tomorrow(ENGAGEMENT)
    shown = list(shown_nudges(job))
    job.figures["shown"] = len(shown)
    if not shown:
        raise Skipped("No nudge has been shown yet, so there are no answers to learn from.")
    digest = _digest(shown, engagement)
    serves = job.serving.get(HELPFULNESS)
    if serves and store.manifest(HELPFULNESS, serves).get("lessons") == digest:
        raise Skipped(f"No answer is new since the helpfulness model {serves} was trained.")
    lessons = lessons_for(shown, engagement, store)
    train = ~lessons.held
    try:
        model = HelpfulnessModel.fit(
            lessons.rows[train],
            lessons.answers[train],
            lesson_weights(1.0 / lessons.weights[train], (job.now.timestamp() - lessons.asked[train]) / DAY),
            lessons.names,
            SEED,
            start=_serving(store, serves, engagement),
            groups=lessons.learners[train],
            keys=[keys for keys, kept in zip(lessons.keys, train, strict=True) if kept],
        )
    except ValueError as error:
        raise Skipped(f"No helpfulness model was trained: {error}.") from error
    rows, votes = int(train.sum()), int((lessons.outcomes[train] != NONE).sum())
    manifest = {
        "names": list(lessons.names),
        "engagement": engagement or "",
        "lessons": digest,
        "rows": rows,
        "votes": votes,
        "personal": model.personal,
        "as_of": job.now.isoformat(),
        "held_out_share": settings.NUDGE_HELD_OUT_SHARE,
    }
    version = store.publish(HELPFULNESS, model.tensors(), manifest)
    job.figures.update({"rows": rows, "votes": votes, "version": version})
    words = f"Learned from {rows} shown nudges, {votes} of them with a vote."
    return version, words if model.personal else f"{words} {NOT_PERSONAL}"


def _serving(store: ModelStore, version: str | None, engagement: str | None) -> HelpfulnessModel | None:
    """The serving model as a warm start, where its features are those of tonight's LSTM."""
    if not version:
        return None
    try:
        tensors, manifest = store.load(HELPFULNESS, version)
        if manifest.get("engagement") != (engagement or ""):
            return None
        return HelpfulnessModel.from_tensors(tensors, manifest["names"])
    except (BrokenModel, ValueError):
        return None


def _digest(shown: Iterable[Shown], engagement: str | None) -> str:
    """Of everything that decides what is learned."""
    answers = [(str(each.decision.pk), each.outcome, each.dismissed) for each in shown]
    return hashlib.sha256(repr((engagement, settings.NUDGE_HELD_OUT_SHARE, answers)).encode()).hexdigest()


def shown_nudges(job: Run) -> Iterable[Shown]:
    """Every nudge shown in the last year whose learner had time to answer, oldest first.

    Those decided by a release that described learners otherwise are left out; the night's report counts them.
    """
    rows = Decision.objects.filter(
        variant__isnull=False,
        shown_at__isnull=False,
        created__gt=job.now - timedelta(days=DAYS),
        created__lte=job.now - SETTLED,
    ).exclude(reason=Reason.LETTER)  # sent to whom staff chose, not by what the model sees
    rows = rows.select_related("learner", "placement")
    job.figures["left_out"] = 0
    for decision in rows.defer("inputs", "propensities", "predictions").order_by("created", "pk").iterator():
        if result_of(decision) is None:
            continue
        seen = vectors.unkept(decision.features)
        if seen is not None and str(decision.variant_id) in seen.messages:
            yield Shown(decision, seen)
        else:
            job.figures["left_out"] += 1


def lessons_for(shown: Sequence[Shown], version: str | None, store: ModelStore) -> Lessons:
    """The same nudges as the LSTM `version` sees their moments; without one, without any LSTM's state."""
    streamer = Streamer.load(store, version) if version else None
    targets = streamer.targets if streamer else ()
    names = features.names(streamer.hidden_size if streamer else 0, tuple(sorted(targets)))
    rows = np.zeros((len(shown), len(names)), np.float32)
    for places in _alike(shown).values():
        vector = np.stack([shown[place].vector for place in places])
        seen, model = shown[places[0]].seen, shown[places[0]].decision.model_version
        if seen.names == names and model == (version or ""):
            rows[places] = vector
            continue
        hidden, readings = states([shown[place] for place in places], streamer)
        rows[places] = features.with_state(vector, seen.names, hidden, readings, targets)[1]
    return Lessons(
        names,
        rows,
        np.array([each.outcome for each in shown], np.int64),
        np.array([1.0 / max(each.decision.propensity, 1e-6) for each in shown]),
        np.array([is_held_out(each.learner) for each in shown], np.bool_),
        np.array([each.learner for each in shown], np.str_),
        np.array([each.decision.created.timestamp() for each in shown]),
        np.array([each.dismissed for each in shown], np.bool_),
        [each.keys for each in shown],
    )


def _alike(shown: Sequence[Shown]) -> dict[tuple[str, tuple[str, ...]], list[int]]:
    """Places of the nudges whose vectors one LSTM made, in one layout."""
    groups: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for place, each in enumerate(shown):
        groups.setdefault((each.decision.model_version, each.seen.names), []).append(place)
    return groups


def states(shown: Sequence[Shown], streamer: Streamer | None) -> tuple[Vector, Vector]:
    """Hidden state [n, H] and probabilities [n, T] of the LSTM at each nudge's moment."""
    if streamer is None:
        return np.zeros((len(shown), 0), np.float32), np.zeros((len(shown), 0), np.float32)
    hidden = np.zeros((len(shown), streamer.hidden_size), np.float32)
    readings = np.zeros((len(shown), len(streamer.targets)), np.float32)
    by_course: dict[CourseKey, list[int]] = {}
    for place, each in enumerate(shown):
        by_course.setdefault(each.decision.course_key, []).append(place)
    for course_key, places in by_course.items():
        sequences = courses.sequences_of(course_key, max(shown[place].decision.created for place in places))
        start = courses.start_of(course_key, sequences)
        for group in _rounds(shown, places):
            moments = np.array([shown[place].decision.created.timestamp() for place in group])
            learners = [shown[place].learner for place in group]
            zero = float(moments.min()) if start is None else start
            found = streamer.refresh(sequences, zero, np.maximum(moments, zero), learners)
            for place, learner in zip(group, learners, strict=True):
                reading = found[learner][1]
                hidden[place] = reading.hidden
                readings[place] = [reading.probabilities[name] for name in streamer.targets]
    return hidden, readings


def _rounds(shown: Sequence[Shown], places: Sequence[int]) -> list[list[int]]:
    """The places in groups that hold each learner once: their first nudges, their second ones, and so on."""
    count: dict[int, int] = {}
    groups: list[list[int]] = []
    for place in places:
        learner = shown[place].decision.learner_id
        number = count.get(learner, 0)
        count[learner] = number + 1
        if number == len(groups):
            groups.append([])
        groups[number].append(place)
    return groups
