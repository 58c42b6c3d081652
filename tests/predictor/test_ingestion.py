"""Logs and tables into a store, each line accounted for."""

import bz2
import gzip
import io
import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from benchmarks.tracking import lines as made_lines
from predictor import ingestion
from predictor.events import FUTURE
from predictor.ingestion import Progress, Report, ingest
from predictor.parsing import CUT_LINE, EMPTY, NOT_JSON
from predictor.readers import CUT_SHORT, DAMAGED
from predictor.sequences import EventStore
from predictor.tokens import BEHIND
from tests.predictor.test_sequences import content

NOW = 1_800_000_000.0
LINES = list(made_lines(3000, courses=3, learners=20))
ROOT = Path(__file__).parents[2]


def balanced(report: Report) -> Report:
    """Every line is told once."""
    assert report.lines == report.events + report.set_aside.total() + report.malformed.total()
    assert report.events == report.added + report.duplicates + report.forgotten
    return report


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str, float, str, str]]:
    """What the lines hold, read in one go."""
    folder = tmp_path_factory.mktemp("expected")
    (folder / "tracking.log").write_bytes(b"".join(LINES))
    report = balanced(ingest([folder / "tracking.log"], folder / "store", now=NOW, workers=1))
    assert (report.lines, report.malformed.total()) == (3000, 0)
    assert report.set_aside["browser copy of problem_check"] > 100
    assert report.set_aside[BEHIND] > 50
    return content(EventStore(folder / "store"))


def test_rotated_compressed_shuffled_overlapping_files_are_one_history(tmp_path: Path, expected: set) -> None:
    shuffled = random.Random(5).sample(LINES, len(LINES))
    zstd = zstandard.ZstdCompressor()
    parts = {
        "tracking.log-1.gz": gzip.compress(b"".join(shuffled[:900]))
        + gzip.compress(b"".join(shuffled[900:1000])),
        "tracking.log-2.zst": zstd.compress(b"".join(shuffled[800:1500]))
        + zstd.compress(b"".join(shuffled[1500:1900])),
        "tracking.log-3.bz2": bz2.compress(b"".join(shuffled[1700:2400])),
        "tracking.log": b"".join(shuffled[2300:]),
    }
    for name, data in parts.items():
        (tmp_path / name).write_bytes(data)
    report = balanced(ingest([tmp_path / "tracking.log*"], tmp_path / "store", now=NOW, workers=1))
    assert report.duplicates > 100
    assert content(EventStore(tmp_path / "store")) == expected
    again = balanced(ingest([tmp_path / "tracking.log*"], tmp_path / "store", now=NOW, workers=1))
    assert (again.added, again.duplicates) == (0, again.events)
    assert content(EventStore(tmp_path / "store")) == expected


def test_helpers_read_what_this_process_reads(
    tmp_path: Path, expected: set, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingestion, "BLOCK", 1 << 17)
    monkeypatch.setattr(ingestion, "HELD", 500)
    path = tmp_path / "tracking.log"
    path.write_bytes(b"broken\n" + b"".join(LINES[:1500]) + b"broken\n" + b"".join(LINES[1500:]))
    report = balanced(ingest([path], tmp_path / "store", now=NOW, workers=2))
    assert report.malformed == {NOT_JSON: 2}
    assert report.first == {NOT_JSON: f"{path}, line 1"}
    assert content(EventStore(tmp_path / "store")) == expected


def test_lines_are_counted_through_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "BLOCK", 1 << 14)
    path = tmp_path / "tracking.log"
    path.write_bytes(b"".join(LINES[:700]) + b"\n" + LINES[0][:-30])
    report = balanced(ingest([path], tmp_path / "store", now=NOW, workers=1))
    assert report.first == {EMPTY: f"{path}, line 701", CUT_LINE: f"{path}, line 702"}


