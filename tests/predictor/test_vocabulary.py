"""Which tokens and which items a model knows."""

import json

import pytest

from predictor.columns import OTHER
from predictor.events import Event
from predictor.sequences import EventTable
from predictor.vocabulary import LEAST_EVENTS, LEAST_IN_RUN, Vocabulary, shared_items


def source(counts: dict[str, tuple[int, int]]) -> EventTable:
    """Events of each token: how many, over how many course runs."""
    return EventTable.of(
        Event(f"c{number % courses}", "1", 1.5e9 + number, token)
        for token, (count, courses) in counts.items()
        for number in range(count)
    )


def test_the_thresholds_of_the_paper_hold_exactly() -> None:
    found = Vocabulary.fit(
        source(
            {
                "often": (4000, 4),
                "enough": (1000, 4),
                "rare": (999, 4),
                "narrow": (2000, 3),
                "spread": (1500, 5),
            }
        )
    )
    assert found.tokens == ("often", "spread", "enough")
    assert (found.min_count, found.min_courses) == (1000, 4)


def test_ids_put_other_first_and_the_most_frequent_next() -> None:
    found = Vocabulary.fit(source({"b": (2000, 4), "a": (2000, 4), "c": (3000, 4)}))
    assert found.names == (OTHER, "c", "a", "b")
    assert [found.id(name) for name in found.names] == [0, 1, 2, 3]
    assert found.ids(["a", "never seen", "c"]).tolist() == [2, 0, 1]
    assert len(found) == 4


def test_a_small_site_lowers_the_thresholds_until_most_events_are_known() -> None:
    found = Vocabulary.fit(source({"a": (60, 1), "b": (30, 1), "c": (8, 1), "d": (2, 1)}))
    assert found.tokens == ("a", "b", "c")
    assert (found.min_count, found.min_courses) == (7, 1)


def test_a_large_site_never_lowers_them() -> None:
    found = Vocabulary.fit(source({"a": (1000, 4), "b": (999, 4)}))
    assert found.tokens == ("a",)


def test_courses_may_be_chosen() -> None:
    events = [Event("c1", "1", 1.5e9 + n, "a") for n in range(9)] + [Event("c2", "1", 1.5e9, "b")]
    found = Vocabulary.fit(EventTable.of(events), 1, 1, courses=["c2"])
    assert found.tokens == ("b",)


def test_other_itself_is_never_a_token() -> None:
    found = Vocabulary.fit(EventTable.of([Event("c", "1", 1.5e9, OTHER), Event("c", "1", 1.5e9, "a")]))
    assert found.tokens == ("a",)


def met(counts: dict[tuple[str, str], int]) -> EventTable:
    """So many events of each (course run, item)."""
    return EventTable.of(
        Event(run, "1", 1.5e9 + number, "a", item)
        for (run, item), count in counts.items()
        for number in range(count)
    )


def test_items_that_two_runs_share_are_known_the_commonest_first() -> None:
    found = met(
        {
            ("r1", "b"): 60,
            ("r2", "b"): 60,
            ("r1", "a"): 90,
            ("r3", "a"): 30,
            ("r2", "often"): 150,
            ("r3", "often"): 150,
        }
    )
    assert shared_items(found, 10) == ("often", "a", "b")
    assert shared_items(found, 2) == ("often", "a")
    assert shared_items(found, 0) == ()


def test_an_item_of_one_run_alone_or_of_few_events_is_not_known() -> None:
    few = LEAST_EVENTS // 2
    found = met(
        {
            ("r1", "alone"): 500,
            ("r1", "rare"): few,
            ("r2", "rare"): few - 1,
            ("r1", ""): 500,
            ("r2", ""): 500,
            ("r1", "enough"): few,
            ("r2", "enough"): LEAST_EVENTS - few,
        }
    )
    assert shared_items(found, 10) == ("enough",)


def test_a_run_in_which_an_item_was_hardly_looked_at_does_not_count() -> None:
    found = met(
        {
            ("r1", "previewed"): 500,
            ("r2", "previewed"): LEAST_IN_RUN - 1,
            ("r3", "previewed"): LEAST_IN_RUN - 1,
            ("r1", "met"): 500,
            ("r2", "met"): LEAST_IN_RUN,
            ("r3", "met"): 1,
        }
    )
    assert shared_items(found, 10) == ("met",)


def test_usage_keys_are_shared_by_the_runs_of_their_course() -> None:
    key = "block-v1:Org+{course}+{run}+type@problem+block@quiz"
    reruns = {(run, key.format(course="C", run=run)): 80 for run in ("2025", "2026")}
    others = {(run, key.format(course=f"O{run}", run=run)): 80 for run in ("2025", "2026")}
    assert shared_items(met(reruns | others), 10) == ("Org+C+type@problem+block@quiz",)


def test_custom_courses_share_the_items_of_their_course() -> None:
    keys = {
        "course-v1:Org+C+2025": "block-v1:Org+C+2025+type@problem+block@quiz",
        "ccx-v1:Org+C+2025+ccx@3": "ccx-block-v1:Org+C+2025+ccx@3+type@problem+block@quiz",
    }
    assert shared_items(met(dict.fromkeys(keys.items(), 80)), 10) == ("Org+C+type@problem+block@quiz",)


def test_two_keys_of_one_item_within_a_run_are_still_one_run() -> None:
    key = "block-v1:Org+C+{run}+type@problem+block@quiz"
    assert shared_items(met({("2026", key.format(run=run)): 80 for run in ("2025", "2026")}), 10) == ()


def test_no_events_are_an_error() -> None:
    with pytest.raises(ValueError, match="no events"):
        Vocabulary.fit(EventTable({}))


def test_the_written_form_is_stable() -> None:
    made = Vocabulary(("play_video", "info page"), 1000, 4)
    text = json.dumps(made.to_json())
    assert text == '{"tokens": ["play_video", "info page"], "min_count": 1000, "min_courses": 4}'
    assert Vocabulary.from_json(json.loads(text)) == made


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"tokens": ["a", "a"], "min_count": 1, "min_courses": 1},
        {"tokens": [OTHER], "min_count": 1, "min_courses": 1},
        {"tokens": [1], "min_count": 1, "min_courses": 1},
    ],
)
def test_what_is_no_vocabulary_is_refused(found: dict) -> None:
    with pytest.raises(ValueError, match="no vocabulary"):
        Vocabulary.from_json(found)
