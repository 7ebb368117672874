"""A store of raw recordings in, a store of minutes out: every recording and every minute has a fate."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.killing import kill_at_random, num_kills, run_to_end
from tests.preparation import minute_job
from tests.preparation.minute_job import raw_store, watch
from tests.store.strategies import bits
from wearfm.errors import BadConfiguration
from wearfm.preparation import minutes as preparation
from wearfm.preparation.minutes import derive
from wearfm.signals.minutes import MINUTE_FEATURES, MINUTE_HZ, minutes
from wearfm.store import Store


def rows(store: Path) -> list[tuple[str, str]]:
    return [(row.participant, row.name) for row in Store.open(store).recordings()]


def test_every_recording_becomes_minutes_of_the_same_person(tmp_path):
    raw = raw_store(tmp_path / "raw", people=3)
    summary = derive(raw, tmp_path / "minutes", workers=1)
    assert (summary.derived, summary.skipped, summary.refused) == (3, 0, ())
    assert rows(tmp_path / "minutes") == rows(tmp_path / "raw")
    derived = Store.open(tmp_path / "minutes")
    for before, after in zip(raw.recordings(), derived.recordings(), strict=True):
        first, second = raw.read(before.id), derived.read(after.id)
        assert (first.clock, first.utc_offset_s, first.facts) == (second.clock, second.utc_offset_s, second.facts)
        assert first.events.rows() == second.events.rows()
        assert bits(second) == bits(replace(minutes(first), source=second.source))
    assert set(derived.channels().rate_hz) == {MINUTE_HZ}
    assert derived.verify() == []


def test_counts_add_up_for_every_feature(tmp_path):
    raw = raw_store(tmp_path / "raw", people=3)
    raw.commit([watch("bare", "day", seed=9, has_motion=False)])
    summary = derive(raw, tmp_path / "minutes", workers=1)
    assert list(summary.features) == list(MINUTE_FEATURES)
    for name, tally in summary.features.items():
        assert tally.recordings + tally.absent.total() == summary.derived == 4, name
        assert tally.valid + tally.masked.total() == tally.minutes, name
    assert summary.features["steps"].absent == {"no accelerometer with axes x, y and z": 1}
    assert summary.features["temp"].masked == {"less than half of the minute measured": 4}


def test_deriving_again_changes_nothing(tmp_path):
    raw = raw_store(tmp_path / "raw", people=3)
    derive(raw, tmp_path / "minutes", workers=1)
    before = Store.open(tmp_path / "minutes").fingerprint()
    files = sorted((tmp_path / "minutes" / "shards").iterdir())
    again = derive(raw, tmp_path / "minutes", workers=1)
    assert (again.derived, again.skipped) == (0, 3)
    assert sorted((tmp_path / "minutes" / "shards").iterdir()) == files
    raw.commit([watch("p9", "day", seed=9)])
    more = derive(raw, tmp_path / "minutes", workers=1)
    assert (more.derived, more.skipped) == (1, 3)
    assert Store.open(tmp_path / "minutes").fingerprint() != before


def test_workers_and_commits_do_not_change_the_result(tmp_path, monkeypatch):
    raw = raw_store(tmp_path / "raw", people=5)
    one = derive(raw, tmp_path / "one", workers=1)
    monkeypatch.setattr(preparation, "COMMIT_RECORDINGS", 2)
    three = derive(raw, tmp_path / "three", workers=3)
    assert Store.open(tmp_path / "one").fingerprint() == Store.open(tmp_path / "three").fingerprint()
    assert one == three
    assert len(list((tmp_path / "three" / "shards").iterdir())) == 3


def test_what_cannot_be_derived_is_refused_and_the_others_go_on(tmp_path):
    raw = raw_store(tmp_path / "raw", people=2)
    fast = watch("p0", "eeg", seed=0).channels[0]
    lone = replace(fast, name="Fz", modality="eeg", unit="uV", rate_hz=200.0)
    raw.commit([replace(watch("p0", "eeg", seed=0), channels=(lone,))])
    summary = derive(raw, tmp_path / "minutes", workers=1)
    assert summary.derived == 2
    assert [(each.source, each.reason) for each in summary.refused] == [
        ("p0/eeg", "recording 'eeg' has eeg; no minute feature can be derived from that")
    ]
    again = derive(raw, tmp_path / "minutes", workers=1)
    assert (again.skipped, len(again.refused)) == (2, 1)


def test_a_recording_that_changed_is_refused_and_the_store_stays(tmp_path):
    derive(raw_store(tmp_path / "raw", people=2), tmp_path / "minutes", workers=1)
    before = Store.open(tmp_path / "minutes").fingerprint()
    other = Store.create(tmp_path / "other")
    other.commit([watch("p0", "day", seed=77)])
    summary = derive(other, tmp_path / "minutes", workers=1)
    assert "is in the store with other content" in summary.refused[0].reason
    assert summary.derived == summary.features["hr"].recordings == 0
    assert Store.open(tmp_path / "minutes").fingerprint() == before
    assert Store.open(tmp_path / "minutes").verify() == []


def test_a_damaged_recording_is_refused_with_its_name(tmp_path):
    raw = raw_store(tmp_path / "raw", people=1)
    (shard,) = (tmp_path / "raw" / "shards").iterdir()
    shard.chmod(0o644)
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(bytes(content))
    summary = derive(Store.open(raw.path), tmp_path / "minutes", workers=1)
    assert "is not what was committed" in summary.refused[0].reason


def test_a_store_of_minutes_passes_through(tmp_path):
    derive(raw_store(tmp_path / "raw", people=2), tmp_path / "minutes", workers=1)
    derive(Store.open(tmp_path / "minutes"), tmp_path / "again", workers=1)
    assert Store.open(tmp_path / "again").fingerprint() == Store.open(tmp_path / "minutes").fingerprint()


def test_progress_counts_every_recording(tmp_path):
    seen = []
    derive(raw_store(tmp_path / "raw", people=3), tmp_path / "minutes", workers=2, progress=lambda *step: seen.append(step))
    assert seen == [(k + 1, 3, f"p{k}/day") for k in range(3)]


def test_mistakes_say_what_to_do(tmp_path):
    raw = raw_store(tmp_path / "raw", people=1)
    with pytest.raises(BadConfiguration, match="workers 0 must be at least 1"):
        derive(raw, tmp_path / "minutes", workers=0)
    with pytest.raises(BadConfiguration, match="is the raw store itself; give the minutes a folder of their own"):
        derive(raw, tmp_path / "raw")


def test_the_summary_is_plain(tmp_path):
    plain = derive(raw_store(tmp_path / "raw", people=1), tmp_path / "minutes", workers=1).to_json()
    assert plain["features"]["hr"]["recordings"] == 1
    assert plain["features"]["altitude_std"]["absent"] == {"no altitude channel": 1}


@pytest.mark.slow
@pytest.mark.kill
def test_a_kill_at_any_moment_loses_nothing_committed(tmp_path):
    raw = raw_store(tmp_path / "raw", people=12, minutes_long=60)
    program = str(Path(minute_job.__file__))

    def command(store: Path) -> list[str]:
        return [sys.executable, program, str(raw.path), str(store)]

    work_s = run_to_end(command(tmp_path / "whole"))
    expected = Store.open(tmp_path / "whole").fingerprint()

    def check(number: int) -> None:
        folder = tmp_path / f"try {number}"
        with Store.create(folder) as store:
            assert store.verify() == []
            committed = len(store.recordings())
        run_to_end(command(folder))
        with Store.open(folder) as store:
            assert store.fingerprint() == expected
            assert store.verify() == []
            assert store.sweep() == []
            assert len(store.recordings()) == 12 >= committed

    tries = num_kills(share=6)
    landed = kill_at_random(
        lambda number: command(tmp_path / f"try {number}"), tries=tries, seed=3, work_s=work_s, after_each=check
    )
    assert landed >= tries // 3


def test_minutes_of_a_store_are_finite(tmp_path):
    derive(raw_store(tmp_path / "raw", people=2), tmp_path / "minutes", workers=1)
    store = Store.open(tmp_path / "minutes")
    table = store.channels()
    values, valid = store.gather(table.id, np.zeros(len(table.id), dtype=np.int64), 10)
    assert np.isfinite(values).all()
    assert (values[~valid] == 0).all()
