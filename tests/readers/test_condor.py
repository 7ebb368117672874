from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.readers.tiny_actiwatch import CONDOR, write_condor
from wearfm.errors import BadRecording
from wearfm.readers import read
from wearfm.signals.recording import SECOND

DATA = ROOT / os.environ.get("WEARFM_DATA", "../shared/data") / "raw_devices"


def test_a_report_has_counts_temperatures_and_light(tmp_path: Path) -> None:
    (recording,) = read(write_condor(tmp_path))
    table = {channel.name: (channel.modality, channel.unit, channel.samples.dtype.kind) for channel in recording.channels}
    assert table == {
        "PIM": ("counts", "count", "i"), "TAT": ("counts", "count", "i"), "ZCM": ("counts", "count", "i"),
        "TEMPERATURE": ("temp", "degC", "f"), "EXT TEMPERATURE": ("temp", "degC", "f"), "LIGHT": ("light", "lux", "f"),
    }  # fmt: skip
    pim = recording.channel("PIM")
    assert (pim.rate_hz, pim.samples[:3].tolist(), pim.mask().tolist()) == (1 / 60, [1851, 2683, 5260], [True] * 3 + [False])
    assert (recording.clock, recording.start_ns) == ("local", 1_577_955_600 * SECOND)  # 2 January, not 1 February
    assert (recording.participant, recording.facts, recording.device) == ("S02", {"sex": "male"}, "Condor ActTrust1")
    assert [(kind, (onset - recording.start_ns) // SECOND) for kind, onset, *_ in recording.events.rows()] == [
        ("tag", 60),
        ("off_wrist", 180),
    ]


def test_rows_without_a_time_are_dropped_and_counted(tmp_path: Path) -> None:
    path = write_condor(tmp_path)
    path.write_text(path.read_text().replace("02/01/2020 09:01:00", "02/13/2020 09:01:00"))
    (recording,) = read(path)
    assert recording.quality.channels[0].findings[0].reason == "row without a readable time"
    assert recording.channel("PIM").mask().tolist() == [True, False, True, False]
    path.write_text(CONDOR.partition("DATE/TIME")[0])
    with pytest.raises(BadRecording, match="a report without a table of epochs; export it again"):
        list(read(path))


@pytest.mark.real
def test_a_genuine_report_holds_what_a_loop_finds() -> None:
    path = DATA / "pyactigraphy/test_sample_atr.txt.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    with gzip.open(path, "rt") as file:
        rows = [line.rstrip("\n").split(";") for line in file if line[:1].isdigit()]
    (recording,) = read(path)
    assert recording.channel("PIM").samples.tolist() == [int(cells[6]) for cells in rows]
    np.testing.assert_allclose(recording.channel("TEMPERATURE").physical(), [float(cells[3]) for cells in rows], rtol=1e-6)
    assert len(recording.events.of_kind("tag")) == sum(cells[2] != "0" for cells in rows)
    assert (recording.clock, recording.start_ns) == ("relative", 9 * 3600 * SECOND)  # the year is 1918
