from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.readers.tiny import write_csv, write_parquet
from wearfm.errors import BadConfiguration, BadRecording, UnknownFormat
from wearfm.readers import read
from wearfm.readers.mapping import Mapping
from wearfm.readers.table import read_long_table, read_table
from wearfm.signals.recording import SECOND, Recording
from wearfm.signals.spans import Spans

PPG = {"ppg": {"modality": "ppg"}}


def table(tmp_path: Path, text: str | bytes, **mapping: object) -> Recording:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(path, mapping=Mapping.from_dict({"channels": PPG, **mapping}))


def seconds(unit: str = "s") -> dict[str, str]:
    return {"column": "t", "unit": unit}


def test_a_missing_stamp_becomes_a_gap(tmp_path: Path) -> None:
    (recording,) = read(write_csv(tmp_path))
    acc, ppg = recording.channels
    assert (acc.samples[acc.mask()].tolist(), acc.samples.dtype, acc.rate_hz) == ([1, 2, 3, 4], np.int16, 4.0)
    assert acc.valid == Spans.of([(0, 2), (3, 5)])
    assert acc.physical()[4] == pytest.approx(0.004)
    assert ppg.samples[ppg.mask()].tolist() == [0.5, 0.5, 0.25, 0.125]
    assert (recording.participant, recording.clock, recording.start_ns) == ("P7", "utc", 1_700_000_000 * SECOND)


def test_labels_become_events_that_end_at_gaps(tmp_path: Path) -> None:
    (recording,) = read(write_csv(tmp_path))
    assert [(row[0], row[2], row[3]) for row in recording.events.rows()] == [("activity", SECOND // 2, "walk")] * 2


def test_parquet_with_a_mapping_for_the_folder(tmp_path: Path) -> None:
    (recording,) = read(write_parquet(tmp_path))
    assert (recording.participant, recording.clock, recording.channels[0].rate_hz) == ("walk", "relative", 4.0)
    assert recording.channels[0].samples.tolist() == [1, 2, 3, 4]


def test_gzip_is_transparent(tmp_path: Path) -> None:
    path = write_csv(tmp_path)
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    (tmp_path / "packed.csv.gz.json").write_text((tmp_path / "walk.csv.json").read_text())
    (plain,), (unpacked,) = read(path), read(packed)
    assert plain.channels[0].samples.tolist() == unpacked.channels[0].samples.tolist()


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 1000), ("us", 10**6), ("ns", 10**9)])
def test_every_unit_of_time_is_exact(tmp_path: Path, unit: str, factor: int) -> None:
    stamps = [1_700_000_000 * factor + k * factor for k in range(3)]
    recording = table(tmp_path, "t,ppg\n" + "".join(f"{stamp},1\n" for stamp in stamps), time=seconds(unit))
    assert (recording.start_ns, recording.channels[0].rate_hz) == (1_700_000_000 * SECOND, 1.0)


@pytest.mark.parametrize("unit", ["s", "us"])
def test_a_wrong_unit_of_time_is_noticed(tmp_path: Path, unit: str) -> None:
    rows = "".join(f"{1_700_000_000_000 + 10 * k},1\n" for k in range(9))
    with pytest.raises(BadRecording, match="check the unit of the time column"):
        table(tmp_path, "t,ppg\n" + rows, time=seconds(unit))


@pytest.mark.parametrize(
    ("zone", "clock", "offset", "start"),
    [("+02:00", "utc", 7200, 8), ("Z", "utc", 0, 10), ("", "local", None, 10), ("-0330", "utc", -12600, 13.5)],
)
def test_iso_times_are_utc_with_a_zone_and_local_without(
    tmp_path: Path, zone: str, clock: str, offset: int | None, start: float
) -> None:
    rows = "".join(f"2024-05-01T10:00:{k:02}.500{zone},1\n" for k in range(5))
    recording = table(tmp_path, "t,ppg\n" + rows, time=seconds("iso"))
    assert (recording.clock, recording.utc_offset_s) == (clock, offset)
    midnight = 1_714_521_600
    assert recording.start_ns == round((midnight + start * 3600 + 0.5) * SECOND)


def test_a_row_without_a_time_is_dropped_and_counted(tmp_path: Path) -> None:
    recording = table(tmp_path, "t,ppg\n0,1\n1,2\nlost,3\n3,4\n4,5\n5,6\n", time=seconds())
    assert recording.quality.reasons() == {
        "dropped: row without a readable time": 1,
        "inserted: gap: no samples in the source": 1,
    }


