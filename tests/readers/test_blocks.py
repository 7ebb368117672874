from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wearfm.errors import BadRecording
from wearfm.readers import blocks
from wearfm.readers.blocks import Arrangement, arrange
from wearfm.signals.recording import SECOND

PATH = Path("a.cwa")


def laid(times_s: list[float], *, size: int = 10, rate_hz: float = 10.0, slack_s: float = 0.5, **more: object) -> Arrangement:
    stamps = np.array([round(time * SECOND) for time in times_s], dtype=np.int64)
    counts = np.full(len(stamps), size, dtype=np.int64)
    return arrange(PATH, stamps, counts, rate_hz=rate_hz, slack_s=slack_s, **more)  # type: ignore[arg-type]


def test_blocks_without_gaps_are_not_copied() -> None:
    (part,) = laid([0, 1, 2]).parts
    samples = np.arange(30, dtype=np.int16)
    assert part.lay(samples) is samples
    assert (part.rate_hz, part.length, part.present.bounds.tolist()) == (10.0, 30, [[0, 30]])


def test_a_gap_moves_what_follows() -> None:
    (part,) = laid([0, 1, 4, 5]).parts
    assert part.present.bounds.tolist() == [[0, 20], [40, 60]]
    assert part.lay(np.arange(40, dtype=np.int16))[part.present.mask(60)].tolist() == list(range(40))


def test_jitter_within_the_slack_moves_nothing() -> None:
    arrangement = laid([0, 1.03, 1.97, 3.0])
    assert arrangement.parts[0].place.tolist() == [0, 10, 20, 30]
    assert (arrangement.parts[0].rate_hz, arrangement.notes) == (10.0, ())


def test_a_steady_drift_is_the_true_rate() -> None:
    arrangement = laid([k * 1.02 for k in range(100)])
    (part,) = arrangement.parts
    assert part.rate_hz == pytest.approx(10 / 1.02)
    assert part.length == 1000
    assert arrangement.notes == ("stamps run at 9.80392 Hz, nominal 10 Hz; the stamps were followed",)


def test_a_drift_that_changes_never_leads_further_than_the_slack() -> None:
    slow = np.cumsum([1.0] * 100 + [1.02] * 100)
    (part,) = laid(slow.tolist()).parts
    stamps = (slow - slow[0]) * part.rate_hz
    assert np.abs(part.place - stamps).max() <= 0.5 * part.rate_hz + 1
    assert part.length - part.present.total > 0
    assert len(part.present) < 10


def test_a_block_that_does_not_follow_is_set_by_its_stamp() -> None:
    follows = np.array([False, True, False])
    (part,) = laid([0, 1, 2.3], follows=follows).parts
    assert part.present.bounds.tolist() == [[0, 20], [23, 33]]


def test_what_overlaps_is_dropped_and_counted() -> None:
    (part,) = laid([0, 1, 1.3, 2.3], slack_s=0.0, is_exact=True).parts
    assert (part.place.tolist(), part.skip.tolist()) == ([0, 10, 20, 23], [0, 0, 7, 0])
    assert part.lay(np.arange(40, dtype=np.int16)).tolist() == [*range(20), *range(27, 40)]
    assert [(f.action, f.samples) for f in part.findings] == [("dropped", 7)]


def test_a_stamp_from_the_future_costs_its_own_block() -> None:
    (part,) = laid([0, 1, 900_000, 3, 4, 5, 6, 7, 8, 9]).parts
    assert part.rows.tolist() == [0, 1, 3, 4, 5, 6, 7, 8, 9]
    assert [(f.samples, f.reason) for f in part.findings] == [(10, "block with a time stamp out of order")]
    assert part.present.bounds.tolist() == [[0, 20], [30, 100]]


def test_a_long_file_goes_on_in_another_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST_SAMPLES", 25)
    arrangement = laid([0, 1, 2, 3, 9, 10, 11])
    assert [part.rows.tolist() for part in arrangement.parts] == [[0, 1], [2, 3], [4, 5], [6]]
    assert [part.start_ns // SECOND for part in arrangement.parts] == [0, 2, 9, 11]
    assert [part.length for part in arrangement.parts] == [20, 20, 20, 10]
    assert arrangement.notes == ("longer than 25 samples; it goes on in other recordings, 4 in all",)


def test_a_clock_that_was_set_is_refused() -> None:
    with pytest.raises(BadRecording, match=r"a\.cwa: the clock jumps by more than 30 days"):
        laid([0, 1, 2, 3_000_000, 3_000_001, 3_000_002])


def test_a_rate_that_no_oscillator_has_is_a_pause_in_every_block() -> None:
    arrangement = laid([0, 2, 4, 6], follows=np.ones(4, dtype=bool))
    assert arrangement.parts[0].rate_hz == 10.0
    assert arrangement.parts[0].present.bounds.tolist() == [[0, 10], [20, 30], [40, 50], [60, 70]]
