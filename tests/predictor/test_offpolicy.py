"""Off-policy estimates against arithmetic by hand, a known world, and logs that cannot answer."""

from __future__ import annotations

import json

import numpy as np
import pytest

from predictor.offpolicy import Decisions, PolicyValue, as_json, evaluate, from_columns


def logged(
    n: int, seed: int = 0, explore: float = 0.5, context: bool = False
) -> tuple[Decisions, dict[str, float]]:
    """A world of two arms: 'hold' pays .2, 'send' pays .5 for half the learners and .1 for the others."""
    rng = np.random.default_rng(seed)
    keen = rng.random(n) < 0.5
    p_send = np.where(keen, 1 - explore / 2, explore / 2)
    send = rng.random(n) < p_send
    truth = np.where(send, np.where(keen, 0.5, 0.1), 0.2)
    decisions = Decisions(
        ids=tuple(map(str, range(n))),
        arms=np.where(send, "send", "hold"),
        propensities=np.where(send, p_send, 1 - p_send),
        rewards=(rng.random(n) < truth).astype(float),
        targets={"send": np.where(keen, 1.0, 0.0), "hold": np.where(keen, 0.0, 1.0)},
        context=keen[:, None].astype(float) if context else None,
    )
    return decisions, {"target": 0.35, "always send": 0.3, "always hold": 0.2}


def by_policy(values: list[PolicyValue]) -> dict[str, PolicyValue]:
    return {value.policy: value for value in values}


def test_ips_snips_and_dr_by_hand() -> None:
    decisions = Decisions(
        ids=("1", "2", "3", "4"),
        arms=np.array(["a", "a", "b", "b"]),
        propensities=np.array([0.5, 0.25, 0.5, 0.75]),
        rewards=np.array([1.0, 0.0, 1.0, 0.0]),
    )
    value = by_policy(evaluate(decisions))["always a"]
    # weights 2, 4, 0, 0
    assert value.ips is not None
    assert value.snips is not None
    assert value.ips.value == pytest.approx(2 / 4)
    assert value.snips.value == pytest.approx(2 / 6)
    assert value.effective_n == pytest.approx(36 / 20)
    assert (value.mean_weight, value.max_weight) == (1.5, 4.0)


@pytest.mark.parametrize("context", [False, True])
def test_every_estimator_finds_the_true_value_of_every_policy(context: bool) -> None:
    decisions, truth = logged(20_000, context=context)
    values = by_policy(evaluate(decisions))
    for policy, expected in truth.items():
        for name in ("ips", "snips", "dr"):
            estimate = getattr(values[policy], name)
            assert abs(estimate.value - expected) < 4 * estimate.error, (policy, name)
            assert estimate.error < 0.01


def test_intervals_cover_at_about_their_level() -> None:
    hits = {"ips": 0, "snips": 0, "dr": 0}
    for seed in range(200):
        decisions, truth = logged(400, seed=seed)
        value = by_policy(evaluate(decisions, seed=seed))["always send"]
        for name in hits:
            estimate = getattr(value, name)
            hits[name] += estimate.low < truth["always send"] < estimate.high
    assert all(176 <= count <= 200 for count in hits.values()), hits


def test_context_that_explains_the_reward_makes_dr_tight() -> None:
    decisions, truth = logged(5_000, explore=0.2, context=True)
    assert decisions.context is not None
    explained = np.where(decisions.arms == "send", 0.1 + 0.4 * decisions.context[:, 0], 0.2)
    exact = Decisions(
        decisions.ids, decisions.arms, decisions.propensities, explained, context=decisions.context
    )
    value = by_policy(evaluate(exact))["always send"]
    assert value.dr is not None
    assert value.ips is not None
    assert value.dr.error < 0.7 * value.ips.error
    assert abs(value.dr.value - truth["always send"]) < 0.01


def test_the_logged_policy_is_its_mean_reward() -> None:
    decisions, _ = logged(500)
    value = by_policy(evaluate(decisions))["logged"]
    assert value.ips is not None
    assert value.ips.value == pytest.approx(decisions.rewards.mean())
    assert value.effective_n == 500


