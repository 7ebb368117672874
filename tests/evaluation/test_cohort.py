import numpy as np
import pytest

from tests.recordings import channel, recording
from wearfm.evaluation.cohort import describe
from wearfm.signals.quality_record import ChannelQuality, Finding, Quality
from wearfm.signals.recording import Recording
from wearfm.store import Store


def test_hours_and_reasons_add_up(tmp_path):
    store = Store.create(tmp_path / "store")
    plain = recording("a", "one", channel(np.arange(36_000), rate_hz=10.0, gaps=[(0, 9_000)]))
    finding = Finding(action="masked", samples=9_000, reason="outside the range")
    quality = Quality(channels=(ChannelQuality(name="PPG", source=36_000, kept=27_000, findings=(finding,)),))
    store.commit(
        [
            Recording(participant="a", name="one", channels=plain.channels, quality=quality),
            recording("b", "one", channel(np.arange(18_000), rate_hz=10.0)),
        ]
    )
    found = describe(store, {"a": "a", "b": "a"})
    assert [(p.participant, p.recordings, p.hours, p.valid_share) for p in found.people] == [
        ("a", 1, 1.0, 0.75),
        ("b", 1, 0.5, 1.0),
    ]
    assert found.hours == 1.5
    assert found.channel_hours == pytest.approx({"ppg": 1.25})
    assert found.dropped == pytest.approx({"masked: outside the range": 0.25})
    assert found.joined == (("b", "a"),)
