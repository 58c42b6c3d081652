"""The learners who are never nudged, so that what nudging does can be known.

Pure.  Membership is drawn from a keyed digest of learner and course run: the same on every page and after
every restart, about the chosen share of learners in every course, and not to be foreseen, or chosen by
enrolling anew, without the site's key.
"""

from __future__ import annotations

from hashlib import blake2b

_WHOLE = float(1 << 64)


def is_in_control(user_id: int, course_key: object, share: float, key: str) -> bool:
    """Whether the learner belongs to the never-nudged `share` (0 to 1) of this course run.

    Whoever belongs to a small share belongs to a larger one too.
    """
    if share <= 0.0:
        return False
    secret = blake2b(key.encode(), digest_size=32, person=b"nudge control").digest()
    mark = blake2b(f"{user_id} {course_key}".encode(), digest_size=8, key=secret).digest()
    return int.from_bytes(mark, "big") / _WHOLE < share
