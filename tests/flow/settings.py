"""The test settings on a database and stores in files, which processes of their own can share."""

import os
from pathlib import Path

from tests.settings import *  # noqa: F403

FLOW = Path(os.environ["NUDGE_FLOW_DIR"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(FLOW / "db.sqlite3"),
        "OPTIONS": {"timeout": 30},
    }
}
NUDGE_EVENTS_DIR = str(FLOW / "events")
NUDGE_MODEL_DIR = str(FLOW / "models")
NUDGE_TRACKING_LOGS = [str(FLOW / "logs" / "tracking.log*")]
NUDGE_COMPAT = "tests.flow.campus.Campus"
NUDGE_VOCABULARY_MIN_COUNT = 20
NUDGE_HELD_OUT_SHARE = 0.25
NUDGE_PROMOTION_MIN_NUDGES = 5
NUDGE_TRAINING = {"hidden": 12, "embedding": 8, "width": 8, "epochs": 10, "batch_learners": 16}
