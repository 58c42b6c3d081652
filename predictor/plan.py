"""The settings of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from predictor.inputs import DAY
from predictor.model import ModelConfig
from predictor.trainset import Scope

FEWEST_STEPS, MOST_STEPS = 240, 1000
SMALLEST_BATCH = 16
MOST_EPOCHS = 30


def least_steps(learners: int) -> int:
    """Steps of the optimizer that so many learners are worth: one for five of them, within bounds."""
    return min(MOST_STEPS, max(FEWEST_STEPS, learners // 5))


def suited(learners: int) -> dict[str, int]:
    """Fields of TrainConfig that give few learners as many steps of the optimizer as a network needs.

    With the defaults, 600 learners would be 25 steps in all, and the network hardly moved: so their batches
    are smaller and their epochs more.  Empty for some 26,000 learners and above.
    """
    least = least_steps(learners)
    steps = -(-learners // TrainConfig.batch_learners)
    if steps * TrainConfig.epochs >= least:
        return {}
    batch = min(TrainConfig.batch_learners, max(SMALLEST_BATCH, learners // 120))
    epochs = -(-least // max(1, -(-learners // batch)))
    return {"batch_learners": batch, "epochs": min(MOST_EPOCHS, max(TrainConfig.epochs, epochs))}


def studied(clock: str, horizons: Sequence[float], learners: int, seed: int) -> dict[str, Any]:
    """Fields of TrainConfig for a study that asks about one outcome at these horizons (seconds)."""
    return {
        "clock": clock,
        "seed": seed,
        "leave_days": 0.0,
        "horizon_days": max(horizons) / DAY,
        "early": 1.0,
        **suited(learners),
    }


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained; every field can be set by an operator.

    Args:
        clock: where markers are counted from, "course" or "learner" (self-paced).
        leave_days: also predict that no event follows within so many days; 0 for not.
        live_days, horizon_days, early: which readings the loss lies on, see Scope.
        hidden, embedding, width, input_dropout, head_dropout: see ModelConfig.
        epochs: passes over the data, planned by the one-cycle schedule.
        patience: epochs without a better held-out loss before stopping early, which forgoes the end of the
            schedule, where the loss falls most.
        batch_learners: learners per step of the optimizer.
        batch_steps: steps of the network at once; a batch is worked off in parts of about so many.
        learning_rate: the highest of the cycle.
        weight_decay: of AdamW.
        gradient_clip: largest norm of a gradient.
        moments: readings per learner and epoch right after an event, beside those at markers.
        next_event: weight of predicting the next event's token, which helps where labels are few; or 0.
        held_out: share held out for early stopping and calibration: whole courses where there are eight or
            more, else learners.
        undersample: at most so many learners of the larger class per one of the smaller; 0 for all.
        outlier_ranges: leave out streams so many interquartile ranges too long; 0 for none.
        min_count, min_courses: a token with fewer events, or in fewer courses, is `<other>`.
        known_items: at most so many items that learners of several course runs met have an input of their
            own; 0 for none.
        pool_events: events held in memory at once.
        processes: at most so many share each batch; the model is the same, whatever their number.
        threads: of torch, in each of them.
        seed: of everything random.
    """

    clock: Literal["course", "learner"] = "course"
    leave_days: float = 2.0
    live_days: float = 28.0
    horizon_days: float = 0.0
    early: float = 0.0
    hidden: int = 64
    embedding: int = 32
    width: int = 32
    input_dropout: float = 0.2
    head_dropout: float = 0.1
    epochs: int = 5
    patience: int = 30
    batch_learners: int = 128
    batch_steps: int = 5_000
    learning_rate: float = 4e-3
    weight_decay: float = 1e-3
    gradient_clip: float = 1.0
    moments: int = 2
    next_event: float = 0.0
    known_items: int = 2000
    held_out: float = 0.1
    undersample: float = 0.0
    outlier_ranges: float = 0.0
    min_count: int = 1000
    min_courses: int = 4
    pool_events: int = 4_000_000
    processes: int = 2
    threads: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        counts = (
            "hidden",
            "embedding",
            "width",
            "epochs",
            "batch_learners",
            "batch_steps",
            "processes",
            "threads",
        )
        for name in counts:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.known_items < 0:
            raise ValueError(f"known_items must be at least 0, not {self.known_items}")
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out must lie between 0 and 1, not {self.held_out}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be above 0, not {self.learning_rate}")

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> TrainConfig:
        """A configuration from the fields given; ValueError names a field that does not exist."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(content) - known)
        if unknown:
            raise ValueError(f"unknown training settings {unknown}; there are {sorted(known)}")
        return cls(**content)

    @property
    def scope(self) -> Scope:
        """The part that says which readings count."""
        return Scope(self.live_days, self.horizon_days, self.early)

    @property
    def model(self) -> ModelConfig:
        """The network's part."""
        return ModelConfig(self.hidden, self.embedding, self.width, self.input_dropout, self.head_dropout)
