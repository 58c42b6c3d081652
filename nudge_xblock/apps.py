"""How the platform finds, configures and mounts the plugin."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

_SETTINGS = {
    "common": {"relative_path": "settings.common"},
    "production": {"relative_path": "settings.production"},
    "devstack": {"relative_path": "settings.production"},
}
_URLS = {"namespace": "nudge_xblock", "regex": r"^", "relative_path": "urls"}
_RETIREMENT = "openedx.core.djangoapps.user_api.accounts.signals"


class NudgeConfig(AppConfig):
    """The Django app of the plugin, in the LMS and in Studio."""

    name = "nudge_xblock"
    label = "nudge_xblock"
    verbose_name = _("Nudges")
    default_auto_field = "django.db.models.BigAutoField"

    plugin_app: dict[str, Any] = {
        "settings_config": {"lms.djangoapp": _SETTINGS, "cms.djangoapp": _SETTINGS},
        "url_config": {"lms.djangoapp": _URLS},
        "signals_config": {
            "lms.djangoapp": {
                "relative_path": "receivers",
                "receivers": [
                    {
                        "receiver_func_name": "retire_learner",
                        "signal_path": f"{_RETIREMENT}.{name}",
                        "dispatch_uid": f"nudge_xblock.retire_learner.{name}",
                    }
                    for name in ("USER_RETIRE_LMS_MISC", "USER_RETIRE_LMS_CRITICAL")
                ],
            }
        },
    }

    def ready(self) -> None:
        """Connect what Django itself signals, register the checks and route the Celery tasks."""
        from django.conf import settings

        from . import checks, receivers
        from .settings.wiring import route_tasks

        checks.register()
        receivers.connect()
        route_tasks(settings)
