import numpy as np
import pytest

from wearfm.inspection import look, outline, sparkline
from wearfm.inspection.picture import draw
from wearfm.signals.door import admit
from wearfm.signals.recording import SECOND, Channel, Events, Recording
from wearfm.signals.spans import Spans


def channel(
    samples: object, *, modality: str = "ppg", rate_hz: float = 10.0, valid: Spans | None = None, **rest: object
) -> Channel:
    stored = np.asarray(samples, dtype=np.int16)
    valid = Spans.all(len(stored)) if valid is None else valid
    return Channel(name="c", modality=modality, rate_hz=rate_hz, start_ns=0, samples=stored, valid=valid, **rest)  # type: ignore[arg-type]


def test_range_is_physical_and_of_valid_samples_only() -> None:
    one = channel([999, 4, 2, 6, -999], valid=Spans.of([(1, 4)]), scale=-0.5, offset=1.0)
    found = look(one)
    assert (found.minimum, found.median, found.maximum) == (-2.0, -1.0, 0.0)
    assert (found.gaps, found.longest_gap_s, found.valid_share) == (2, 0.1, 0.6)


def test_a_channel_without_a_valid_sample_has_no_range() -> None:
    found = look(channel([1, 2, 3], valid=Spans.of([])))
    assert np.isnan([found.minimum, found.median, found.maximum]).all()
    assert (found.clipped, found.flat, found.valid_share) == (0.0, 0.0, 0.0)
    assert sparkline(channel([1, 2, 3], valid=Spans.of([])))[0].strip() == ""


def test_flat_is_a_second_and_thirty_samples() -> None:
    wave = np.arange(100) % 7
    assert look(channel(np.concatenate((wave, np.full(30, 3), wave)))).flat == 30 / 230
    assert look(channel(np.concatenate((wave, np.full(28, 2), wave)))).flat == 0.0
    at_100_hz = channel(np.concatenate((wave, np.full(90, 3), wave)), rate_hz=100.0)
    assert look(at_100_hz).flat == 0.0


def test_clipped_stays_at_the_end_of_the_range() -> None:
    time = np.arange(2000) / 100
    wave = np.rint(1000 * np.sin(2 * np.pi * time)).astype(int)
    cut = np.clip(wave, -2000, 700)
    share = look(channel(cut, rate_hz=100.0)).clipped
    assert share == pytest.approx(np.count_nonzero(cut == 700) / len(cut))
    assert share > 0.2
    assert look(channel(wave, rate_hz=100.0)).clipped == 0.0


def test_a_slow_sensor_of_few_steps_is_not_clipped() -> None:
    steps = np.repeat(np.concatenate((np.arange(20), np.arange(20)[::-1])), 8)
    assert look(channel(steps, modality="temp", rate_hz=4.0)).clipped == 0.0


def test_implausible_samples_are_those_the_door_masked() -> None:
    entry = admit(np.array([30.0, 500.0, 31.0, np.nan]), name="t", modality_name="temp", unit="degC", rate_hz=4, start_ns=0)
    assert look(entry.channel, entry.quality).implausible == 1
    assert entry.quality.unit == "degC"


def test_an_outline_equals_a_loop_over_columns() -> None:
    generator = np.random.default_rng(3)
    samples = generator.integers(-500, 500, size=997)
    one = channel(samples, valid=Spans.of([(0, 300), (420, 997)]), scale=0.5, offset=2.0)
    found = outline(one, columns=13)
    physical, mask = one.physical(), one.mask()
    for row, (start, stop) in enumerate(zip(found.edges[:-1], found.edges[1:], strict=True)):
        inside = physical[start:stop][mask[start:stop]]
        if len(inside) == 0:
            assert np.isnan(found.mean[row])
            continue
        assert (found.low[row], found.high[row]) == (inside.min(), inside.max())
        assert found.mean[row] == pytest.approx(inside.mean())
        assert found.spread[row] == pytest.approx(inside.std())
    assert found.edges[-1] == 997


def test_a_sparkline_shows_level_swing_and_gaps() -> None:
    slope, what = sparkline(channel(np.arange(400), valid=Spans.of([(0, 200), (300, 400)])), columns=8)
    assert what == "level"
    assert slope == "▁▂▃▄  ▇█"
    wave = np.where(np.arange(400) < 200, 10, 100) * np.where(np.arange(400) % 2, 1, -1)
    line, what = sparkline(channel(wave), columns=4)
    assert (line, what) == ("▁▁██", "swing")


def test_a_picture_has_a_row_for_every_channel_and_one_for_events(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    one = Recording(
        participant="p",
        name="r",
        channels=(channel(np.arange(100), valid=Spans.of([(0, 40), (60, 100)])),),
        events=Events.of([("beat", SECOND, 0, "", 1.0), ("rest", 0, 5 * SECOND, "", 1.0)]),
        clock="utc",
        utc_offset_s=7200,
    )
    draw(one, tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "out.png").stat().st_size > 5000
