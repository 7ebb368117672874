"""Questions to a store: right rows, one line for a mistake, and nothing that could change anything."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.recordings import channel, ramp, recording
from wearfm.cli import main
from wearfm.errors import BadConfiguration, UnknownName
from wearfm.signals.door import admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import Recording
from wearfm.store import Store
from wearfm.store.query import COLUMNS, choose, describe


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two people: a wristband in uS and m/s2, and a finger clip at 125 Hz with a gap."""
    eda = admit(ramp(4), name="EDA", modality_name="eda", unit="nS", rate_hz=4, start_ns=0, placement="wrist", scale=1000.0)
    acc = admit(ramp(4), name="ACC", modality_name="acc", unit="m/s2", rate_hz=32, start_ns=0, placement="wrist", axis="x")
    band = Recording(
        participant="a",
        name="day",
        channels=(eda.channel, acc.channel),
        clock="utc",
        utc_offset_s=3600,
        device="Empatica E4",
        facts={"age_years": 40.0, "sex": "female"},
        quality=Quality(channels=(eda.quality, acc.quality)),
    )
    clip = replace(channel(ramp(2, rate_hz=125.0), rate_hz=125.0, gaps=[(0, 125)]), placement="finger")
    made = Store.create(tmp_path / "store")
    made.commit([band, recording("b", "night", clip, age_years=70.0)])
    return made


def names(store: Store, where: str) -> list[str]:
    table = store.channels()
    chosen = choose(describe(store.recordings(), table, store.spans()), where)
    return table.name[chosen].tolist()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("modality = 'ppg' and rate_hz >= 50", ["PPG"]),
        ("device like 'Empatica%'", ["EDA", "ACC"]),
        ("placement in ('finger', 'ear')", ["PPG"]),
        ("source_unit = 'm/s2'", ["ACC"]),
        ("unit = 'g'", ["ACC"]),
        ("valid_share < 1", ["PPG"]),
        ("valid_s = 1.0 and duration_s = 2.0", ["PPG"]),
        ("age_years > 50 or axis = 'x'", ["ACC", "PPG"]),
        ("sex is null", ["PPG"]),
        ("utc_offset_s = 3600", ["EDA", "ACC"]),
        ("1", ["EDA", "ACC", "PPG"]),
        ("0", []),
        ("start < '1970-01-02' -- all", ["EDA", "ACC", "PPG"]),
    ],
)
def test_a_condition_chooses_channels(store: Store, where: str, expected: list[str]) -> None:
    assert names(store, where) == expected


def test_every_column_is_known_and_facts_come_behind_them(store: Store) -> None:
    described = describe(store.recordings(), store.channels(), store.spans())
    assert tuple(described.columns) == (*COLUMNS, "age_years", "sex")
    assert all(len(values) == 3 for values in described.columns.values())


@pytest.mark.parametrize(
    "where",
    [
        "1) ; DROP TABLE channels; --", "1); ATTACH '/tmp/x' AS y; --", "", "modality =", "rate_hz ><", "load_extension('x')",
        "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n)", "'a\0b' = \0",
        "1) UNION SELECT sql FROM sqlite_master WHERE (name = (PRAGMA_table_info('x'))",
    ],
)  # fmt: skip
def test_what_is_no_condition_is_one_clear_line(store: Store, where: str) -> None:
    before = store.fingerprint()
    with pytest.raises(BadConfiguration, match="is no condition on channels"):
        names(store, where)
    assert store.fingerprint() == before


def test_an_unknown_column_offers_the_nearest(store: Store) -> None:
    with pytest.raises(UnknownName, match="'rate' is not known; did you mean 'rate_hz'"):
        names(store, "rate > 3")


def test_the_command_line_lists_counts_and_prints_json(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["store", "query", "modality = 'ppg' and rate_hz >= 50"]) == 0
    shown = capsys.readouterr().out
    assert "1 of 3 channels, 1 recordings, 1 participants" in shown
    assert "finger" in shown
    assert main(["store", "query", "1", str(store.path), "--by", "device", "placement", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["placement"], row["channels"], row["participants"]) for row in rows] == [("finger", 1, 1), ("wrist", 2, 1)]
    assert sum(row["valid_hours"] for row in rows) == pytest.approx((1 + 10 + 40 / 32) / 3600)


def test_the_numbers_of_a_long_list_are_folded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store.create(tmp_path / "many")
    store.commit([recording("p", f"r{k:03}", channel(np.arange(3, dtype=np.int16))) for k in range(70)])
    assert main(["store", "query", "1", str(store.path)]) == 0
    assert "... and 10 more" in capsys.readouterr().out
