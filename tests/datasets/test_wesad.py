from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny import WESAD_START_S, write_wesad
from wearfm.datasets import wesad, wesad_e4
from wearfm.errors import BadRecording
from wearfm.readers.respiban import celsius
from wearfm.signals.recording import SECOND

BASELINE_S, STRESS_S = (30, 270), (300, 540)  # "0.3" to "4.3" and "5" to "9": minutes and seconds of the protocol


def test_conditions_are_exact_on_the_belt_and_moved_to_the_band(tmp_path: Path) -> None:
    write_wesad(tmp_path)
    chest, wrist = wesad.recordings(tmp_path)
    assert [(one.participant, one.name, one.clock) for one in (chest, wrist)] == [
        ("wesad:S2", "chest", "local"),
        ("wesad:S2", "wrist", "utc"),
    ]
    for one, shift_s, off_s in ((chest, 0, 0.0), (wrist, WESAD_START_S, 0.25)):
        rows = [row for row in one.events.of_kind("condition").rows() if row[3] in ("baseline", "stress")]
        at = [((row[1] - one.start_ns) / SECOND - shift_s, row[2] / SECOND) for row in rows]
        for found, (start, stop) in zip(at, (BASELINE_S, STRESS_S), strict=True):
            assert found == (pytest.approx(start, abs=off_s), stop - start)
    assert chest.start_ns == np.datetime64("2017-05-22T09:39:03.500", "ns").astype(np.int64)
    assert wrist.events.of_kind("arousal").value.tolist() == chest.events.of_kind("arousal").value.tolist()
    assert any(note.startswith(f"the belt starts {WESAD_START_S} s after the band") for note in wrist.quality.notes)


def test_codes_of_the_belt_stay_and_become_physical_by_the_formulas(tmp_path: Path) -> None:
    write_wesad(tmp_path)
    chest, wrist = wesad.recordings(tmp_path)
    assert (chest.channel("chest ecg").samples.dtype, chest.channel("chest ecg").physical()[0]) == (np.int32, 0.0)
    assert chest.channel("chest eda").physical()[0] == pytest.approx(12.5)  # half of 3 V / 0.12
    assert chest.channel("chest resp").physical()[0] == 0.0
    assert chest.channel("chest acc z").physical()[0] == pytest.approx(1.0, abs=0.21)  # 38000 is 1 g
    assert chest.channel("chest temp").valid.bounds[0, 0] == 1  # the first code is the end of the scale
    assert chest.facts == wrist.facts
    assert wrist.channel("BVP").modality == "ppg"


def test_the_thermistor_follows_its_equation() -> None:
    half = 32767.5  # 10 kOhm: 25 degrees, as thermistors are specified
    assert celsius(np.array([half]))[0] == pytest.approx(25.0, abs=0.1)
    assert celsius(np.array([40000]))[0] < celsius(np.array([30000]))[0]  # more resistance, colder


def test_a_band_that_moved_otherwise_has_no_conditions_of_the_belt(tmp_path: Path) -> None:
    write_wesad(tmp_path)
    path = tmp_path / "S2" / "S2_respiban.txt"
    lines = path.read_text().splitlines()
    path.write_text(
        "\n".join(line.replace("\t37000\t", "\t38000\t").replace("\t39000\t", "\t38000\t") for line in lines) + "\n"
    )
    _, wrist = wesad.recordings(tmp_path)
    assert any(note.endswith("not used") for note in wrist.quality.notes)
    (alone,) = wesad_e4.recordings(tmp_path)
    assert wrist.events.rows() == alone.events.rows()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [('"sensor"', '"sensors"', "no header of OpenSignals"), ("\t32768\t", "\tx\t", "columns of whole numbers")],
)
def test_a_belt_that_cannot_be_read_is_refused(old: str, new: str, says: str, tmp_path: Path) -> None:
    write_wesad(tmp_path)
    path = tmp_path / "S2" / "S2_respiban.txt"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(BadRecording, match=says):
        list(wesad.recordings(tmp_path))
    path.unlink()
    with pytest.raises(BadRecording, match=r"no S2_respiban\.txt beside the protocol"):
        list(wesad.recordings(tmp_path))
