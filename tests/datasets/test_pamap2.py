from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny_motion import write_pamap2
from wearfm.datasets import pamap2


def test_three_sensors_with_four_kinds_of_channel_and_lost_packets_masked(tmp_path: Path) -> None:
    write_pamap2(tmp_path)
    (one,) = pamap2.recordings(tmp_path)
    assert (one.participant, one.name, one.clock) == ("pamap2:101", "protocol", "relative")
    assert len(one.channels) == 3 * 10
    assert one.channel("wrist acc x").physical()[0] == pytest.approx(1.0)
    assert one.channel("ankle gyro x").physical()[0] == pytest.approx(np.degrees(0.5), abs=1e-4)
    assert one.channel("chest mag x").physical()[0] == 40.0
    assert one.channel("chest temp").valid.bounds.tolist() == [[0, 7], [8, 400]]
    assert one.channel("wrist temp").valid.total == 400
    assert one.quality.reasons() == {"masked: not a number or infinite": 10}


def test_activities_are_events_and_transitions_are_none(tmp_path: Path) -> None:
    write_pamap2(tmp_path)
    (one,) = pamap2.recordings(tmp_path)
    (row,) = one.events.of_kind("activity").rows()
    assert row[:4] == ("activity", 6 * 10**9, 3 * 10**9, "ironing")


def test_heart_rates_of_the_strap_last_until_the_next_one_and_a_second_at_most(tmp_path: Path) -> None:
    write_pamap2(tmp_path)
    (one,) = pamap2.recordings(tmp_path)
    found = [(onset / 1e9, lasts / 1e9, value) for _, onset, lasts, _, value in one.events.of_kind("hr").rows()]
    assert found == [(5.0, pytest.approx(0.22), 80.0), (5.22, pytest.approx(1.0), 81.0), (8.0, pytest.approx(0.1), 82.0)]


def test_a_strap_that_was_silent_gives_no_heart_rate() -> None:
    assert list(pamap2.heart_rates(np.arange(3.0), np.full(3, np.nan))) == []
