"""What is done with letters, in the words of the audit."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LETTERS: Mapping[str, Promise] = {
    "senders_seen": _("Looked at the addresses to write from"),
    "places_seen": _("Looked at the course’s outline"),
    "letters_seen": _("Looked at the messages"),
    "letter_seen": _("Looked at a message"),
    "letter_drafted": _("Began a message"),
    "letter_copied": _("Copied a message"),
    "letter_taken": _("Copied a message into another course run"),
    "letter_changed": _("Changed a draft"),
    "letter_deleted": _("Threw a draft away"),
    "letter_previewed": _("Previewed a message"),
    "letter_tested": _("Sent a test mail to themselves"),
    "letter_sent": _("Sent a message"),
    "letter_stopped": _("Stopped a message"),
    "deliveries_seen": _("Looked at whom a message reached"),
    "deliveries_exported": _("Downloaded whom a message reached"),
    "letters_exported": _("Downloaded the messages as a table"),
}
