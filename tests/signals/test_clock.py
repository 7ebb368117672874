import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wearfm.errors import BadConfiguration
from wearfm.signals.clock import clock_of, regularise
from wearfm.signals.recording import SECOND
from wearfm.signals.spans import Spans

MS = 1_000_000
NOW = 1_700_000_000 * SECOND


def ms(*stamps: float) -> np.ndarray:
    return np.array([round(stamp * MS) for stamp in stamps], dtype=np.int64)


def findings(grid) -> dict[tuple[str, str], int]:
    return {(finding.action, finding.reason): finding.samples for finding in grid.findings}


def test_even_stamps_are_counted() -> None:
    grid = regularise(ms(0, 8, 16, 24))
    assert (grid.rate_hz, grid.start_ns, grid.length, grid.findings) == (125.0, 0, 4, ())
    assert grid.present == Spans.all(4)


def test_the_picture_in_the_docstring() -> None:
    rest = np.arange(10, 200) * 1000 // 64
    grid = regularise(ms(0, 16, 31, 47, 94, 94, 109, 140, *rest), rate_hz=64)
    assert grid.position[:8].tolist() == [0, 1, 2, 3, 6, -1, 7, 9]
    assert grid.present == Spans.of([(0, 4), (6, 8), (9, 200)])
    assert findings(grid)["dropped", "the same time stamp twice"] == 1
    assert grid.lay(np.arange(198))[[0, 3, 6, 7, 9]].tolist() == [0, 3, 4, 6, 7]


def test_a_coarse_clock_loses_no_samples() -> None:
    """125 Hz, stamps with two decimals: every fifth is a repetition."""
    stamps = ms(*np.round(np.arange(5000) * 8, -1))
    grid = regularise(stamps)
    assert (grid.rate_hz, grid.length, grid.keep.all()) == (125.0, 5000, True)
    assert grid.notes == ("many samples share their time stamp; they were spread evenly",)


def test_samples_in_bursts_are_spread_evenly_and_lost_bursts_are_gaps() -> None:
    bursts = np.repeat(np.delete(np.arange(100), [40, 41]), 10) * 100
    grid = regularise(ms(*bursts), rate_hz=100)
    assert grid.present == Spans.of([(0, 400), (420, 1000)])


@pytest.mark.parametrize("rate_hz", [1 / 3600, 1 / 60, 1.0, 12.5, 31.25, 32.0, 64.0, 100.0, 128.0, 256.0])
def test_a_rate_hidden_by_rounding_to_milliseconds_is_found(rate_hz: float) -> None:
    stamps = NOW + np.round(np.arange(5000) / rate_hz * 1000).astype(np.int64) * MS
    grid = regularise(stamps)
    assert grid.rate_hz == rate_hz
    assert grid.length == 5000


def test_a_rate_that_is_not_simple_is_kept_as_it_is() -> None:
    grid = regularise(np.arange(100_000, dtype=np.int64) * 10_011_000)
    assert grid.rate_hz == pytest.approx(SECOND / 10_011_000, rel=1e-9)


def test_a_declared_rate_that_the_stamps_contradict_is_refused() -> None:
    with pytest.raises(
        BadConfiguration, match=r"stamps run at 125 Hz, declared 100 Hz; they may differ by 2 %: correct rate_hz"
    ):
        regularise(np.arange(1000, dtype=np.int64) * 8 * MS, rate_hz=100)


@pytest.mark.parametrize("drift", [-0.019, -0.001, 0.001, 0.019])
def test_drift_of_less_than_two_percent_follows_the_stamps_and_says_so(drift: float) -> None:
    stamps = np.rint(np.arange(10_000) * 10 * MS * (1 + drift)).astype(np.int64)
    grid = regularise(stamps, rate_hz=100)
    assert grid.rate_hz == pytest.approx(100 / (1 + drift), rel=1e-6)
    assert grid.length == 10_000
    assert "the stamps were followed" in grid.notes[0]


def test_jitter_moves_samples_but_loses_none() -> None:
    generator = np.random.default_rng(1)
    stamps = np.arange(2000) * 10 * MS + generator.integers(-4 * MS, 4 * MS, size=2000)
    grid = regularise(np.sort(stamps), rate_hz=100)
    assert grid.keep.all()
    assert grid.length - 2000 <= 2
    assert findings(grid)["repaired", "moved to the nearest step of the clock"] > 1000


