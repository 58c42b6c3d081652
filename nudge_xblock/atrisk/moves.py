"""What moved a learner's risk from one day to the next, in points that add up to the change.  Pure.

On the scale of log-odds a change is the sum of the groups' and the baseline's.  Each gets its share of the
change of the probability by the slope between the two days, so that the shares add up to it exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log

BASELINE = ""
"""What is no group's: the course went on."""
SAME = 1e-9
LEAST_CHANCE = 1e-12


def logit(chance: float) -> float:
    """Log-odds of a probability, which may be 0 or 1."""
    held = min(max(chance, LEAST_CHANCE), 1.0 - LEAST_CHANCE)
    return log(held / (1.0 - held))


def moved(
    before: float, after: float, parts_before: Mapping[str, float], parts_after: Mapping[str, float]
) -> dict[str, float]:
    """Percent points of the change from `before` to `after` by group, BASELINE among them.

    `parts_…`: reason group to log-odds on either day; what a day does not name is 0.
    """
    rise = logit(after) - logit(before)
    slope = (after - before) / rise if abs(rise) > SAME else after * (1.0 - after)
    groups = {*parts_before, *parts_after}
    changes = {group: parts_after.get(group, 0.0) - parts_before.get(group, 0.0) for group in sorted(groups)}
    changes[BASELINE] = rise - sum(changes.values())
    return {group: 100.0 * slope * change for group, change in changes.items()}
