"""Translations: every text has one in each language that is shipped, whole and compiled."""

from __future__ import annotations

import gettext
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "nudge_xblock" / "locale"
LANGUAGES = ("ar", "es_419")
BLANK = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


def catalogue(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def texts(template: Path) -> set[str]:
    """The texts of a catalogue, without its header."""
    compiled = template.with_suffix(".texts")
    listed = subprocess.run(["msgen", str(template)], check=True, capture_output=True).stdout
    subprocess.run(["msgfmt", "-o", str(compiled), "-"], input=listed, check=True)
    with compiled.open("rb") as file:
        found = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return {key[0] if isinstance(key, tuple) else key for key in found} - {""}


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What the code and the templates say now."""
    copy = tmp_path_factory.mktemp("copy") / "nudge_xblock"
    ignored = shutil.ignore_patterns("locale", "static", "templates", "__pycache__")
    shutil.copytree(ROOT / "nudge_xblock", copy, ignore=ignored)
    shutil.copytree(ROOT / "templates", copy / "templates")
    (copy / "locale").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        call_command("makemessages", locale=["ar"], no_location=True, verbosity=0)
    return texts(copy / "locale" / "ar" / "LC_MESSAGES" / "django.po")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str, extracted: set[str]) -> None:
    with catalogue(language).with_suffix(".mo").open("rb") as file:
        found = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    known = {key[0] if isinstance(key, tuple) else key for key, text in found.items() if text}
    assert sorted(extracted - known) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_blank_of_a_text_is_in_its_translation(language: str) -> None:
    with catalogue(language).with_suffix(".mo").open("rb") as file:
        found = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    for key, text in found.items():
        original = key[0] if isinstance(key, tuple) else key
        if original:
            assert set(BLANK.findall(text)) == set(BLANK.findall(original)), original


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_the_written_one(language: str, tmp_path: Path) -> None:
    fresh = tmp_path / "django.mo"
    subprocess.run(["msgfmt", "--check-format", "-o", str(fresh), str(catalogue(language))], check=True)
    assert fresh.read_bytes() == catalogue(language).with_suffix(".mo").read_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_fuzzy(language: str) -> None:
    listed = subprocess.run(
        ["msgattrib", "--only-fuzzy", str(catalogue(language))], capture_output=True, check=True
    )
    assert listed.stdout == b""
