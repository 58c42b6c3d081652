"""Settings of the demo host: the workbench's own, with the plugin added as a platform would add it."""

import os
from pathlib import Path
from types import SimpleNamespace

from nudge_xblock.settings.common import plugin_settings

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("NUDGE_DEMO_DIR", ROOT / "var" / "demo"))
for folder in (VAR, VAR / "logs"):
    folder.mkdir(parents=True, exist_ok=True)

SECRET_KEY = "the demo keeps no secrets"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]
ROOT_URLCONF = "demo.urls"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es-419", "Español"), ("ar", "العربية")]
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "eventtracking.django.apps.EventTrackingConfig",
    "djpyfs",
    "workbench",
    "nudge_xblock",
    "demo",
]
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "demo.tracking.TrackingMiddleware",
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
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": VAR / "demo.sqlite3",
        "OPTIONS": {"timeout": 30},
        "TEST": {"NAME": VAR / "test.sqlite3"},
    }
}
DJFS = {"type": "osfs", "directory_root": str(VAR / "files"), "url_root": "/files"}
WORKBENCH = {"reset_state_on_restart": False, "services": {}}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": VAR / "demo.log", "delay": True}},
    "loggers": {"workbench": {"handlers": ["file"], "level": "INFO", "propagate": False}},
}

EVENT_TRACKING_ENABLED = True
EVENT_TRACKING_BACKENDS = {
    "tracking_logs": {
        "ENGINE": "demo.tracking.LogBackend",
        "OPTIONS": {"path": str(VAR / "logs" / "tracking.log")},
    },
}

# Mails lie in a folder, unless a mail server is named.
_SMTP = os.environ.get("NUDGE_DEMO_SMTP", "")
EMAIL_HOST, _, EMAIL_PORT = _SMTP.partition(":")
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend" if _SMTP else "demo.mails.Folder"
EMAIL_FILE_PATH = str(VAR / "mails")
LMS_ROOT_URL = os.environ.get("NUDGE_DEMO_URL", "http://127.0.0.1:8000")

# The operator's own choices, as a site would make them: small data, so small thresholds and a small network.
NUDGE_COMPAT = "demo.campus.Campus"
NUDGE_EVENTS_DIR = str(VAR / "events")
NUDGE_MODEL_DIR = str(VAR / "models")
DEMO_DATA = os.environ.get("NUDGE_DEMO_DATA", "")
NUDGE_TRACKING_LOGS = [os.path.abspath(DEMO_DATA) if DEMO_DATA else str(VAR / "logs" / "tracking.log*")]
NUDGE_VOCABULARY_MIN_COUNT = 20
NUDGE_VOCABULARY_MIN_COURSES = 2
NUDGE_TRAINING = {"epochs": 8, "batch_learners": 32}  # else a few hundred learners are a few dozen steps
NUDGE_STACK = False  # three trainings more: the demo is to be ready in minutes
NUDGE_SPARED_SHARE = NUDGE_CONTROL_SHARE = 0.0  # whoever tries it out is to see the card
NUDGE_MAIL_SENDERS = {"*": ["statistics@example.com"]}
NUDGE_MAIL_PER_MINUTE = 0  # nobody's mail server is in the way
NUDGE_HELD_OUT_SHARE = 0.2  # a tenth of so few learners is too few to judge a model by

_plugin = SimpleNamespace(**{name: value for name, value in globals().items() if name.isupper()})
plugin_settings(_plugin)
globals().update({name: value for name, value in vars(_plugin).items() if name.isupper()})