def test_a_date_that_64_bits_cannot_hold_is_no_time(tmp_path: Path) -> None:
    rows = "".join(f"2024-05-01T10:00:{k:02},1\n" for k in range(5))
    recording = table(tmp_path, "t,ppg\n" + rows + "9999-05-01T10:00:06,1\nlost,1\n", time=seconds("iso"))
    assert recording.quality.reasons() == {"dropped: row without a readable time": 2}


def test_a_row_of_the_wrong_width_is_dropped_and_counted(tmp_path: Path) -> None:
    recording = table(tmp_path, "t,ppg\n0,1\n1,2,9\n2,3\n3\n4,5\n", rate_hz=1)
    assert recording.channels[0].samples.tolist() == [1, 3, 5]
    assert recording.quality.reasons() == {"dropped: row with too few or too many cells": 2}


def test_an_empty_cell_and_a_word_are_masked_and_counted(tmp_path: Path) -> None:
    recording = table(tmp_path, "t,ppg\n0,1.5\n1,\n2,error\n3,2.5\n", time=seconds())
    assert recording.channels[0].valid == Spans.of([(0, 1), (3, 4)])
    assert recording.quality.reasons() == {"masked: empty cell, or not a number": 2}


def test_integers_with_an_empty_cell_stay_integers(tmp_path: Path) -> None:
    channel = table(tmp_path, "t,ppg\n0,1\n1,\n2,70000\n", time=seconds()).channels[0]
    assert (channel.samples.dtype, channel.valid) == (np.int32, Spans.of([(0, 1), (2, 3)]))


def test_a_declared_rate_that_stamps_contradict_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"{k * 8},1\n" for k in range(200))
    with pytest.raises(BadRecording, match="stamps run at 125 Hz, declared 100 Hz"):
        table(tmp_path, "t,ppg\n" + rows, time=seconds("ms"), rate_hz=100)


def test_a_table_at_a_fixed_rate_with_a_start(tmp_path: Path) -> None:
    recording = table(tmp_path, "ppg\n1\n2\n", rate_hz=2, start="2024-05-01T10:00:00+02:00")
    assert (recording.clock, recording.utc_offset_s, recording.start_ns) == ("utc", 7200, 1_714_550_400 * SECOND)


def test_numbered_columns_semicolons_units_row_and_byte_order_mark(tmp_path: Path) -> None:
    numbered = table(tmp_path, "1;2\n3;4\n", rate_hz=1, header=False, channels={"1": {"modality": "ppg"}})
    assert numbered.channels[0].samples.tolist() == [2, 4]
    text = b"\xef\xbb\xbfsep=;\nt;ppg\ns;\xb5V\n0;1\n1;2\n"
    assert table(tmp_path, text, rate_hz=1, skip_rows=1, unit_rows=1).channels[0].samples.tolist() == [1, 2]


def test_a_derived_rate_becomes_events(tmp_path: Path) -> None:
    recording = table(tmp_path, "hr,ppg\n60,1\n60,2\n61,3\n", rate_hz=1, channels={**PPG, "hr": {"modality": "hr"}})
    assert [channel.name for channel in recording.channels] == ["ppg"]
    assert [(row[0], row[2], row[4]) for row in recording.events.rows()] == [("hr", 2 * SECOND, 60.0), ("hr", SECOND, 61.0)]


def test_a_table_without_mapping_shows_one_that_works(tmp_path: Path) -> None:
    path = tmp_path / "walk.csv"
    path.write_text("Time [s],PLETH\n0,1\n0.5,2\n1.0,3\n")
    with pytest.raises(UnknownFormat, match=r"columns 'Time .s.', 'PLETH' needs a mapping") as caught:
        list(read(path))
    suggestion = str(caught.value).split("for example: ")[1]
    (tmp_path / "walk.csv.json").write_text(suggestion)
    (recording,) = read(path)
    assert recording.channels[0].modality == "ppg"
    assert json.loads(suggestion)["time"] == {"column": "Time [s]", "unit": "s"}


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="no column 'ppg', which the mapping names; columns: 't', 'x'"):
        table(tmp_path, "t,x\n0,1\n", rate_hz=1)


