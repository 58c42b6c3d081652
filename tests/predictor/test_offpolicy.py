"""Off-policy estimates against arithmetic by hand, a known world, and logs that cannot answer."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.offpolicy import REGIMES, coverage, simulate
from predictor import offpolicy
from predictor.logged import Decisions
from predictor.offpolicy import PolicyValue, as_json, evaluate


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


@pytest.mark.parametrize("name", ["small, far, rare", "large, near", "large, far, rare", "five each, far"])
def test_95_percent_intervals_hold_the_truth_in_93_to_97_percent_of_500_logs(name: str) -> None:
    for estimator, (held, _, _) in coverage(REGIMES[name]).items():
        assert 0.93 <= held <= 0.97, estimator


def test_the_estimates_are_those_of_the_textbook_formulas() -> None:
    """Recomputed decision by decision: Dudík et al. 2011, equations 1 to 3."""
    decisions = simulate(REGIMES["small, far"], seed=1)
    value = by_policy(evaluate(decisions))["target"]
    names = sorted(decisions.targets)
    model = {name: decisions.rewards[decisions.arms == name].mean() for name in names}
    chances = [{name: decisions.targets[name][row] for name in names} for row in range(len(decisions.ids))]
    weights = [
        chance[arm] / propensity
        for chance, arm, propensity in zip(chances, decisions.arms, decisions.propensities, strict=True)
    ]
    ips = sum(w * r for w, r in zip(weights, decisions.rewards, strict=True)) / len(weights)
    direct = [sum(chance[name] * model[name] for name in names) for chance in chances]
    residuals = decisions.rewards - np.array([model[arm] for arm in decisions.arms])
    dr = np.mean([d + w * e for d, w, e in zip(direct, weights, residuals, strict=True)])
    assert value.ips is not None
    assert value.snips is not None
    assert value.dr is not None
    assert value.ips.value == pytest.approx(ips)
    assert value.snips.value == pytest.approx(ips * len(weights) / sum(weights))
    # The reward model here is fitted on every decision and blind; the product's on other folds, and it sees
    # the target's probabilities: both are doubly robust, so they agree to a fraction of the error.
    assert value.dr.value == pytest.approx(float(dr), abs=0.5 * value.dr.error)


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


def test_a_negligible_chance_of_an_unlogged_arm_is_no_reason_to_refuse() -> None:
    decisions, _ = logged(200)
    targets = {"send": np.full(200, 0.4995), "hold": np.full(200, 0.5), "mail": np.full(200, 0.0005)}
    asked = Decisions(decisions.ids, decisions.arms, decisions.propensities, decisions.rewards, targets)
    assert by_policy(evaluate(asked))["target"].refused == ""


def test_a_decision_that_outweighs_all_others_is_named() -> None:
    decisions, _ = logged(200)
    propensities = np.where(np.arange(200) == 7, 1e-4, decisions.propensities)
    arms = np.where(np.arange(200) == 7, "send", decisions.arms)
    odd = Decisions(decisions.ids, arms, propensities, decisions.rewards)
    warnings = by_policy(evaluate(odd))["always send"].warnings
    assert any("decision 7 alone is" in text for text in warnings)


def test_rewards_that_never_differ_are_warned_of() -> None:
    decisions, _ = logged(100)
    none = Decisions(decisions.ids, decisions.arms, decisions.propensities, np.zeros(100))
    assert any("every reward" in text for text in by_policy(evaluate(none))["always send"].warnings)


def two_policies(n: int, seed: int = 0) -> tuple[offpolicy.Gap, float]:
    """Send to the keen (new) or to nobody keen (old), from a log that sends to half; and the true gap."""
    decisions, _ = logged(n, seed)
    assert decisions.targets
    keen = decisions.targets["send"]
    sent = (decisions.arms == "send").astype(float)
    policies = []
    for chance in (0.1 + 0.8 * keen, 0.9 - 0.8 * keen):
        chances = np.where(sent > 0, chance, 1 - chance)
        policies.append(offpolicy.Replayed(chances, chance * 0.3 + (1 - chance) * 0.2))
    modelled = np.where(sent > 0, 0.3, 0.2)
    found = offpolicy.gap(decisions.rewards, decisions.propensities, modelled, *policies)
    # The keen gain .3 by a send, the others lose .1; the policies differ by .8 in opposite directions.
    return found, 0.8 * (0.3 / 2 + 0.1 / 2)


def test_the_difference_of_two_policies_is_surer_than_their_values_and_true() -> None:
    found, truth = two_policies(4000)
    assert found.difference.low < truth < found.difference.high
    assert found.difference.value == pytest.approx(found.new.value - found.old.value)
    assert found.disagreement == pytest.approx(0.8)
    held = [two_policies(400, seed) for seed in range(200)]
    assert 0.9 < np.mean([each.difference.low < true < each.difference.high for each, true in held]) <= 0.99


def test_policies_that_agree_differ_by_nothing_for_certain() -> None:
    decisions, _ = logged(100)
    same = offpolicy.Replayed(decisions.propensities, np.full(100, 0.2))
    found = offpolicy.gap(decisions.rewards, decisions.propensities, np.full(100, 0.2), same, same)
    assert (found.difference.low, found.difference.high, found.effective_n) == (0.0, 0.0, 0.0)


def test_a_gap_to_what_the_log_cannot_tell_of_is_refused() -> None:
    decisions, _ = logged(100)
    known = offpolicy.Replayed(decisions.propensities, np.full(100, 0.2))
    unknown = offpolicy.Replayed(decisions.propensities, np.full(100, 0.2), unsupported=0.3)
    with pytest.raises(offpolicy.Unsupported, match="30% of the decisions"):
        offpolicy.gap(decisions.rewards, decisions.propensities, np.full(100, 0.2), unknown, known)
