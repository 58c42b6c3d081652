"""What the benchmark says of memory and failure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.paper_size import family, run

HOLDS = """
import subprocess, sys, time
held = bytearray(b"x") * 100_000_000
if len(sys.argv) > 1:
    subprocess.run([sys.executable, sys.argv[0]])
else:
    time.sleep(1)
print("done")
"""


def test_memory_is_what_a_process_and_its_helper_hold_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "holds.py").write_text(HOLDS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    alone, together = run("holds"), run("holds", "helper")
    assert 0.1 < alone.memory < 0.2 < together.memory < 0.4
    assert together.output == "done\ndone\n"


def test_a_command_that_fails_ends_the_benchmark() -> None:
    with pytest.raises(SystemExit, match="predictor ended with"):
        run("predictor", "ingest", "no-such-file", "--out", "nowhere")


def test_a_family_is_a_process_and_all_below_it() -> None:
    inner = "import time; print('up', flush=True); time.sleep(30)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    with subprocess.Popen([sys.executable, "-c", outer], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        found = family(process.pid)
        assert len(found) == 2
        for child in found - {process.pid}:
            subprocess.run(["kill", str(child)], check=True)
