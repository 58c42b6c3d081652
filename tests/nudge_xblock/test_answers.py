"""A learner's counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nudge_xblock import answers
from predictor.features import Answers

changes = st.dictionaries(st.sampled_from(answers.COUNTED), st.integers(-2, 3))


@given(st.lists(st.tuples(st.sampled_from(["review", "plan"]), changes), max_size=20))
def test_no_count_falls_below_zero_and_what_is_zero_is_left_out(
    steps: list[tuple[str, dict[str, int]]],
) -> None:
    counts: dict[str, object] = {}
    for kind, change in steps:
        counts = answers.changed(counts, kind, change)
    rows = [counts, *answers.by_kind(counts)]
    assert all(
        value > 0 for row in rows if isinstance(row, dict) for name, value in row.items() if name != "kinds"
    )


def test_kinds_are_counted_beside_the_whole() -> None:
    counts = answers.changed({}, "review", {"sent": 1, "helpful": 1})
    counts = answers.changed(counts, "plan", {"sent": 1})
    assert counts == {
        "sent": 2,
        "helpful": 1,
        "kinds": {"review": {"sent": 1, "helpful": 1}, "plan": {"sent": 1}},
    }
    assert answers.total(counts) == Answers(sent=2.0, helpful=1.0)
    assert answers.by_kind(counts)["plan"] == Answers(sent=1.0)


def test_the_given_counts_are_not_changed() -> None:
    before = {"sent": 1, "kinds": {"review": {"sent": 1}}}
    answers.changed(before, "review", {"sent": 1})
    assert before == {"sent": 1, "kinds": {"review": {"sent": 1}}}


def test_counts_that_are_none_are_zero() -> None:
    assert answers.count({"sent": "many"}, "sent") == 0
    assert answers.total({}) == Answers()


def test_what_was_foreseen_is_summed_by_kind_and_survives_as_a_fraction() -> None:
    change = {"sent": 1, "foreseen_helpful": 0.25, "foreseen_not_helpful": 0.1}
    counts = answers.changed(answers.changed({}, "review", change), "plan", change)
    assert counts["foreseen_helpful"] == 0.5
    assert answers.by_kind(counts)["plan"] == Answers(
        sent=1.0, foreseen_helpful=0.25, foreseen_not_helpful=0.1
    )
