"""From the steps of some learners to the tensors of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from predictor.inputs import Ints
from predictor.model import Batch
from predictor.steps import Steps, ends, spread


@dataclass(frozen=True)
class Layout:
    """Where each step of `Steps` (learner-major) lies in a batch (time-major).

    Args:
        order: [b] learners by falling length.
        running: [T] learners still running at each time step.
        place: [S] row in the batch of each step.
    """

    order: Ints
    running: Ints
    place: Ints


def layout(lengths: Ints) -> Layout:
    """The time-major layout of learners with these numbers of steps."""
    order = np.argsort(-lengths, kind="stable")
    order = order[: np.count_nonzero(lengths)]
    longest = int(lengths[order[0]]) if len(order) else 0
    running = np.searchsorted(-lengths[order], -np.arange(longest), side="left").astype(np.int64)
    rank = np.empty(len(lengths), dtype=np.int64)
    rank[order] = np.arange(len(order))
    time = spread(np.zeros(len(lengths), dtype=np.int64), lengths)
    place = ends(running)[time] + np.repeat(rank, lengths)
    return Layout(order, running, place)


def to_batch(steps: Steps, event_tokens: int) -> Batch:
    """The batch of all learners in `steps`."""
    plan = layout(steps.lengths)
    total = len(steps.tokens)
    source = np.empty(total, dtype=np.int64)
    source[plan.place] = np.arange(total)
    own = steps.reading_steps[steps.markers]
    place = np.append(plan.place, total)
    return Batch(
        running=plan.running.tolist(),
        tokens=torch.from_numpy(steps.tokens[source]),
        inputs=torch.from_numpy(steps.inputs[source]),
        marker_rows=torch.from_numpy(plan.place[own]),
        marker_readings=torch.from_numpy(steps.readings[steps.markers]),
        reading_rows=torch.from_numpy(place[steps.reading_steps]),
        readings=torch.from_numpy(steps.readings),
        owners=torch.from_numpy(steps.reading_owners),
        next_tokens=torch.from_numpy(next_events(steps, event_tokens)[source]),
    )


def next_events(steps: Steps, event_tokens: int) -> Ints:
    """The token of the event that comes after each step [S], -1 where none does."""
    total = len(steps.tokens)
    is_event = steps.tokens < event_tokens
    following = np.where(is_event, np.arange(total), total)
    nearest = np.append(np.minimum.accumulate(following[::-1])[::-1], total)[1:]
    owner = np.append(np.repeat(np.arange(len(steps.lengths)), steps.lengths), -1)
    there = owner[nearest] == owner[:-1]
    return np.where(there, np.append(steps.tokens, 0)[nearest], -1)
