"""Where the demo's mails go: into a folder, a file each, which a mail program opens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class Folder(BaseEmailBackend):
    """Writes to EMAIL_FILE_PATH.  Django's own backend makes a file a connection, and most carry no mail."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.folder = Path(settings.EMAIL_FILE_PATH)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            prefix = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-"
            with NamedTemporaryFile(dir=self.folder, prefix=prefix, suffix=".eml", delete=False) as file:
                file.write(message.message().as_bytes())
        return len(email_messages)
