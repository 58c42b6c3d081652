"""Fills a served demo course with decisions, votes and nights, as a busy month would leave them.

Run as a program; NUDGE_DEMO_DIR says where the course's files are.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ["DJANGO_SETTINGS_MODULE"] = "demo.settings"
    import django

    django.setup()
    from django.utils import timezone

    from demo import outline
    from tests import rows

    now = timezone.now()
    rows.course(learners=400, moments=3000, days=40, effect=0.3, until=now, key=outline.COURSE_KEY)
    rows.nights(until=now)


if __name__ == "__main__":
    main()
