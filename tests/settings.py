"""Django settings of the test run: the plugin alone, without a platform."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from nudge_xblock.settings.common import plugin_settings

ROOT = Path(__file__).resolve().parent.parent
SECRET_KEY = "only for tests"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "tests.urls"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "rest_framework",
    "nudge_xblock",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.request",
            ]
        },
    }
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
if os.environ.get("NUDGE_TEST_MYSQL"):  # "host:port" or a socket path, served by the services fixture
    DATABASES["default"] = {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "nudge",
        "USER": "root",
        "HOST": os.environ["NUDGE_TEST_MYSQL"],
    }
CELERY_TASK_ALWAYS_EAGER = True
NUDGE_DECISION_BUDGET_MS = 10_000  # a busy machine must not turn an answer into "slow"
NUDGE_STACK = False  # a stack takes three trainings more; tests of it turn it on
NUDGE_SPARED_SHARE = NUDGE_CONTROL_SHARE = 0.0  # chance must not decide whether a test sees a card
SCRATCH = Path(tempfile.mkdtemp(prefix="nudge-tests-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
NUDGE_EVENTS_DIR = str(SCRATCH / "events")
NUDGE_MODEL_DIR = str(SCRATCH / "models")
NUDGE_TRACKING_LOGS = [str(SCRATCH / "logs" / "tracking.log*")]
EVENT_TRACKING_BACKENDS: dict[str, object] = {}
EXPLICIT_QUEUES: dict[str, object] = {}
plugin_settings(sys.modules[__name__])
