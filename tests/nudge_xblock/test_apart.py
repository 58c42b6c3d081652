"""Work in a process of its own: what it is told, what it reports, and how its end is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nudge_xblock import apart

CHILD = """
import json, sys, time
order = json.load(sys.stdin)
print(json.dumps({"share": 0.5}), flush=True)
time.sleep(order["pause"])
print(json.dumps({"done": order["what"]}), flush=True)
print("a word on the way", file=sys.stderr)
sys.exit(order["status"])
"""


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that does as it is told."""
    (tmp_path / "nudge_test_child.py").write_text(CHILD)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return "nudge_test_child"


def test_each_report_is_heeded_and_the_last_one_is_the_ending(child: str) -> None:
    heard: list[apart.Report] = []
    ending = apart.run(child, {"what": "x", "status": 0, "pause": 0}, heard.append)
    assert heard == [{"share": 0.5}, {"done": "x"}]
    assert (ending.well, ending.report) == (True, {"done": "x"})


def test_a_bad_end_is_told_by_what_it_said_last(child: str) -> None:
    ending = apart.run(child, {"what": "x", "status": 3, "pause": 0}, lambda report: None)
    assert not ending.well
    assert ending.words == "a word on the way"


def test_the_newest_report_is_heeded_again_while_there_is_silence(
    child: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "SILENCE", 0.05)
    heard: list[apart.Report] = []
    apart.run(child, {"what": "x", "status": 0, "pause": 0.5}, heard.append)
    assert heard.count({"share": 0.5}) > 2


def test_a_parent_that_stops_in_the_middle_takes_the_child_with_it(
    child: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[subprocess.Popen[str]] = []
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: begun.append(start(*a, **k)) or begun[-1])

    def stop(report: apart.Report) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apart.run(child, {"what": "x", "status": 0, "pause": 600}, stop)
    assert begun[0].returncode is not None
    assert begun[0].returncode < 0


def test_lines_come_as_they_are_said_and_empty_ones_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SILENCE", 0.05)
    code = "import time; print('one', flush=True); time.sleep(0.5); print('two')"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        said = list(apart.lines(child.stdout))
    assert [line.strip() for line in said if line] == ["one", "two"]
    assert said.count("") > 2
