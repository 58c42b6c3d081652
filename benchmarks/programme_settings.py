"""Settings of `benchmarks.programme`: the platform's tables on MariaDB, stores in files, a broker."""

import os
from pathlib import Path

from tests.openedx import APPS
from tests.settings import *  # noqa: F403

FOLDER = Path(os.environ["NUDGE_PROGRAMME_DIR"])
INSTALLED_APPS += APPS  # noqa: F405
NUDGE_EVENTS_DIR = str(FOLDER / "events")
NUDGE_MODEL_DIR = str(FOLDER / "models")
NUDGE_RISK_FEATURES = str(FOLDER / "features.csv")
CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_URL = os.environ["NUDGE_TEST_BROKER"]
CELERY_RESULT_BACKEND = os.environ["NUDGE_TEST_BROKER"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
NUDGE_QUEUE = "nudges"
del EXPLICIT_QUEUES  # noqa: F821
