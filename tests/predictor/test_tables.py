"""Event tables in CSV and Parquet."""

import gzip
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictor import tables
from predictor.events import BAD_TIME, FUTURE, NO_LEARNER, NO_TIME, NO_TYPE
from predictor.readers import CUT_SHORT
from predictor.sequences import EventStore, EventTable
from predictor.tables import BAD_ROW, NOT_UTF8, SHORT_ROW, read_event_table
from predictor.tokens import OUTSIDE, UNUSABLE

HEAD = "course_id,learner_id,time,event_type"
NOW = 1_800_000_000.0
NOON = 1_400_000_000.0


def table(path: Path, *lines: str, head: str = HEAD) -> Path:
    path.write_text("\n".join([head, *lines, ""]))
    return path


def test_rows_become_events(tmp_path: Path) -> None:
    path = table(
        tmp_path / "events.csv",
        "c1,b,2014-05-13T16:53:20Z,play_video,v1",
        'c1,a,2014-05-13 16:53:21.5,"info page",',
        "c2,a,1400000002,edx.video.paused, v1 ",
        head="\ufeff" + HEAD + ",item_id",
    )
    found = read_event_table(path, NOW)
    assert (found.rows, found.repeated, found.skipped.total()) == (3, 0, 0)
    source = EventTable(found.whole())
    assert source.courses == ("c1", "c2")
    first, second = source.sequences("c1"), source.sequences("c2")
    assert first.learners == ["a", "b"]
    assert first.times.tolist() == [NOON + 1.5, NOON]
    assert [first.names[token] for token in first.tokens] == ["info page", "play_video"]
    assert first.items.tolist() == [-1, 0]
    assert (second.names, second.item_names) == (["pause_video"], ["v1"])


def test_columns_may_stand_in_any_order_beside_others(tmp_path: Path) -> None:
    path = table(
        tmp_path / "e.csv", "x,play_video,1400000000,1,c", head="note,event_type,time,learner_id,course_id"
    )
    assert EventTable(read_event_table(path, NOW).whole()).sequences("c").learners == ["1"]


