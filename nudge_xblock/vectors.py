"""The feature vectors of a moment: made, asked of the model, and kept with the decision.

A decision keeps them as base64 of little-endian float32, exactly what the model saw, beside what names them:
{"hidden": H, "targets": [...], "layout": digest of the names, "shared": …, "messages": {variant id: …}}.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from predictor import features
from predictor.features import Behaviour, Course
from predictor.helpfulness import HelpfulnessModel, Keys
from predictor.streaming import Reading

from . import answers, described, gate
from .catalogue import Book, Spot, week_of
from .models import Enrolment
from .triggers import Row

Vector = NDArray[np.float32]
NEWEST = 400
"""How many of the newest events the features look at."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the model sees at one moment: the part all messages share, and one part per variant id.

    `keys` says whose effects a message shares (predictor.helpfulness.Keys), by variant id.
    """

    hidden: int
    targets: tuple[str, ...]
    shared: Vector
    messages: Mapping[str, Vector]
    keys: Mapping[str, Keys] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return features.names(self.hidden, self.targets)

    def matrix(self) -> Vector:
        """[variants, d], in the order of `messages`."""
        rows = [np.concatenate([self.shared, part]) for part in self.messages.values()]
        return np.stack(rows)

    def all_keys(self) -> list[Keys]:
        """Whose effects each message shares, in the order of `messages`."""
        return [self.keys.get(name, described.NOBODYS) for name in self.messages]


def see(
    enrolled: Enrolment,
    reading: Reading | None,
    rows: Sequence[Row],
    spots: Sequence[Spot],
    book: Book,
    shrinkage: float,
    now: datetime,
) -> Seen:
    """Make the vectors of every wording of `spots` for this learner now."""
    learner = enrolled.learner
    at = now.timestamp()
    history = described.history(learner.answers, (send[0] for send in learner.sends), at)
    newest = rows[-NEWEST:]
    behaviour = Behaviour(
        tokens=[row.token for row in newest],
        ages=[max(0.0, at - row.time) for row in newest],
        mode=enrolled.mode,
        completed=answers.count(learner.profile, "completed"),
    )
    week, length = week_of(book.dates, enrolled.started, now)
    course = Course(self_paced=book.dates.self_paced, week=week, length=length)
    profile = learner.profile if settings.NUDGE_USE_DEMOGRAPHICS else {}
    hidden: Any = reading.hidden if reading is not None else ()
    outlook = dict(reading.probabilities) if reading is not None else {}
    shared = features.shared(hidden, outlook, history, profile, behaviour, course)
    parts = {
        wording.id: features.of_message(
            history,
            described.message(spot.kind, spot.trigger.when, wording.tallies, shrinkage, spot.objective),
        )
        for spot in spots
        for wording in spot.wordings
    }
    keys = {
        wording.id: described.keys(
            wording.id, str(spot.id), str(enrolled.course_key), spot.kind, spot.trigger.when
        )
        for spot in spots
        for wording in spot.wordings
    }
    return Seen(len(hidden), tuple(sorted(outlook)), shared, parts, keys)


def predict(model: HelpfulnessModel, seen: Seen) -> dict[str, gate.Prediction] | None:
    """The model's three probabilities by variant id; None when the vectors lack what the model needs."""
    columns = _columns(seen.names, model.names)
    if columns is None:
        return None
    found = model.predict(seen.matrix()[:, columns], seen.all_keys())
    return {
        name: (float(row[0]), float(row[1]), float(row[2]))
        for name, row in zip(seen.messages, found, strict=True)
    }


def foresee(model: HelpfulnessModel | None, seen: Seen) -> dict[str, tuple[float, float, float]]:
    """P(helpful), P(not helpful) and P(dismissed) by variant id for a learner of whom nothing is known."""
    columns = None if model is None else _columns(seen.names, model.names)
    rows = seen.matrix() if columns is None else seen.matrix()[:, columns]
    found = described.foreseen(model if columns is not None else None, seen.names, rows, seen.all_keys())
    return {
        name: (float(row[0]), float(row[1]), float(row[2]))
        for name, row in zip(seen.messages, found, strict=True)
    }


def kept(seen: Seen, variants: Sequence[str]) -> dict[str, Any]:
    """The vectors of these variants as a decision keeps them."""
    return {
        "hidden": seen.hidden,
        "targets": list(seen.targets),
        "layout": layout(seen.names),
        "shared": _packed(seen.shared),
        "messages": {name: _packed(seen.messages[name]) for name in variants},
        "keys": {name: list(seen.keys.get(name, described.NOBODYS)) for name in variants},
    }


def unkept(stored: Any) -> Seen | None:
    """What `kept` was given; None for a decision without vectors, or with those of another layout."""
    if not isinstance(stored, Mapping) or "shared" not in stored:
        return None
    hidden, targets = int(stored["hidden"]), tuple(stored["targets"])
    if stored["layout"] != layout(features.names(hidden, targets)):
        return None
    messages = {name: _unpacked(part) for name, part in stored["messages"].items()}
    keys = {name: tuple(own) for name, own in stored.get("keys", {}).items()}
    return Seen(hidden, targets, _unpacked(stored["shared"]), messages, keys)


@lru_cache(maxsize=16)
def layout(names: tuple[str, ...]) -> str:
    """A digest of the names: vectors of another layout are not mixed with these."""
    return hashlib.blake2b("\n".join(names).encode(), digest_size=8).hexdigest()


@lru_cache(maxsize=16)
def _columns(have: tuple[str, ...], want: tuple[str, ...]) -> NDArray[np.int64] | None:
    places = {name: index for index, name in enumerate(have)}
    if not places.keys() >= set(want):
        return None
    return np.asarray([places[name] for name in want], np.int64)


def _packed(vector: Vector) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def _unpacked(text: str) -> Vector:
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(np.float32)
