"""The demo course as its OLX files hold it: what is in which unit, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from opaque_keys.edx.keys import CourseKey, UsageKey

COURSE_KEY = CourseKey.from_string("course-v1:Harbour+NUM101+2026_T4")
TITLE = "Reading Numbers"
WEEKS = 6
FOLDER = Path(__file__).parent / "course"


def start(now: datetime | None = None) -> datetime:
    """The run began on the Monday three weeks before this one, so that it is always in its fourth week."""
    today = (now or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday(), weeks=3)


@dataclass(frozen=True)
class Unit:
    """One page of the course."""

    slug: str
    title: str
    week: int
    xml: str
    blocks: tuple[tuple[str, str], ...]  # (block type, name) in page order

    @property
    def due(self) -> datetime | None:
        """Quizzes are due at the end of the week after theirs."""
        graded = any(kind == "quiz" for kind, _ in self.blocks)
        return start() + timedelta(weeks=self.week + 1) if graded else None


@cache
def units() -> tuple[Unit, ...]:
    """Every unit, in course order: file names sort."""
    return tuple(_unit(path) for path in sorted(FOLDER.glob("*.xml")))


def unit(slug: str) -> Unit | None:
    return next((each for each in units() if each.slug == slug), None)


def unit_of(key: UsageKey) -> Unit | None:
    """The unit that holds a block."""
    name = (key.block_type, key.block_id)
    return next((each for each in units() if name in each.blocks or name == ("unit", each.slug)), None)


def nudges_beside(key: UsageKey) -> list[str]:
    """The usage keys of the nudges in the unit that holds a block."""
    unit = unit_of(key)
    beside = unit.blocks if unit else ()
    return [str(COURSE_KEY.make_usage_key(kind, name)) for kind, name in beside if kind == "nudge"]


def _unit(path: Path) -> Unit:
    text = path.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    return Unit(
        slug=root.attrib["url_name"],
        title=root.attrib["display_name"],
        week=int(root.attrib["week"]),
        xml=text,
        blocks=tuple((node.tag, node.attrib["url_name"]) for node in root),
    )
