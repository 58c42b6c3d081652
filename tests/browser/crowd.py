"""Fills a served demo course with learners, what is predicted of them, and how that moved over a month.

Run as a program with their number; NUDGE_DEMO_DIR says where the course's files are.  Chances to pass, to
complete and to leave belong together; some are unknown, some never came, some have no mail address.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

BATCH = 2000
FIRST = 5000
TARGETS = ("pass", "complete", "leave")


def main(count: int) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ["DJANGO_SETTINGS_MODULE"] = "demo.settings"
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.utils import timezone

    from demo import outline
    from nudge_xblock.models import Enrolment, Learner, PredictionDay

    rng = np.random.default_rng(7)
    now = timezone.now()
    keen = rng.normal(size=count)
    wobble = rng.normal(scale=0.12, size=(count, 30)).cumsum(1)
    wobble -= wobble[:, -1:]

    def chance(level: float, slope: float) -> npt.NDArray[np.float64]:
        noise = rng.normal(scale=0.5, size=count)
        logits = (level + slope * keen + noise)[:, None] + np.sign(slope) * wobble
        chances: npt.NDArray[np.float64] = 1 / (1 + np.exp(-logits))
        return chances

    lines = {"pass": chance(-0.8, 1.4), "complete": chance(0.0, 1.3), "leave": chance(-0.5, -1.5)}

    def newest(row: int) -> dict[str, float]:
        return {name: round(float(lines[name][row, -1]), 4) for name in TARGETS}

    away = np.minimum(rng.exponential(9.0 * np.exp(-0.5 * keen)), 200.0)
    came, known = rng.random(count) > 0.08, rng.random(count) > 0.04
    progress = np.clip(100 / (1 + np.exp(1.0 - 1.2 * keen)) + rng.normal(scale=6.0, size=count), 0, 100)
    verified, mailed = rng.random(count) < 0.18, rng.random(count) < 0.97

    User.objects.bulk_create(
        [
            User(
                pk=FIRST + row,
                username=f"crowd{row}",
                first_name="Robin",
                email=f"crowd{row}@example.com" if mailed[row] else "",
            )
            for row in range(count)
        ],
        batch_size=BATCH,
    )
    learners = Learner.objects.bulk_create(
        [Learner(user_id=FIRST + row) for row in range(count)], batch_size=BATCH
    )
    enrolments = Enrolment.objects.bulk_create(
        [
            Enrolment(
                learner=learner,
                course_key=outline.COURSE_KEY,
                mode="verified" if verified[row] else "audit",
                started=now - timedelta(days=45),
                last_seen=now - timedelta(days=float(away[row])) if came[row] else None,
                predictions=newest(row) if known[row] else {},
                predicted_at=now,
                progress=int(progress[row]),
                fell=max(0, round(100 * float(lines["pass"][row, -8] - lines["pass"][row, -1]))),
            )
            for row, learner in enumerate(learners)
        ],
        batch_size=BATCH,
    )
    PredictionDay.objects.bulk_create(
        [
            PredictionDay(
                enrolment=enrolment,
                day=(now - timedelta(days=29 - day)).date(),
                predictions={name: round(float(lines[name][row, day]), 3) for name in TARGETS},
            )
            for row, enrolment in enumerate(enrolments[: min(count, 1000)])
            if known[row]
            for day in range(30)
        ],
        batch_size=BATCH,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
