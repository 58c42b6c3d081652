"""The campus with its stores in a folder of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

SETTINGS = ("COMPAT", "VOCABULARY_MIN_COUNT", "HELD_OUT_SHARE", "PROMOTION_MIN_NUDGES", "TRAINING")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def campus_site(stores: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The settings of tests.flow.settings in this process, on its own database."""
    monkeypatch.setenv("NUDGE_FLOW_DIR", str(stores))
    from tests.flow import settings as flow

    with override_settings(**{f"NUDGE_{name}": getattr(flow, f"NUDGE_{name}") for name in SETTINGS}):
        yield stores


def process(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """`manage.py` with these arguments in a process of its own, on the files in `folder`."""
    return subprocess.Popen(
        [sys.executable, "-m", "django", *arguments],
        cwd=ROOT,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "tests.flow.settings",
            "NUDGE_FLOW_DIR": str(folder),
            "PYTHONPATH": str(ROOT),
        }
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def manage(folder: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit status, output and complaints of such a process."""
    with process(folder, *arguments, **environment) as child:
        out, err = child.communicate(timeout=300)
    return child.returncode, out, err


def shell(folder: Path, code: str, **environment: str) -> Any:
    """What Python code prints as JSON on the files in `folder`."""
    import json

    status, out, err = manage(folder, "shell", "--verbosity", "0", "--command", code, **environment)
    assert status == 0, err
    return json.loads(out) if out.strip() else None