def test_bad_rows_are_counted_by_reason_and_never_swallowed(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(
        "\n".join(
            [
                HEAD,
                "c,1,2014-05-13T16:53:20Z,play_video",
                "c,1,soon,play_video",
                "c,1,,play_video",
                "c,1,2031-01-01,play_video",
                ",1,1400000000,play_video",
                "c, ,1400000000,play_video",
                "c,1,1400000000,",
                "c,1,1400000000," + "x" * 200,
                "c,1",
                "",
                "c,1,1400000000," + "x" * 200_000,
            ]
        ).encode()
        + b"\nc,\xff,1400000000,play_video\n"
    )
    found = read_event_table(path, NOW)
    assert found.skipped == {
        BAD_TIME: 1,
        NO_TIME: 1,
        FUTURE: 1,
        OUTSIDE: 1,
        NO_LEARNER: 1,
        NO_TYPE: 1,
        UNUSABLE: 1,
        SHORT_ROW: 1,
        BAD_ROW: 1,
        NOT_UTF8: 1,
    }
    assert found.rows == 11
    assert sum(map(len, found.columns.values())) == 1
    with pytest.raises(ValueError, match=r"events.csv: 10 of 11 rows are no events \(.*unreadable time: 1"):
        found.whole()


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("course_id,learner_id", "lacks the columns time, event_type; it has course_id, learner_id"),
        ("learner_id,time,event_type,user", "lacks the column course_id;"),
    ],
)
def test_missing_columns_are_named(tmp_path: Path, head: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_event_table(table(tmp_path / "events.csv", head=head), NOW)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("")
    with pytest.raises(ValueError, match=r"events.csv is empty: the first line must name the columns"):
        read_event_table(tmp_path / "events.csv", NOW)


def test_a_table_cut_short_keeps_what_comes_before(tmp_path: Path) -> None:
    lines = "".join(f"c,{number},1400000000,play_video\n" for number in range(200_000))
    whole = gzip.compress(f"{HEAD}\n{lines}".encode())
    (tmp_path / "events.csv.gz").write_bytes(whole[: len(whole) // 2])
    found = read_event_table(tmp_path / "events.csv.gz", NOW)
    assert found.skipped[CUT_SHORT] == 1
    assert len(found.columns["c"]) > 50_000


def test_identical_rows_of_a_coarse_table_are_that_many_actions(tmp_path: Path) -> None:
    path = table(tmp_path / "events.csv", *["c,1,2014-05-13,problem"] * 3, "c,1,2014-05-13,video")
    found = read_event_table(path, NOW)
    assert found.repeated == 2
    assert len(EventTable(found.whole()).sequences("c").times) == 4
    store = EventStore(tmp_path / "store")
    assert store.append_columns(found.columns).added == 4
    assert store.append_columns(read_event_table(path, NOW).columns).added == 0
    table(path, *["c,1,2014-05-13,problem"] * 5)
    assert store.append_columns(read_event_table(path, NOW).columns).added == 2
    store.compact()
    assert len(store.sequences("c").times) == 6


@pytest.mark.parametrize(
    ("head", "row"),
    [(HEAD + ",item_id", "c,1,2014-05-13,problem,p1"), (HEAD, "c,1,2014-05-13T10:00:00.25,problem")],
)
def test_identical_rows_that_tell_item_or_fraction_are_one_action(
    tmp_path: Path, head: str, row: str
) -> None:
    found = read_event_table(table(tmp_path / "events.csv", row, row, head=head), NOW)
    assert found.repeated == 0
    assert len(EventTable(found.whole()).sequences("c").times) == 1


class TestParquet:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    def write(self, path: Path, **columns: Any) -> Path:
        self.parquet.write_table(self.arrow.table(columns), path)
        return path

    def times(self) -> dict[str, Any]:
        moment, arrow = datetime(2014, 5, 13, 16, 53, 20), self.arrow
        return {
            "us": arrow.array([moment], arrow.timestamp("us")),
            "ns": arrow.array([moment], arrow.timestamp("ns")),
            "s": arrow.array([moment], arrow.timestamp("s")),
            "zone": arrow.array([moment], arrow.timestamp("ms", "UTC")),
            "text": arrow.array(["2014-05-13T16:53:20"]),
            "category": arrow.array(["2014-05-13T16:53:20"]).dictionary_encode(),
            "seconds": arrow.array([1400000000]),
            "milliseconds": arrow.array([1400000000000]),
            "float": arrow.array([1400000000.0]),
        }

    def test_every_kind_of_time(self, tmp_path: Path) -> None:
        for name, time in self.times().items():
            path = self.write(
                tmp_path / f"{name}.parquet",
                course_id=["c"],
                learner_id=["1"],
                time=time,
                event_type=["video"],
            )
            found = EventTable(read_event_table(path, NOW).whole()).sequences("c")
            assert found.times.tolist() == [NOON], name

    def test_dates_are_midnights(self, tmp_path: Path) -> None:
        path = self.write(
            tmp_path / "e.parquet",
            course_id=["c"],
            learner_id=[1],
            time=[date(2014, 5, 13)],
            event_type=["video"],
        )
        found = EventTable(read_event_table(path, NOW).whole()).sequences("c")
        assert found.times.tolist() == [1399939200.0]

    def test_ids_may_be_numbers_and_nulls_are_counted(self, tmp_path: Path) -> None:
        path = self.write(
            tmp_path / "e.parquet",
            course_id=[7, 7, None],
            learner_id=[12.0, None, 3.0],
            time=[NOON, NOON, NOON],
            event_type=["video", "video", "video"],
            item_id=[None, "v", "v"],
        )
        found = read_event_table(path, NOW)
        assert found.skipped == {OUTSIDE: 1, NO_LEARNER: 1}
        sequences = EventTable(found.columns).sequences("7")
        assert (sequences.learners, sequences.items.tolist()) == (["12"], [-1])

    def test_null_times_are_counted(self, tmp_path: Path) -> None:
        time = self.arrow.array([None, datetime(2014, 5, 13)], self.arrow.timestamp("us"))
        path = self.write(
            tmp_path / "e.parquet",
            course_id=["c", "c"],
            learner_id=["1", "1"],
            time=time,
            event_type=["x", "x"],
        )
        assert read_event_table(path, NOW).skipped == {NO_TIME: 1}

    def test_missing_columns_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(
            ValueError, match="lacks the columns time, event_type; it has course_id, learner_id"
        ):
            read_event_table(self.write(tmp_path / "e.parquet", course_id=["c"], learner_id=["1"]), NOW)

    def test_a_table_in_both_forms_is_the_same(self, tmp_path: Path) -> None:
        draw = np.random.default_rng(3)
        columns = {
            "course_id": draw.choice(["c1", "c2"], 500).tolist(),
            "learner_id": draw.integers(1, 20, 500).astype(str).tolist(),
            "time": (NOON + draw.integers(0, 50, 500)).tolist(),
            "event_type": draw.choice(["video", "problem"], 500).tolist(),
        }
        binary = self.write(tmp_path / "e.parquet", **columns)
        text = table(
            tmp_path / "e.csv", *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))
        )
        first, second = read_event_table(binary, NOW), read_event_table(text, NOW)
        assert first.repeated == second.repeated > 0
        for course in ("c1", "c2"):
            ours, theirs = (
                EventTable(first.whole()).sequences(course),
                EventTable(second.whole()).sequences(course),
            )
            assert ours.learners == theirs.learners
            assert ours.times.tolist() == theirs.times.tolist()
            assert ours.tokens.tolist() == theirs.tokens.tolist()

    def test_without_pyarrow_the_error_says_what_to_install(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def absent(name: str) -> Any:
            raise ImportError(name)

        monkeypatch.setattr(tables, "import_module", absent)
        with pytest.raises(ImportError, match=r'pip install "nudge-xblock\[train\]"'):
            read_event_table(tmp_path / "e.parquet", NOW)
