"""The flow settings with a broker, and without the platform's routing: tasks go to NUDGE_QUEUE."""

import os

from tests.flow.settings import *  # noqa: F403

CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_URL = os.environ["NUDGE_TEST_BROKER"]
CELERY_RESULT_BACKEND = os.environ["NUDGE_TEST_BROKER"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
NUDGE_QUEUE = "nudges"
del EXPLICIT_QUEUES  # noqa: F821
if os.environ.get("NUDGE_TEST_RECEIVER"):
    NUDGE_CASE_WEBHOOK_URL = os.environ["NUDGE_TEST_RECEIVER"]
    NUDGE_CASE_WEBHOOK_SECRET = "a secret of sixteen letters or more"
    NUDGE_COMPAT = "nudge_xblock.compat.Platform"  # whom the plugin knows takes the course
