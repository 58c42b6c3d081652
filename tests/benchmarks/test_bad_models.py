"""Planted bad models are refused by the night's own judgement, and good ones are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from benchmarks import planted_readings, planted_votes
from benchmarks.bad_models import FLOW, Result

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]


@pytest.fixture
def campus_settings(stores: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NUDGE_FLOW_DIR", str(stores))
    from tests.flow import settings as flow

    with override_settings(**{name: getattr(flow, name) for name in FLOW}):
        yield


def check(results: list[Result]) -> None:
    bad = [each for each in results if each.plant != "good"]
    assert [each.plant for each in bad if not each.refused] == []
    assert [each.why for each in results if each.plant == "good" and each.refused] == []
    assert all(each.why for each in bad), "each for a reason"


def test_every_kind_of_bad_helpfulness_model_is_refused_and_good_ones_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planted_votes, "WORLDS", 1)
    results = list(planted_votes.results(bad=15, good=2))
    assert len({each.plant for each in results}) == 16
    check(results)


@pytest.mark.train
@pytest.mark.usefixtures("campus_settings")
def test_every_kind_of_bad_engagement_model_is_refused_and_good_ones_are_not() -> None:
    results = list(planted_readings.results(bad=16, good=2))
    assert len({each.plant for each in results}) == 17
    check(results)
