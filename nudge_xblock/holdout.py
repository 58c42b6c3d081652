"""Which learners are kept out of all training, so that any model can be judged on them.  No Django here."""

from __future__ import annotations

from hashlib import blake2b

BUCKETS = 10_000


def is_held_out(learner_id: str, share: float) -> bool:
    """Whether the learner belongs to the held-out `share` (0 to 1): the same answer on every night."""
    bucket = int.from_bytes(blake2b(learner_id.encode(), digest_size=8).digest(), "big") % BUCKETS
    return bucket < share * BUCKETS