def test_a_file_cut_short_keeps_what_comes_before(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(LINES))
    (tmp_path / "tracking.log.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "other.log").write_bytes(b"".join(LINES[:10]))
    report = balanced(
        ingest([tmp_path / "tracking.log.gz", tmp_path / "other.log"], tmp_path / "store", now=NOW)
    )
    assert report.unread == [(str(tmp_path / "tracking.log.gz"), CUT_SHORT)]
    assert report.added > 800
    assert "tracking.log.gz: file cut short" in str(report)


def test_a_damaged_file_does_not_stop_the_others(tmp_path: Path) -> None:
    whole = zstandard.ZstdCompressor(write_checksum=True).compress(b"".join(LINES))
    (tmp_path / "a.zst").write_bytes(whole[:200] + b"\xff" * 400 + whole[600:])
    (tmp_path / "b.log").write_bytes(b"".join(LINES))
    report = balanced(ingest([tmp_path], tmp_path / "store", now=NOW))
    assert report.unread == [(str(tmp_path / "a.zst"), DAMAGED)]
    assert report.lines >= 3000


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("course_id,learner_id\n")
    with pytest.raises(ValueError, match="lacks the columns time, event_type"):
        ingest([tmp_path / "events.csv"], tmp_path / "store")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        ingest([tmp_path / "nowhere"], tmp_path / "store")


def test_standard_input_is_a_log(tmp_path: Path, expected: set, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(b"".join([b"x\n", *LINES])))))
    report = balanced(ingest(["-"], tmp_path, now=NOW, workers=1))
    assert report.first == {NOT_JSON: "standard input, line 1"}
    assert content(EventStore(tmp_path)) == expected


def test_a_table_goes_into_the_same_store(tmp_path: Path) -> None:
    head = "course_id,learner_id,time,event_type\n"
    (tmp_path / "events.csv").write_text(
        head + "c,1,2014-05-13,video\nc,1,2014-05-13,video\nc,1,soon,video\n"
    )
    report = balanced(ingest([tmp_path / "events.csv"], tmp_path / "store", now=NOW))
    assert (report.lines, report.added, report.repeated) == (3, 2, 1)
    assert report.malformed == {"unreadable time": 1}
    assert balanced(ingest([tmp_path / "events.csv"], tmp_path / "store", now=NOW)).duplicates == 2


def test_the_clock_decides_what_lies_in_the_future(tmp_path: Path) -> None:
    (tmp_path / "tracking.log").write_bytes(b"".join(LINES))
    first = json.loads(LINES[0])["time"]
    assert first.startswith("2016-01-11")
    report = balanced(ingest([tmp_path / "tracking.log"], tmp_path / "store", now=1_452_500_000.0, workers=1))
    assert report.malformed.keys() == {FUTURE}
    assert 0 < report.added < report.malformed[FUTURE]


def test_progress_tells_bytes_and_ends_at_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingestion, "BLOCK", 1 << 16)
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(b"".join(LINES)))
    (tmp_path / "b.log").write_bytes(b"".join(LINES))
    told: list[Progress] = []
    ingest([tmp_path], tmp_path / "store", told.append, now=NOW, workers=1)
    assert len(told) > 10
    assert [step.done for step in told] == sorted(step.done for step in told)
    assert told[-1].done == told[-1].total == sum(path.stat().st_size for path in tmp_path.glob("*.*"))
    assert told[-1].lines == 6000


def test_the_summary_keeps_sound_lines_apart_from_broken_ones(tmp_path: Path) -> None:
    path = tmp_path / "tracking.log"
    path.write_bytes(b"".join(LINES) + b"garbage\n")
    text = str(balanced(ingest([path], tmp_path / "store", now=NOW, workers=1)))
    sound, _, broken = text.partition("1 malformed lines:")
    assert "browser copy of problem_check" in sound
    assert f"1  not JSON (first: {path}, line 3,001)" in broken
    assert "browser copy" not in broken


def test_a_forgotten_learner_is_not_brought_back_by_old_logs(tmp_path: Path) -> None:
    (tmp_path / "tracking.log").write_bytes(b"".join(LINES))
    ingest([tmp_path / "tracking.log"], tmp_path / "store", now=NOW, workers=1)
    store = EventStore(tmp_path / "store")
    erased = store.forget("1")
    assert erased > 10
    report = balanced(ingest([tmp_path / "tracking.log"], tmp_path / "store", now=NOW, workers=1))
    assert report.forgotten >= erased
    assert not any(learner == "1" for _, learner, *_ in content(store))


@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_kill_leaves_a_readable_store_that_another_run_completes(
    tmp_path: Path, expected: set, after: int
) -> None:
    (tmp_path / "tracking.log").write_bytes(b"".join(LINES))
    script = """
import sys
from predictor import ingestion
ingestion.BLOCK, ingestion.HELD = 1 << 17, 200
ingestion.ingest([sys.argv[1]], sys.argv[2], lambda step: print(step.lines, flush=True), 1_800_000_000.0)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "tracking.log"), str(tmp_path / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as run:
        assert run.stdout is not None
        for _ in range(after):
            assert run.stdout.readline()
        run.send_signal(signal.SIGKILL)
    store = EventStore(tmp_path / "store")
    assert content(store) <= expected
    balanced(ingest([tmp_path / "tracking.log"], tmp_path / "store", now=NOW, workers=1))
    assert content(store) == expected
