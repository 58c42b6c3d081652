"""Who was chosen as a letter was confirmed, kept with it until a worker makes their rows.

Rows of 100,000 learners take longer to make than a browser waits; which learners they are, and the figures by
which the selection held them, must be those of the moment at which a person said yes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

import numpy as np

from nudge_xblock import courses

from .figures import Learners
from .models import Letter
from .picking import Chosen
from .selection import Figures

COLUMN = "column "


def packed(found: Chosen) -> bytes:
    """The chosen learners and their figures, as an archive of arrays."""
    learners, rows = found.learners, list(found.rows)
    columns = {COLUMN + name: values[rows] for name, values in learners.figures.columns.items()}
    file = BytesIO()
    np.savez_compressed(
        file,
        at=np.float64(learners.at.timestamp()),
        user_ids=learners.user_ids[rows],
        pseudonyms=learners.pseudonyms[rows],
        modes=np.array(learners.figures.modes, dtype=np.str_),
        **columns,
    )
    return file.getvalue()


def unpacked(letter: Letter) -> Chosen | None:
    """Whom the letter was confirmed for, less who was retired since; None where that is not kept."""
    if letter.confirmed_for is None:
        return None
    with np.load(BytesIO(bytes(letter.confirmed_for)), allow_pickle=False) as file:
        columns = {name.removeprefix(COLUMN): file[name] for name in file.files if name.startswith(COLUMN)}
        learners = Learners(
            letter.course_key,
            datetime.fromtimestamp(float(file["at"]), UTC),
            file["user_ids"],
            file["pseudonyms"],
            Figures(columns, tuple(file["modes"].tolist()), file["pseudonyms"]),
        )
    gone = courses.event_store().forgotten()
    rows = [row for row, user_id in enumerate(learners.user_ids.tolist()) if not gone(str(user_id))]
    return Chosen(learners, rows)
