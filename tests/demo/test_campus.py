"""Letters reach the demo's simulated learners, and lie in a folder to be read."""

from __future__ import annotations

import os
import subprocess
import sys
from email import message_from_bytes, policy
from pathlib import Path

PROGRAM = Path(__file__).with_name("send.py")
MANY = 54


def test_each_chosen_learner_has_a_mail_of_their_own_and_no_file_is_empty(tmp_path: Path) -> None:
    environment = {**os.environ, "NUDGE_DEMO_DIR": str(tmp_path), "NUDGE_DEMO_URL": "http://127.0.0.1:8123"}
    environment.pop("NUDGE_DEMO_SMTP", None)
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(MANY)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    files = sorted((tmp_path / "mails").iterdir())
    mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    assert {str(mail["To"]) for mail in mails} == {
        f"learner{90000 + number}@example.org" for number in range(MANY)
    }
    assert len(mails) == MANY
    for mail in mails:
        text = mail.get_body(("plain",)).get_content()
        first = str(mail["Subject"]).removeprefix("A word, ")
        assert text.startswith(f"Dear {first} ")
        assert "http://127.0.0.1:8123/api/nudge/v1/unsubscribe/" in text
    assert len({mail.get_body(("plain",)).get_content().splitlines()[0] for mail in mails}) == MANY
