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
    streams = model._streams(later, PEOPLE, 2 * WEEK)
    assert streams.lengths.tolist() == [4, 2]
    assert streams.values.tolist() == [0, 2, 1, 3, 2, 3]
    early = model._streams(later, PEOPLE, DAY)
    assert (early.lengths.tolist(), early.values.tolist()) == ([1, 0], [0])


def test_streams_of_several_courses_follow_the_enrolments(tmp_path: Path) -> None:
    source = EventTable.of(
        [Event("c", "a", 1.0, "video"), Event("d", "b", 1.0, "wiki"), Event("d", "b", 2.0, "video")]
    )
    model = recurrent.LstmRaw(0.0)
    model.fit(training_data(source, tmp_path))
    mixed = Enrolments(np.array(["d", "c", "d"]), np.array(["b", "a", "x"]), np.zeros(3), np.zeros(3))
    streams = model._streams(source, mixed, WEEK)
    # of course d nothing was in training; tokens: video 0; week ends 1 .. 10
    assert streams.lengths.tolist() == [2, 2, 1]
    assert streams.values.tolist() == [0, 1, 0, 1, 1]
    assert streams.take(np.array([2, 0])).values.tolist() == [1, 0, 1]


def test_only_ten_week_ends_are_marked(tmp_path: Path) -> None:
    model = recurrent.LstmRaw(0.0)
    model.fit(training_data(EventTable.of([Event("c", "a", 1.0, "video")]), tmp_path))
    assert model._streams(EventTable.of([]), PEOPLE, 30 * WEEK).lengths.tolist() == [10, 10]


def test_weekly_features_are_scaled_and_end_at_the_moment(tmp_path: Path) -> None:
    source = EventTable.of([Event("c", "a", 100.0 * step, "video") for step in range(50)])
    model = recurrent.LstmFeatures(0.0)
    model.fit(training_data(source, tmp_path))
    streams = model._streams(source, PEOPLE, 10 * DAY)
    assert streams.lengths.tolist() == [2, 2]
    assert streams.values.shape == (4, 12)
    assert 0 <= float(streams.values[:2].min()) <= float(streams.values[:2].max()) <= 1


def test_a_stream_far_longer_than_the_stayers_is_an_outlier() -> None:
    sizes = np.array([50, 60, 70, 80, 90, 400, 1, 2, 3, 200])
    labels = np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    out = recurrent._too_long(sizes, labels, np.array(["c"] * 10))
    # stayers' quartiles 62.5 and 87.5: the fence stands at 125
    assert np.flatnonzero(out).tolist() == [5, 9]


@pytest.mark.parametrize("width", [0, 5])
def test_full_blocks_give_what_padding_and_masking_give(width: int) -> None:
    """Loss and gradients of the paper's own way: zero-padded to the longest, padding masked."""
    rng = np.random.default_rng(0)
    lengths = np.array([3, 17, 1, 8, 8, 40])
    total = int(lengths.sum())
    values = rng.random((total, width)).astype(np.float32) if width else rng.integers(0, 7, total)
    labels = np.array([0, 1, 1, 0, 1, 0], dtype=np.float64)
    model = recurrent.LstmRaw(0.0)
    model._width = width or 7
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model._network = recurrent.Network(model._width).eval()
    loss = model._loss(recurrent.Streams(lengths, values), labels)
    ours = torch.autograd.grad(loss, model._network.parameters())

    steps = torch.from_numpy(values)
    rows = (steps if width else torch.nn.functional.one_hot(steps, 7).float()).split(lengths.tolist())
    hidden, _ = model._network.lstm(torch.nn.utils.rnn.pad_sequence(list(rows)))
    real = torch.arange(40)[:, None] < torch.from_numpy(lengths)
    truth = torch.from_numpy(labels).float().expand(40, 6)
    logits = model._network.head(hidden)[:, :, 0]
    padded = torch.nn.functional.binary_cross_entropy_with_logits(logits[real], truth[real])
    theirs = torch.autograd.grad(padded, model._network.parameters())

    assert float(loss.detach()) == pytest.approx(float(padded.detach()), abs=1e-6)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-6, rtol=1e-4)


def test_other_streams_in_the_batch_do_not_change_a_prediction(tmp_path: Path) -> None:
    long = [Event("c", "a", 10.0 * step, "video") for step in range(40)]
    source = EventTable.of([*long, Event("c", "silent", 5.0, "video")])
    model = recurrent.LstmRaw(0.0)
    model.fit(training_data(source, tmp_path))
    together = model.predict(source, PEOPLE, WEEK)
    alone = model.predict(source, PEOPLE.take(np.array([1])), WEEK)
    assert together[1] == pytest.approx(alone[0], abs=1e-6)
