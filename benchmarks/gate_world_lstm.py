"""The product's LSTM over the campus's events: trained by night, streamed by day."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.events import Event
from predictor.outcomes import Outcomes
from predictor.plan import TrainConfig
from predictor.sequences import EventTable
from predictor.store import ModelStore
from predictor.streaming import Reading, State, Streamer

Key = tuple[str, str]
"""Course and learner."""


@dataclass(slots=True)
class Stream:
    """One enrolment: its events, and the state after the first `folded` of them."""

    tokens: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    folded: int = 0
    state: State | None = None


class Engagement:
    """All enrolments, and the model that serves.  Times are unix seconds."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.streams: dict[Key, Stream] = defaultdict(Stream)
        self.streamer: Streamer | None = None

    @property
    def hidden_size(self) -> int:
        """Of the model that serves; 0 without one."""
        return 0 if self.streamer is None else self.streamer.hidden_size

    @property
    def targets(self) -> tuple[str, ...]:
        """What the model that serves foresees."""
        return () if self.streamer is None else tuple(sorted(self.streamer.targets))

    def add(self, key: Key, token: str, time: float, item: str) -> None:
        """One event; nothing is computed until somebody asks."""
        stream = self.streams[key]
        stream.tokens.append(token)
        stream.times.append(time)
        stream.items.append(item)

    def reading(self, key: Key, start: float, now: float) -> Reading | None:
        """What the model says of an enrolment in a course that began at `start`; None without a model."""
        if self.streamer is None:
            return None
        stream = self.streams[key]
        self._fold(stream, start, len(stream.times))
        assert stream.state is not None
        return self.streamer.at(stream.state, now)

    def train(self) -> None:
        """Fit a new model to every event so far, and let it serve."""
        from predictor import training

        events = (
            Event(course, learner, time, token, item)
            for (course, learner), stream in self.streams.items()
            for token, time, item in zip(stream.tokens, stream.times, stream.items, strict=True)
        )
        with tempfile.TemporaryDirectory() as folder:
            store = ModelStore(folder)
            version = training.fit(EventTable.of(events), Outcomes({}, ()), (), self.config, store)
            self.streamer = Streamer.load(store, version)
        for stream in self.streams.values():
            stream.folded, stream.state = 0, None

    def again(self, asked: Iterable[tuple[Key, float, float, int]]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Hidden states [n, H] and probabilities [n, T] at old moments: key, course start, time, row."""
        assert self.streamer is not None
        by_key: dict[Key, list[tuple[float, float, int]]] = defaultdict(list)
        count = 0
        for key, start, now, row in asked:
            by_key[key].append((now, start, row))
            count += 1
        hidden = np.zeros((count, self.hidden_size), np.float32)
        readings = np.zeros((count, len(self.targets)), np.float32)
        for key, moments in by_key.items():
            stream = self.streams[key]
            for now, start, row in sorted(moments):
                self._fold(stream, start, int(np.searchsorted(stream.times, now, "right")))
                assert stream.state is not None
                told = self.streamer.at(stream.state, now)
                hidden[row] = told.hidden
                readings[row] = [told.probabilities[name] for name in self.targets]
        return hidden, readings

    def _fold(self, stream: Stream, start: float, until: int) -> None:
        assert self.streamer is not None
        if stream.state is None:
            stream.state = self.streamer.begin(start)
        if until > stream.folded:
            new = slice(stream.folded, until)
            tokens: Sequence[str] = stream.tokens[new]
            stream.state = self.streamer.advance(stream.state, tokens, stream.times[new], stream.items[new])
            stream.folded = until
