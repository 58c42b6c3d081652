"""How good a send must be so that a chosen share of moments is held back, and what else is weighed how.

Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

ENOUGH = 200
"""With fewer decisions behind it no threshold is set: the margins decide."""
PULL = 5.0
"""How strongly a share missed lately is made up for: worths drift, and yesterday's quantile lags behind."""

TILT = 18.0
"""How many standard deviations of messages' worths it outweighs that learners come back twice as often."""


def threshold(
    moments: Sequence[tuple[float | None, bool]], share: float, chance: float, spared: float
) -> float | None:
    """The worth below which a send is held back, so that `share` of all moments is held back in the long run.

    Args:
        moments: of late: what the best message was worth, None where no model judged it (a new learner, no
            model yet), and whether nothing was shown.
        share: to hold back.
        chance: share of moments that chance sends whatever the worth.
        spared: share of moments that chance holds back although they are to be sent.

    Moments that no threshold can hold back are made up for by the others.  None: too few moments.
    """
    worths = [worth for worth, _ in moments if worth is not None]
    if len(worths) < ENOUGH:
        return None
    free = (1.0 - chance - spared) * len(worths) / len(moments)
    missed = share - sum(held for _, held in moments) / len(moments)
    place = min(0.98, max(0.0, (share - spared) / max(free, 1e-9) + PULL * missed))
    return float(np.quantile(np.asarray(worths, np.float64), place))


def weight(helpful: float, not_helpful: float, least: float = 1.0, most: float = 10.0) -> float:
    """How many "helpful" answers one "not helpful" undoes, where helpful : not helpful is to be largest.

    A share of all sends is best given to those of largest P(helpful) - w P(not helpful), where w is the ratio
    that is reached (Dinkelbach 1967): what is held back for less would lower it.
    """
    ratio = (helpful + 3.0) / (not_helpful + 1.0)
    return min(most, max(least, ratio if math.isfinite(ratio) else least))


def effect_weight(worths: Sequence[float]) -> float:
    """How many "helpful" answers it is worth that a learner comes back twice as often in the days after.

    In proportion to how much `worths`, by answers alone, differ: effects of the usual few hundredths then
    tilt the order that answers give and do not replace it, also where messages differ little.  0 for too few.
    """
    return TILT * float(np.std(np.asarray(worths, np.float64))) if len(worths) >= ENOUGH else 0.0
