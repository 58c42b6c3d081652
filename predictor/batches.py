"""From the steps of some learners to the tensors of a batch."""

from __future__ import annotations

import numpy as np
import torch

from predictor.blocks import layout
from predictor.inputs import Ints
from predictor.model import Batch
from predictor.steps import Steps


def to_batch(steps: Steps, event_tokens: int) -> Batch:
    """The batch of all learners in `steps`."""
    plan = layout(steps.lengths)
    total = len(steps.tokens)
    source = plan.source
    own = steps.reading_steps[steps.markers]
    place = np.append(plan.place, total)
    return Batch(
        running=plan.running.tolist(),
        tokens=torch.from_numpy(steps.tokens[source]),
        items=torch.from_numpy(steps.items[source]),
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
