"""A run may let devices take turns: the rare one is seen as often as the common one."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.recordings import channel, ramp, recording
from tests.toy import Toy, small
from tests.training.jobs import ALONE
from wearfm.errors import UnknownName
from wearfm.store import Store
from wearfm.training import TrainingConfig
from wearfm.training.data import from_store


def _config(**settings: object) -> TrainingConfig:
    return TrainingConfig(seed=3, epochs=1, batch_size=8, validation_share=0.0, **settings)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Seven people with device A, one with device B."""
    made = Store.create(tmp_path / "store")
    for person in range(8):
        one = recording(f"p{person}", "r", channel(ramp(64, rate_hz=8.0), rate_hz=8.0))
        made.commit([replace(one, device="B" if person == 7 else "A")])
    return made


@pytest.mark.parametrize(("balance", "share"), [("", 1 / 8), ("device", 1 / 2)])
def test_a_rare_device_is_seen_as_often_as_balance_says(store: Store, balance: str, share: float) -> None:
    data = from_store(Toy(small(), seed=0), store, config=_config(balance=balance), place=ALONE)
    people = [int(code) for batch in data.train.epoch(0) for code in batch.participant]
    assert len(people) == len(data.train) * 8
    assert people.count(7) / len(people) == pytest.approx(share, abs=0.03)


def test_an_unknown_property_is_refused_before_training(store: Store) -> None:
    with pytest.raises(UnknownName, match="column of a store 'devise'"):
        from_store(Toy(small(), seed=0), store, config=_config(balance="devise"), place=ALONE)
