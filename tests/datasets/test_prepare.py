import json
from pathlib import Path

import pytest

from tests.datasets.tiny import WRITERS
from wearfm.cli import main
from wearfm.datasets import DATASETS
from wearfm.store import Store


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_the_command_line_prepares_it_and_a_second_time_changes_nothing(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    WRITERS[name](tmp_path / "raw")
    words = ["prepare", str(tmp_path / "raw"), "--dataset", name, "-o", str(tmp_path / "store"), "--json"]
    assert main(words) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["prepared"] >= 1
    assert first["refused"] == []
    store = Store.open(tmp_path / "store")
    assert all(row.participant.startswith(f"{name}:") for row in store.recordings())
    assert set(store.channels().modality.tolist()) == set(DATASETS[name].modalities)
    before = store.fingerprint()
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["skipped"] == first["prepared"]
    assert Store.open(tmp_path / "store").fingerprint() == before


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_quality_counts_are_the_channels_counts(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / "raw")
    for one in DATASETS[name].recordings(tmp_path / "raw"):
        for channel, quality in zip(one.channels, one.quality.channels, strict=True):
            assert (quality.name, quality.kept, quality.length) == (channel.name, channel.valid.total, len(channel.samples))