def test_one_stamp_from_the_future_costs_one_sample() -> None:
    stamps = NOW + ms(*range(0, 4000, 10))
    stamps[100] += 3600 * SECOND
    grid = regularise(stamps)
    assert np.flatnonzero(~grid.keep).tolist() == [100]
    assert findings(grid) == {("dropped", "time stamp out of order"): 1}


def test_a_clock_set_back_an_hour_keeps_the_longer_part() -> None:
    first, second = np.arange(6000) * SECOND, np.arange(2500, 9000) * SECOND
    grid = regularise(np.concatenate((first, second)).astype(np.int64))
    assert grid.length == 9000
    assert findings(grid)["dropped", "time stamp out of order"] == 3500


def test_a_few_stamps_of_1970_before_the_clock_is_set_are_dropped() -> None:
    stamps = np.concatenate((np.arange(3), NOW // SECOND + np.arange(1000))).astype(np.int64) * SECOND
    grid = regularise(stamps)
    assert grid.start_ns == NOW
    assert findings(grid) == {("dropped", "clock jump of more than 30 days"): 3}


def test_a_clock_jump_in_the_middle_is_refused() -> None:
    stamps = np.concatenate((np.arange(500), NOW // SECOND + np.arange(500))).astype(np.int64) * SECOND
    with pytest.raises(BadConfiguration, match="jumps by more than 30 days at sample 500; split the file there"):
        regularise(stamps)


def test_stamps_beyond_2038_stay_exact() -> None:
    stamps = (2**31 - 2 + np.arange(5, dtype=np.int64)) * SECOND
    assert regularise(stamps).start_ns == (2**31 - 2) * SECOND
    assert clock_of(int(stamps[-1])) == "utc"


@pytest.mark.parametrize(("start_ns", "clock"), [(0, "relative"), (NOW, "utc"), (300 * 86400 * SECOND, "relative")])
def test_a_start_tells_the_clock(start_ns: int, clock: str) -> None:
    assert clock_of(start_ns) == clock


@pytest.mark.parametrize("start_ns", [NOW // 20, NOW * 5 // 2])
def test_a_start_in_an_impossible_year_names_the_unit(start_ns: int) -> None:
    with pytest.raises(BadConfiguration, match="check the unit of the time column"):
        clock_of(start_ns)


def test_milliseconds_read_as_microseconds_are_noticed() -> None:
    with pytest.raises(BadConfiguration, match="4000 ns apart; no device samples that fast: check the unit"):
        regularise(np.arange(100, dtype=np.int64) * 4000)


def test_a_grid_that_would_be_mostly_empty_is_refused() -> None:
    stamps = np.concatenate((np.arange(100) * 4 * MS, 20 * 86400 * SECOND + np.arange(100) * 4 * MS)).astype(np.int64)
    with pytest.raises(BadConfiguration, match="split the file at its longest gap"):
        regularise(stamps)


@pytest.mark.parametrize("stamps", [[], [2**62]])
def test_stamps_that_are_none_are_refused(stamps: list[int]) -> None:
    with pytest.raises(BadConfiguration):
        regularise(np.array(stamps, dtype=np.int64), rate_hz=1)


def test_one_stamp_needs_a_declared_rate() -> None:
    assert regularise(ms(5), rate_hz=10).length == 1
    with pytest.raises(BadConfiguration, match="one time stamp has no rate; declare rate_hz"):
        regularise(ms(5))


@given(st.lists(st.integers(0, 500), min_size=1, max_size=80), st.sampled_from([None, 100.0]))
def test_laws_of_every_grid(steps: list[int], rate_hz: float | None) -> None:
    """Kept samples keep their order, dropped ones are counted, gaps and samples fill the grid."""
    try:
        grid = regularise(np.array(steps, dtype=np.int64) * 10 * MS, rate_hz=rate_hz)
    except BadConfiguration:
        return
    kept = grid.position[grid.keep]
    assert (np.diff(kept) > 0).all()
    assert kept[0] == 0
    assert (grid.position[~grid.keep] == -1).all()
    dropped = sum(finding.samples for finding in grid.findings if finding.action == "dropped")
    assert dropped == np.count_nonzero(~grid.keep)
    assert grid.present.total == np.count_nonzero(grid.keep)
    samples = np.arange(1, len(steps) + 1)
    assert grid.lay(samples)[kept].tolist() == samples[grid.keep].tolist()
