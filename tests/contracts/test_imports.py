"""Who may import whom, and what a web process never loads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "lightgbm", "pyarrow", "scipy", "sklearn", "tqdm", "pandas", "matplotlib")

WEB_PROCESS = """
import sys
import django
django.setup()
from importlib import import_module
from django.core.management import call_command
from django.urls import get_resolver
import_module("nudge_xblock.rest.v1.urls")
assert get_resolver().url_patterns
for name in (
    "admin", "afterwards", "api", "apps", "block", "checks", "compat", "decisions", "filters", "placements",
    "receivers", "retirement", "serving", "states", "tasks", "tracking", "urls", "votes",
):
    import_module(f"nudge_xblock.{name}")
for name in ("events", "helpfulness", "sequences", "stack", "store", "streaming"):
    import_module(f"predictor.{name}")
call_command("check", verbosity=0)
loaded = sorted(name for name in %r if name in sys.modules)
assert not loaded, f"a web process loads {loaded}"
"""

SERVING = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in %r:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.conf import settings
from tests.nudge_xblock import engagement
from nudge_xblock import serving, states, tracking
from nudge_xblock.models import Enrolment, InboxEvent, Learner
from datetime import UTC, datetime, timedelta
engagement.publish(settings.NUDGE_MODEL_DIR)
now = datetime.now(UTC)
for second in range(100):
    tracking.InboxBackend().send({
        "name": "play_video", "timestamp": now - timedelta(seconds=900 - second), "data": {"id": "v"},
        "context": {"user_id": 7, "course_id": "course-v1:O+C+R", "event_source": "browser"},
    })
assert InboxEvent.objects.count() == 100
enrolment = Enrolment.objects.create(
    learner=Learner.objects.create(user_id=7), course_key="course-v1:O+C+R", started=now - timedelta(days=1)
)
outlook = states.outlook(enrolment, states.tail(enrolment, now), now)
assert outlook.why == "" and 0 < outlook.reading.probabilities["pass"] < 1
enrolment.refresh_from_db()
assert enrolment.state
"""


def run(program: str) -> None:
    """Run `program` in a fresh interpreter with the tests' settings; fail with what it printed."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_contracts_in_pyproject_are_kept() -> None:
    lint = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_web_process_never_loads_what_training_needs() -> None:
    run(WEB_PROCESS % (HEAVY,))


def test_without_the_training_extra_events_are_kept_and_states_served() -> None:
    run(SERVING % (HEAVY,))
