"""What a learner has asked of the nudges: none at all, or fewer."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.db import transaction

from nudge_xblock.models import Learner

FEWEST = 3  # each step halves the caps, down to one nudge a week


@dataclass(frozen=True)
class Preferences:
    """`opted_out`: no nudges at all.  `fewer`: how often the caps are halved, 0 to `FEWEST`."""

    opted_out: bool = False
    fewer: int = 0

    def as_json(self) -> dict[str, bool | int]:
        return asdict(self)


def read(user_id: int) -> Preferences:
    """The learner's wishes; a learner never met has none."""
    row = Learner.objects.filter(user_id=user_id).values("opted_out", "fewer").first()
    return Preferences(**row) if row else Preferences()


def write(user_id: int, opted_out: bool | None = None, fewer: int | None = None) -> Preferences:
    """Change what is given and return all.  Raises ValueError for a `fewer` outside 0 to `FEWEST`."""
    if fewer is not None and not 0 <= fewer <= FEWEST:
        raise ValueError(f"fewer must be 0 to {FEWEST}, not {fewer}")
    with transaction.atomic():
        learner, _ = Learner.objects.select_for_update().get_or_create(user_id=user_id)
        learner.opted_out = learner.opted_out if opted_out is None else opted_out
        learner.fewer = learner.fewer if fewer is None else fewer
        learner.version += 1  # so that a question under way, which has read the old wishes, sends nothing
        learner.save(update_fields=["opted_out", "fewer", "version"])
    return Preferences(learner.opted_out, learner.fewer)
