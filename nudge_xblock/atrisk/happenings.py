"""What can happen to a case, as it is stored, and in words."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OPENED, MOVED, LED, CLOSED = "opened", "tier", "reason", "closed"
ASSIGNED, NOTE, RESOLVED, REOPENED = "assigned", "note", "resolved", "reopened"
MAIL, POPUP = "mail", "popup"

WORDS: Mapping[str, Promise] = {
    OPENED: _("Opened"),
    MOVED: _("Tier changed"),
    LED: _("Reason changed"),
    CLOSED: _("Closed by itself"),
    ASSIGNED: _("Assigned"),
    NOTE: _("Note"),
    RESOLVED: _("Resolved"),
    REOPENED: _("Opened again"),
    MAIL: _("A mail went out"),
    POPUP: _("A pop-up was shown"),
}
