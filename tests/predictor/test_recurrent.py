"""The paper's recurrent baselines: what goes in, and who is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from predictor.events import Event
from predictor.moments import DAY, WEEK, Enrolments, TrainingData
from predictor.sequences import EventTable

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")
recurrent = pytest.importorskip("predictor.recurrent")

PEOPLE = Enrolments(np.array(["c", "c"]), np.array(["a", "silent"]), np.zeros(2), np.zeros(2))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def training_data(source: EventTable, folder: Path) -> TrainingData:
    horizons = (WEEK, 2 * WEEK)
    labels = np.array([1, 0])
    nan = np.full(2, np.nan)
    return TrainingData(
        source, PEOPLE, labels, nan, horizons, "passed", "course", 0, folder, lambda line: None
    )


def test_raw_streams_have_week_ends_between_events_and_no_unknown_token(tmp_path: Path) -> None:
    known = EventTable.of([Event("c", "a", 1.0, "video"), Event("c", "a", WEEK + 1, "wiki")])
    model = recurrent.LstmRaw(0.0)
    model.fit(training_data(known, tmp_path))
    # tokens: video 0, wiki 1; week ends 2 .. 11
    later = EventTable.of(
        [*(Event("c", "a", t, n) for t, n in ((1.0, "video"), (2.0, "new"), (WEEK + 1, "wiki")))]
    )
    first, second = model._streams(later, PEOPLE, 2 * WEEK)
    assert first.tolist() == [0, 2, 1, 3]
    assert second.tolist() == [2, 3]
    assert [stream.tolist() for stream in model._streams(later, PEOPLE, DAY)] == [[0], []]


def test_only_ten_week_ends_are_marked(tmp_path: Path) -> None:
    model = recurrent.LstmRaw(0.0)
    model.fit(training_data(EventTable.of([Event("c", "a", 1.0, "video")]), tmp_path))
    assert len(model._streams(EventTable.of([]), PEOPLE, 30 * WEEK)[1]) == 10


def test_weekly_features_are_scaled_and_end_at_the_moment(tmp_path: Path) -> None:
    source = EventTable.of([Event("c", "a", 100.0 * step, "video") for step in range(50)])
    model = recurrent.LstmFeatures(0.0)
    model.fit(training_data(source, tmp_path))
    streams = model._streams(source, PEOPLE, 10 * DAY)
    assert [stream.shape for stream in streams] == [(2, 12), (2, 12)]
    assert 0 <= float(streams[0].min()) <= float(streams[0].max()) <= 1


def test_a_stream_far_longer_than_the_stayers_is_an_outlier() -> None:
    sizes = np.array([50, 60, 70, 80, 90, 400, 1, 2, 3, 200])
    labels = np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    out = recurrent._too_long(sizes, labels, np.array(["c"] * 10))
    # stayers' quartiles 62.5 and 87.5: the fence stands at 125
    assert np.flatnonzero(out).tolist() == [5, 9]


def test_padding_does_not_change_a_prediction(tmp_path: Path) -> None:
    long = [Event("c", "a", 10.0 * step, "video") for step in range(40)]
    source = EventTable.of([*long, Event("c", "silent", 5.0, "video")])
    model = recurrent.LstmRaw(0.0)
    model.fit(training_data(source, tmp_path))
    together = model.predict(source, PEOPLE, WEEK)
    alone = model.predict(source, PEOPLE.take(np.array([1])), WEEK)
    assert together[1] == pytest.approx(alone[0], abs=1e-6)
