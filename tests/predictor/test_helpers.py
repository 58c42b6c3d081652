"""Messages between a process and its helpers."""

from __future__ import annotations

import io
import os

from hypothesis import given
from hypothesis import strategies as st

from predictor.helpers import cores, receive, send


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_messages_come_as_they_were_sent_and_then_the_end(messages: list[bytes]) -> None:
    stream = io.BytesIO()
    for message in messages:
        send(stream, message)
    stream.seek(0)
    assert [receive(stream) for _ in messages] == messages
    assert receive(stream) is None


def test_a_message_cut_short_is_the_end() -> None:
    stream = io.BytesIO()
    send(stream, b"whole")
    for size in range(len(stream.getvalue())):
        assert receive(io.BytesIO(stream.getvalue()[:size])) is None


def test_there_is_a_core_and_no_more_than_the_machine_has() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)
