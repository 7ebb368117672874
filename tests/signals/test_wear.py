import numpy as np
import pytest

from wearfm.signals.door import admit
from wearfm.signals.quality_record import Finding
from wearfm.signals.spans import Spans
from wearfm.signals.wear import bridge, long_runs, without

HOUR = 60  # samples, at one a minute
MINUTE_HZ = 1 / 60


def test_only_runs_that_last_long_enough_count() -> None:
    still = np.array([1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1], dtype=bool)
    assert long_runs(still, rate_hz=1.0, least_s=3.0).bounds.tolist() == [[3, 6], [7, 11]]
    assert len(long_runs(~still & still, rate_hz=1.0, least_s=1.0)) == 0


@pytest.mark.parametrize(
    ("worn_h", "beside_h", "is_bridged"),
    [
        (1.0, (4, 4), True),  # below 3 h and 80 %
        (2.9, (1, 2), False),  # below 3 h, but 97 % of what lies beside it
        (3.0, (5, 4), False),  # 3 h, and 33 %
        (5.0, (12, 12), True),  # below 6 h and 30 %
        (6.0, (30, 30), False),
    ],
)
def test_wear_is_bridged_by_its_length_and_by_what_lies_beside_it(
    worn_h: float, beside_h: tuple[int, int], is_bridged: bool
) -> None:
    before, worn, after = beside_h[0] * HOUR, round(worn_h * HOUR), beside_h[1] * HOUR
    spans = Spans.of([(0, before), (before + worn, before + worn + after)])
    assert (len(bridge(spans, before + worn + after, rate_hz=MINUTE_HZ)) == 1) == is_bridged


def test_wear_at_an_end_has_one_neighbour() -> None:
    spans = Spans.of([(2 * HOUR, 12 * HOUR)])
    assert bridge(spans, 12 * HOUR, rate_hz=MINUTE_HZ).bounds.tolist() == [[0, 12 * HOUR]]
    assert bridge(spans, 20 * HOUR, rate_hz=MINUTE_HZ).bounds.tolist() == [[0, 12 * HOUR]]


def test_bridging_one_stretch_can_bridge_the_next() -> None:
    """Two hours between 1 h and 2 h: alone 67 %; then 2.5 h beside 5 h and 1 h; first it would have been 83 %."""
    spans = Spans.of([(0, HOUR), (3 * HOUR, 5 * HOUR), (7.5 * HOUR, 8.5 * HOUR)])
    assert len(bridge(spans, round(8.5 * HOUR), rate_hz=MINUTE_HZ)) == 1


def test_nothing_unworn_stays_nothing_and_all_stays_all() -> None:
    assert len(bridge(Spans.of([]), 100, rate_hz=MINUTE_HZ)) == 0
    assert bridge(Spans.all(100), 100, rate_hz=MINUTE_HZ) == Spans.all(100)


def test_the_loss_is_masked_and_counted_once() -> None:
    samples = np.array([1.0, np.nan, 3.0, 4.0, 5.0], dtype=np.float32)
    door = admit(samples, name="a", modality_name="counts", unit="count", rate_hz=1.0, start_ns=0)
    left = without(door, Spans.of([(1, 4)]), reason="not worn")
    assert left.channel.valid.bounds.tolist() == [[0, 1], [4, 5]]
    assert left.quality.kept == 2
    assert left.quality.findings[-1] == Finding(action="masked", samples=2, reason="not worn")
    assert without(door, Spans.of([]), reason="not worn") is door
