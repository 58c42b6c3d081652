"""Who is never nudged: a stable share of learners that nobody outside can foresee."""

from __future__ import annotations

import math

from nudge_xblock.control import is_in_control

COURSE = "course-v1:Harbour+NUM101+2026"


def members(share: float, key: str = "secret", course: str = COURSE, count: int = 20_000) -> set[int]:
    return {user for user in range(count) if is_in_control(user, course, share, key)}


def test_about_the_share_of_learners_belongs_to_it() -> None:
    for share in (0.02, 0.1, 0.5):
        expected = 20_000 * share
        assert abs(len(members(share)) - expected) < 4.0 * math.sqrt(expected * (1.0 - share))


def test_none_and_all_are_possible() -> None:
    assert not members(0.0)
    assert len(members(1.0)) == 20_000


def test_it_stays_and_grows_without_letting_anybody_go() -> None:
    assert members(0.05) == members(0.05)
    assert members(0.02) < members(0.05) < members(0.3)


def test_another_course_and_another_site_draw_others() -> None:
    mine = members(0.1)
    for other in (members(0.1, course=COURSE + "b"), members(0.1, key="another")):
        assert 0.05 * len(mine) < len(mine & other) < 0.2 * len(mine)