def test_decisions_of_one_learner_widen_the_interval() -> None:
    decisions, _ = logged(300)
    repeated = [
        np.repeat(column, 10) for column in (decisions.arms, decisions.propensities, decisions.rewards)
    ]
    tenfold = Decisions(tuple(map(str, range(3000))), *repeated)
    clustered = Decisions(tenfold.ids, *repeated, clusters=np.repeat(np.arange(300).astype(str), 10))
    loose, tight = evaluate(clustered)[0].ips, evaluate(tenfold)[0].ips
    assert loose is not None
    assert tight is not None
    assert loose.error == pytest.approx(tight.error * np.sqrt(10), rel=0.01)


def test_target_mass_on_an_unlogged_arm_is_refused() -> None:
    decisions, _ = logged(200)
    targets = {"send": np.full(200, 0.5), "hold": np.full(200, 0.4), "mail": np.full(200, 0.1)}
    refused = Decisions(decisions.ids, decisions.arms, decisions.propensities, decisions.rewards, targets)
    values = by_policy(evaluate(refused))
    assert "'mail', which was never logged" in values["target"].refused
    assert values["target"].dr is None
    assert values["always send"].refused == ""
    assert "never logged" in values["always mail"].refused


def test_an_arm_without_a_chance_in_many_decisions_is_refused() -> None:
    rng = np.random.default_rng(0)
    allowed = rng.random(2000) < 0.5
    send = allowed & (rng.random(2000) < 0.5)
    decisions = Decisions(
        tuple(map(str, range(2000))),
        np.where(send, "send", "hold"),
        np.where(allowed, 0.5, 1.0),
        rng.random(2000),
    )
    values = by_policy(evaluate(decisions))
    assert "had no chance of being logged" in values["always send"].refused
    assert values["always hold"].refused == ""


def test_thin_overlap_and_wrong_propensities_are_warned_of() -> None:
    decisions, _ = logged(40, explore=0.5)
    assert any("effective decisions" in text for text in by_policy(evaluate(decisions))["target"].warnings)
    many, _ = logged(4000)
    halved = Decisions(many.ids, many.arms, many.propensities / 2, many.rewards)
    assert any(
        "propensities look too small" in w for w in by_policy(evaluate(halved))["always send"].warnings
    )


def test_json_has_null_for_what_was_refused_and_holds_no_infinity() -> None:
    decisions, _ = logged(50)
    targets = {"send": np.zeros(50), "hold": np.zeros(50), "mail": np.ones(50)}
    rows = as_json(
        evaluate(Decisions(decisions.ids, decisions.arms, decisions.propensities, decisions.rewards, targets))
    )
    target = next(row for row in rows if row["policy"] == "target")
    assert target["ips"] is None
    assert target["refused"]
    single = as_json(evaluate(Decisions(("1",), np.array(["a"]), np.ones(1), np.ones(1))))
    assert single[0]["ips"] == {"value": 1.0, "error": None, "low": None, "high": None}
    json.dumps([*rows, *single], allow_nan=False)


def columns(**changes: list[str]) -> dict[str, list[str]]:
    table = {
        "decision_id": ["1", "2"],
        "arm": ["a", "b"],
        "propensity": ["0.5", "0.5"],
        "reward": ["1", "0"],
    }
    return {**table, **changes}


def test_rows_repeated_or_without_reward_are_counted() -> None:
    table = {name: [*values, values[0], "new"] for name, values in columns().items()}
    table["reward"][3] = ""
    decisions, left_out = from_columns(table)
    assert decisions.ids == ("1", "2")
    assert left_out == {"repeated": 1, "without reward": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"propensity": ["0", "0.5"]}, "decision 1 has a propensity"),
        ({"propensity": ["0.5", "1.5"]}, "decision 2 has a propensity"),
        ({"propensity": ["0.5", "nan"]}, "decision 2 has a propensity"),
        ({"propensity": ["half", "0.5"]}, "decision 1: propensity is 'half'"),
        ({"reward": ["inf", "0"]}, "decision 1 has a reward"),
        ({"reward": ["", ""]}, "no decision with a reward"),
        ({"decision_id": ["1", "1"]}, "twice with different values"),
        (
            {"p_a": ["0.5", "0.5"], "p_b": ["0.5", "0.6"]},
            "decision 2 has target probabilities that do not sum",
        ),
        ({"p_a": ["-0.5", "0.5"], "p_b": ["1.5", "0.5"]}, "decision 1 has a target probability outside"),
    ],
)
def test_a_wrong_row_is_named(changes: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_columns(columns(**changes))


def test_a_missing_column_is_named() -> None:
    table = columns()
    del table["propensity"]
    with pytest.raises(ValueError, match="lacks the columns propensity"):
        from_columns(table)
