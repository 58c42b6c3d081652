"""Serves the demo course without its simulated history, with as many fresh learners as tests need.

Run as a program with a port; NUDGE_DEMO_DIR says where its files go.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

LEARNERS = 60


def main(port: str) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ["DJANGO_SETTINGS_MODULE"] = "demo.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from demo import history, people, runtime

    # A busy test machine is no reason to hold a nudge back; slowness has tests of its own.
    settings.NUDGE_DECISION_BUDGET_MS = 2500
    call_command("migrate", run_syncdb=True, verbosity=0)
    people.create()
    User.objects.bulk_create(User(username=f"learner{number}") for number in range(LEARNERS))
    runtime.load_course()
    history.place_nudges()
    call_command("runserver", f"127.0.0.1:{port}", use_reloader=False, verbosity=0)


if __name__ == "__main__":
    main(sys.argv[1])