def test_a_column_of_dates_is_no_channel(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"ppg": pa.array([0, 1], pa.timestamp("s"))}), path)
    with pytest.raises(BadRecording, match="samples must be numbers: name another column"):
        read_table(path, mapping=Mapping.from_dict({"channels": PPG, "rate_hz": 1}))


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ({"channels": PPG}, "without time and without rate_hz"),
        ({"rate_hz": 1, "channels": {}}, "without channels"),
        ({"rate_hz": 1, "channels": PPG, "particpant": "a"}, "did you mean 'participant'"),
        ({"rate_hz": "1", "channels": PPG}, "mapping.rate_hz is '1'; it must be of type float"),
        ({"rate_hz": 1, "channels": {"a": {"unit": "au"}}}, "channels.a has no 'modality'"),
        ({"channels": PPG, "time": {"column": "t", "unit": "min"}}, "time unit 'min' is not known"),
        ({"rate_hz": 1, "channels": {"a": {"modality": "pgp"}}}, "did you mean 'ppg'"),
    ],
)
def test_a_mistake_in_a_mapping_is_named(mapping: dict[str, object], reason: str) -> None:
    with pytest.raises(BadConfiguration, match=reason):
        Mapping.from_dict(mapping)


def test_a_mapping_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = write_csv(tmp_path)
    (tmp_path / "walk.csv.json").unlink()
    (tmp_path / "walk.csv.toml").write_text("participant = ")
    with pytest.raises(BadConfiguration, match=r"walk.csv.toml: .*; write it as TOML or JSON"):
        list(read(path))


LONG = {
    "layout": "long",
    "participant_column": "who",
    "channel_column": "signal",
    "time": {"column": "t", "unit": "ms"},
    "channels": {"ppg": {"modality": "ppg"}, "eda": {"modality": "eda"}},
    "events": {"mood": {"kind": "mood"}},
}
LONG_ROWS = [
    ("B", 0, "ppg", "1"), ("B", 0, "eda", "0.5"), ("A", 0, "ppg", "7"), ("B", 250, "ppg", "2"), ("B", 750, "ppg", "4"),
    ("B", 1000, "eda", "0.25"), ("A", 250, "ppg", "8"), ("B", 1000, "ppg", "5"), ("B", 0, "mood", "calm"),
    ("B", 1000, "mood", "glad"), ("B", 0, "noise", "3"), ("", 0, "ppg", "9"),
]  # fmt: skip


