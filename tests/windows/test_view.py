"""A view is a part of a source, and says so in its fingerprint."""

from pathlib import Path

import pytest

from tests.recordings import channel, ramp, recording
from wearfm.errors import BadConfiguration
from wearfm.store import Store
from wearfm.windows.view import View


def test_a_condition_on_channels_is_part_of_what_a_view_is(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "conditions")
    store.commit([recording("a", "r", channel(ramp(3)), channel(ramp(3), name="SLOW", rate_hz=1.0))])
    part = View(store, where="rate_hz >= 10")
    assert part.channels().name.tolist() == ["PPG"]
    assert part.fingerprint() != store.fingerprint() != View(store, where="rate_hz < 10").fingerprint()
    assert View(store).fingerprint() == store.fingerprint()
    with pytest.raises(BadConfiguration, match="is true of no channel"):
        View(store, where="rate_hz > 99").channels()
