"""What the audit calls that which staff do with at-risk cases."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SEEN = ("cases_seen", "case_seen", "case_settings_seen", "worked_seen", "fairness_seen")
"""Those that neither change anything nor take a table away."""

CASES: Mapping[str, Promise] = {
    "cases_seen": _("Looked at the at-risk cases"),
    "cases_exported": _("Downloaded the at-risk cases as a table"),
    "case_seen": _("Looked at an at-risk case"),
    "case_noted": _("Wrote a note about an at-risk case"),
    "case_assigned": _("Gave an at-risk case to somebody"),
    "case_resolved": _("Resolved an at-risk case"),
    "case_reopened": _("Opened an at-risk case again"),
    "case_settings_seen": _("Looked at the limits of risk"),
    "case_settings_changed": _("Changed the limits of risk or who helps"),
    "worked_seen": _("Looked at what helped learners at risk"),
    "fairness_seen": _("Looked at whether risk is told fairly"),
}
