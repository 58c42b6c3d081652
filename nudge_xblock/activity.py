"""How much more or less often learners are there again on the days after each message.

Pure numpy: logged moments and the days on which learners came in, beliefs out.  `harm` asks whether chance
alone proves harm, and takes thousands of moments for an answer; here every moment counts, sent and held, for
a guess that may tip the choice between messages and condemns none.

How likely each day was is known from the days before it and the learner's own level (`attendance`).  On it
acts what was met before, fading from day to day.  The chance of coming is

    foreseen x exp(sum over the moments in a course of .8^(days - 1) (a_place + b if sent + e_message))

a, of a placement and of the course, is what its moments say of a learner whatever is sent there (near a
course's end there is less to come back for), b what a send does anywhere, e what a message does beyond that.
a and e are normal around zero with standard deviation SPREAD, so what is seen of a message after few moments
hardly counts; b has a broad prior.  All messages of a course run are solved together, since a learner meets
several within days, by one step of iteratively reweighted least squares with a ridge (McCullagh and Nelder
1989), which for effects of a few hundredths is where it ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .attendance import FADING, Attendance, faded
from .normaltree import Belief

Floats = npt.NDArray[np.float64]

FEWEST = 200
"""With fewer moments nothing is said."""
SPREAD = 0.04
"""Standard deviation of effects, as a share of the days that learners come."""
_BROAD = 0.2
_CELLS = 2_000_000  # learners x days x columns at once


class Moment(NamedTuple):
    """One moment: whose, on which day (from any zero), in which course run, where, and what was sent."""

    learner: str
    day: int
    course: str
    placement: str
    sent: str | None


def effects(
    moments: Iterable[Moment],
    came: Mapping[str, Iterable[int]],
    end: int,
    report: Callable[[float], None] = lambda share: None,
) -> dict[str, Belief]:
    """By message: how much more (above zero) or less often learners come again after it than after others.

    As a share, so -0.1 is a tenth less often on the day after a send, and FADING of that on each further day.

    Args:
        moments: at which something was sent or held back; those of day `end` and later are left out.
        came: by learner, the days on which there was anything from them.
        end: the first day that is not over yet.
        report: is told the share that is done, course run by course run.

    Empty for fewer than FEWEST moments.
    """
    rows = [moment for moment in moments if moment.day < end]
    if len(rows) < FEWEST or all(row.sent is None for row in rows):
        return {}
    zero = min(row.day for row in rows)
    rows = [row._replace(day=row.day - zero) for row in rows]
    met: dict[str, list[int]] = defaultdict(list)
    courses: dict[str, list[Moment]] = defaultdict(list)
    for row in rows:
        met[row.learner].append(row.day)
        courses[row.course].append(row)
    shifted = {learner: np.fromiter(came.get(learner, ()), np.int64) - zero for learner in met}
    attendance = Attendance(shifted, dict(sorted(met.items())), end - zero)
    weights = attendance.weights()
    if weights is None:
        return {}
    found: dict[str, Belief] = {}
    for number, course in enumerate(courses.values()):
        report(number / len(courses))
        found |= _of_course(course, attendance, weights)
    return found


def _of_course(rows: Sequence[Moment], attendance: Attendance, weights: Floats) -> dict[str, Belief]:
    """The beliefs of one course run's messages."""
    names = list(dict.fromkeys(row.sent for row in rows if row.sent is not None))
    columns: dict[tuple[str, str | None], int] = {("sent", name): place for place, name in enumerate(names)}
    for row in rows:
        columns.setdefault(("met", row.placement), len(columns))
    every, any_sent = len(columns), len(columns) + 1
    width = len(columns) + 2
    prior = np.full(width, SPREAD**-2)
    prior[any_sent] = _BROAD**-2
    information, pull = np.diag(prior), np.zeros(width)
    whose: dict[int, list[Moment]] = defaultdict(list)
    for row in rows:
        whose[attendance.place[row.learner]].append(row)
    learners = sorted(whose)
    size = max(1, _CELLS // (attendance.days * width))
    for begin in range(0, len(learners), size):
        part = learners[begin : begin + size]
        acts = np.zeros((len(part), attendance.days, width))
        for number, learner in enumerate(part):
            for row in whose[learner]:
                at = acts[number, row.day]
                at[columns["met", row.placement]] += 1.0
                at[every] += 1.0
                if row.sent is not None:
                    at[columns["sent", row.sent]] += 1.0
                    at[any_sent] += 1.0
        who = np.array(part)
        counts = attendance.counted(who) & (acts[:, :, every].cumsum(axis=1) > 0.0)
        table = faded(acts, FADING)[counts]
        foreseen = attendance.foreseen(who, weights)[counts]
        rest = 1.0 - foreseen
        information += (table.T * (foreseen / rest)) @ table
        pull += table.T @ ((attendance.came[who][counts] - foreseen) / rest)
    doubt = np.linalg.inv(information)
    told, deviations = doubt @ pull, np.sqrt(np.diag(doubt))
    return {name: Belief(float(told[place]), float(deviations[place])) for place, name in enumerate(names)}
