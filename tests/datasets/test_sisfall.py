from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny import write_sisfall
from wearfm.datasets import sisfall
from wearfm.errors import BadRecording


def test_codes_become_g_and_degrees_by_the_readme_s_formula(tmp_path: Path) -> None:
    write_sisfall(tmp_path)
    walking, _ = sisfall.recordings(tmp_path)
    assert walking.channel("ADXL345 y").samples.dtype == np.int16
    assert walking.channel("ADXL345 y").physical()[0] == -1.0  # 32 / 2^13 * -256
    assert walking.channel("MMA8451Q y").physical()[0] == -1.0  # 16 / 2^14 * -1024
    assert walking.channel("ITG3200 y").physical()[0] == pytest.approx(-504 * 4000 / 65536)
    assert {channel.placement for channel in walking.channels} == {"waist"}


def test_a_trial_is_a_recording_that_is_a_fall_or_not(tmp_path: Path) -> None:
    write_sisfall(tmp_path)
    walking, fall = sisfall.recordings(tmp_path)
    assert (walking.participant, walking.name, fall.name) == ("sisfall:SA03", "D01_R01", "F05_R04")
    assert walking.events.label.tolist() == ["walking slowly", "no"]
    assert fall.events.label.tolist() == ["fall forward while jogging, trip", "yes"]
    assert fall.events.duration_ns.tolist() == [5 * 10**8] * 2
    assert walking.facts == {"age_years": 19.0, "height_cm": 156.0, "weight_kg": 48.0, "sex": "female"}


def test_an_archive_gives_the_same_as_the_texts(tmp_path: Path) -> None:
    write_sisfall(tmp_path)
    texts = list(sisfall.recordings(tmp_path))
    row = np.array([17, -256, -99, -18, -504, -352, 76, -1024, -279], dtype=np.int16)
    np.savez(tmp_path / "SA03.npz", D01_SA03_R01=np.tile(row, (200, 1)), F05_SA03_R04=np.tile(row, (100, 1)))
    for text, archived in zip(texts, sisfall.recordings(tmp_path), strict=True):
        assert text.name == archived.name
        for one, other in zip(text.channels, archived.channels, strict=True):
            assert np.array_equal(one.samples, other.samples)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("D01_SA03_R02.txt", "1,2,oops;\n", "not nine columns of whole numbers"),
        ("D01_SA03_R02.txt", "1,2,3;\n", "a trial has nine columns"),
        ("D77_SA03_R02.txt", "1,2,3,4,5,6,7,8,9;\n", "is not of the form D01_SA03_R01"),
    ],
)
def test_what_is_no_trial_is_refused(name: str, text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadRecording, match=says):
        list(sisfall.recordings(tmp_path))


@pytest.mark.real
def test_both_accelerometers_feel_gravity(data_folder: Path) -> None:
    norms: dict[str, list[float]] = {"ADXL345": [], "MMA8451Q": []}
    for one in sisfall.recordings(data_folder / sisfall.DATASET.folder):
        for part, found in norms.items():
            force = np.stack([one.channel(f"{part} {axis}").physical() for axis in "xyz"])
            found.append(float(np.median(np.linalg.norm(force, axis=0))))
    assert np.median(norms["MMA8451Q"]) == pytest.approx(1.0, abs=0.02)
    assert np.median(norms["ADXL345"]) == pytest.approx(1.0, abs=0.1)  # it has an offset: 1.07 g in SA03