def long(tmp_path: Path, rows: list[tuple[str, int, str, str]], **changes: object) -> list[Recording]:
    path = tmp_path / "long.csv"
    path.write_text("who,t,signal,value\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return list(read_long_table(path, mapping=Mapping.from_dict(LONG | changes)))


def test_a_long_table_has_a_recording_for_each_participant(tmp_path: Path) -> None:
    b, a = long(tmp_path, LONG_ROWS)
    ppg, eda = b.channels
    assert (ppg.samples[ppg.mask()].tolist(), ppg.rate_hz, ppg.valid) == ([1, 2, 4, 5], 4.0, Spans.of([(0, 2), (3, 5)]))
    assert (eda.samples.tolist(), eda.rate_hz) == ([0.5, 0.25], 1.0)
    assert [(row[0], row[1], row[3]) for row in b.events.rows()] == [("mood", 0, "calm"), ("mood", SECOND, "glad")]
    assert [(r.participant, [c.samples.tolist() for c in r.channels]) for r in (a,)] == [("A", [[7, 8]])]


def test_what_a_long_table_leaves_out_is_noted(tmp_path: Path) -> None:
    b, a = long(tmp_path, LONG_ROWS)
    assert "1 rows without a channel or a participant are left out" in b.quality.notes
    assert "rows of channels that the mapping does not name: noise (1)" in b.quality.notes
    assert "no rows of eda, mood" in a.quality.notes


def test_a_long_parquet_keeps_integers(tmp_path: Path) -> None:
    path = tmp_path / "long.parquet"
    columns = {"signal": ["x", "y"] * 3, "value": np.arange(6, dtype=np.int16), "t": np.repeat([0, 10, 20], 2)}
    pq.write_table(pa.table(columns), path)
    channels = {axis: {"modality": "acc", "unit": "mg", "axis": axis} for axis in "xy"}
    mapping = {"layout": "long", "channel_column": "signal", "channels": channels, "time": {"column": "t", "unit": "ms"}}
    (tmp_path / "long.parquet.json").write_text(json.dumps(mapping))
    (recording,) = read(path)
    assert [(c.samples.tolist(), c.samples.dtype) for c in recording.channels] == [([0, 2, 4], np.int16), ([1, 3, 5], np.int16)]
    assert (recording.participant, recording.channels[0].rate_hz) == ("long", 100.0)


def test_a_long_table_at_rates_of_its_channels(tmp_path: Path) -> None:
    rows = [("A", 0, "ppg", str(k)) for k in range(4)] + [("A", 0, "eda", "0.5")]
    channels = {"ppg": {"modality": "ppg", "rate_hz": 4}, "eda": {"modality": "eda", "rate_hz": 1}}
    plain = {key: value for key, value in LONG.items() if key not in ("time", "events")}
    path = tmp_path / "long.csv"
    path.write_text("who,t,signal,value\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    (recording,) = read_long_table(path, mapping=Mapping.from_dict(plain | {"channels": channels}))
    assert [(c.rate_hz, len(c.samples)) for c in recording.channels] == [(4.0, 4), (1.0, 1)]


def test_participants_may_be_numbers(tmp_path: Path) -> None:
    rows = [("1503960366", k, "ppg", str(k)) for k in range(3)]
    (recording,) = long(tmp_path, rows, channels=PPG, events={})
    assert recording.participant == "1503960366"


def test_a_channel_that_a_long_table_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="no 'ecg' in column 'signal', which the mapping names; there: 'ppg', 'eda'"):
        long(tmp_path, LONG_ROWS, channels={"ecg": {"modality": "ecg"}}, events={})


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_long_table_without_mapping_shows_one_that_works(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"long.{kind}"
    columns = {"time": [0.0, 0.0, 0.5, 0.5], "channel": ["ppg", "eda"] * 2, "value": [1.0, 2.0, 3.0, 4.0]}
    if kind == "csv":
        path.write_text("time,channel,value\n0,ppg,1\n0,eda,2\n0.5,ppg,3\n0.5,eda,4\n")
    else:
        pq.write_table(pa.table(columns), path)
    with pytest.raises(UnknownFormat, match="needs a mapping") as caught:
        list(read(path))
    path.with_name(path.name + ".json").write_text(str(caught.value).split("for example: ")[1])
    (recording,) = read(path)
    assert [(c.name, c.modality, c.samples.tolist()) for c in recording.channels] == [
        ("ppg", "ppg", [1, 3]),
        ("eda", "eda", [2, 4]),
    ]


def test_channels_of_a_wide_table_share_their_time(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="channels of a wide table share their rows"):
        table(tmp_path, "t,ppg\n0,1\n", channels={"ppg": {"modality": "ppg", "rate_hz": 4}})


@pytest.mark.real
def test_a_genuine_table_with_stamps(data_folder: Path, tmp_path: Path) -> None:
    mapping = Mapping.from_dict({"channels": {"PLETH": {"modality": "ppg"}}, "time": {"column": "Time [s]", "unit": "s"}})
    recording = read_table(data_folder / "ppg/bidmc/bidmc_01_Signals.csv.gz", mapping=mapping)
    assert (recording.channels[0].rate_hz, len(recording.channels[0].samples)) == (125.0, 60_001)


@pytest.mark.real
def test_a_genuine_table_without_a_header(data_folder: Path) -> None:
    axes = {str(k): {"modality": "acc", "unit": "g", "scale": 1 / 64, "axis": axis} for k, axis in enumerate("xyz")}
    mapping = Mapping.from_dict({"channels": axes, "rate_hz": 32, "header": False})
    recording = read_table(data_folder / "raw_devices/biobss_samples/acc_sample_data.csv", mapping=mapping)
    assert [channel.samples.dtype for channel in recording.channels] == [np.int16] * 3
    norm = np.sqrt(sum(channel.physical() ** 2 for channel in recording.channels))
    assert np.median(norm) == pytest.approx(1.0, abs=0.1)


@pytest.mark.real
def test_a_genuine_table_with_bursts_of_equal_stamps(data_folder: Path) -> None:
    mapping = Mapping.from_dict({"channels": {"hr": {"modality": "ppg"}}, "time": {"column": "datetime", "unit": "iso"}})
    recording = read_table(data_folder / "raw_devices/heartpy/data3.csv.gz", mapping=mapping)
    assert recording.clock == "local"
    assert recording.quality.channels[0].count("dropped") == 0
    assert recording.channels[0].rate_hz == pytest.approx(100.42, abs=0.01)
    assert "many samples share their time stamp" in recording.quality.notes[0]
