"""Names of models, and what happens where their packages are missing."""

from __future__ import annotations

import sys

import pytest

from predictor import roster


def test_all_means_all_nine() -> None:
    assert roster.chosen("all") == (
        *("logistic", "forest", "knn", "ensemble", "boosting", "lstm_features", "lstm_raw", "risk", "ours"),
    )


def test_a_list_keeps_its_order_and_loses_repeats() -> None:
    assert roster.chosen("ours, logistic,ours") == ("ours", "logistic")


@pytest.mark.parametrize("text", ["svm", "ours,svm", "", ","])
def test_an_unknown_model_lists_the_known_ones(text: str) -> None:
    with pytest.raises(ValueError, match="choose from logistic, forest"):
        roster.chosen(text)


@pytest.mark.parametrize(
    ("name", "package"), [("forest", "sklearn"), ("lstm_raw", "torch"), ("ours", "torch")]
)
def test_a_missing_package_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    for module in [module for module in sys.modules if module.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    for module in ("baselines", "recurrent", "ours", "training", "model", "batches"):
        monkeypatch.delitem(sys.modules, f"predictor.{module}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(roster.MissingExtra, match=rf'{package}.*pip install "nudge-xblock\[train\]"'):
        roster.require([name])
