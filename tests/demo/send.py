"""Writes from the demo to some of its simulated learners; NUDGE_DEMO_DIR says where its files go.

Run as a program with the number of learners whom the letter is for; as many others are not.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(many: int) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ["DJANGO_SETTINGS_MODULE"] = "demo.settings"
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.utils import timezone

    from demo import campus, outline, people, simulator
    from nudge_xblock.communicator import automation, delivery, desk, drafts, launching
    from nudge_xblock.models import Enrolment, Learner

    call_command("migrate", run_syncdb=True, verbosity=0)
    people.create()
    now = timezone.now().replace(hour=12)  # at night no mail goes out
    run = simulator.Run(outline.COURSE_KEY, outline.start(now), outline.WEEKS, 2 * many, 90000)
    campus.write([(run, [simulator.Result(simulator.learner(run, number)) for number in range(2 * many)])])
    learners = Learner.objects.bulk_create([Learner(user_id=90000 + number) for number in range(2 * many)])
    Enrolment.objects.bulk_create(
        Enrolment(
            learner=learner,
            course_key=outline.COURSE_KEY,
            started=now,
            predictions={"pass": 0.1 if number < many else 0.9},
            predicted_at=now,
        )
        for number, learner in enumerate(learners)
    )

    launching.launch = lambda _letter, _at=None: None  # begun below, in this process
    letter = drafts.new(
        outline.COURSE_KEY,
        User.objects.get(is_staff=True).pk,
        {
            "subject": "A word, [:firstname:]",
            "body": "<p>Dear [:fullname:], look again.</p>",
            "sender": "statistics@example.com",
            "selection": "pass=0-50",
        },
    )
    desk.send(outline.COURSE_KEY, letter.author_id, letter.pk, many, now)
    automation.begin(letter.pk, now)
    while delivery.work(letter.pk, lambda: now).again == now:
        pass


if __name__ == "__main__":
    main(int(sys.argv[1]))
