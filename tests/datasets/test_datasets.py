import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from wearfm.datasets import DATASETS, bidmc, hapt, ppg_bp
from wearfm.errors import BadConfiguration, BadRecording


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_a_card_says_who_may_use_it_and_how_to_cite_it(name: str) -> None:
    card = DATASETS[name]
    assert card.name == name
    assert card.licence
    assert card.citation
    assert card.homepage.startswith("https://")


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_a_card_says_which_files_are_read_and_where_they_come_from(name: str) -> None:
    card = DATASETS[name]
    assert card.layout
    assert card.addresses or card.by_hand
    for address in card.addresses:
        assert address.url.startswith("https://")
        assert address.kind != "physionet" or re.fullmatch(r"https://physionet\.org/files/[\w-]+/\d[\d.]*/", address.url)


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_an_empty_folder_is_refused_with_what_is_missing(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"holds no .*name the folder"):
        list(DATASETS[name].recordings(tmp_path))


def test_ppg_bp_reads_waves_and_facts(tmp_path: Path) -> None:
    (tmp_path / "0_subject").mkdir()
    (tmp_path / "0_subject" / "7_2.txt").write_text("2438.0\t2440.0\t2436.0\t")
    (tmp_path / "PPG-BP dataset.csv").write_text(
        "Num.,subject_ID,Sex(M/F),Age(year),Height(cm),Weight(kg),Systolic Blood Pressure(mmHg),"
        "Diastolic Blood Pressure(mmHg),Heart Rate(b/m),BMI(kg/m^2),Hypertension,Diabetes,cerebral infarction,"
        "cerebrovascular disease\n1,7,Female,45,152,63,161,89,97,27.3,Stage 2 hypertension,,,\n"
    )
    (one,) = ppg_bp.recordings(tmp_path)
    assert (one.participant, one.name) == ("ppg_bp:7", "segment 2")
    assert one.channels[0].samples.tolist() == [2438, 2440, 2436]
    assert one.channels[0].samples.dtype == np.int16
    assert one.facts["sbp_mmHg"] == 161.0
    assert one.facts["hypertension_stage"] == "stage 2 hypertension"
    assert one.facts["diabetes"] == 0.0


def test_ppg_bp_refuses_what_is_not_a_wave(tmp_path: Path) -> None:
    (tmp_path / "0_subject").mkdir()
    (tmp_path / "PPG-BP dataset.csv").write_text("subject_ID\n")
    (tmp_path / "0_subject" / "7_2.txt").write_text("2438.0 oops")
    with pytest.raises(BadRecording, match="not a list of numbers"):
        list(ppg_bp.recordings(tmp_path))


def test_hapt_reads_the_original_texts(tmp_path: Path) -> None:
    raw = tmp_path / "RawData"
    raw.mkdir()
    (raw / "acc_exp03_user02.txt").write_text("0.9 0.1 0.2\n" * 100)
    (raw / "gyro_exp03_user02.txt").write_text("1.0 0.0 0.0\n" * 100)
    (raw / "labels.txt").write_text("3 2 5 1 50\n3 2 4 51 75\n9 9 1 1 10\n")
    (one,) = hapt.recordings(tmp_path)
    assert one.participant == "hapt:2"
    assert [c.name for c in one.channels] == ["acc x", "acc y", "acc z", "gyro x", "gyro y", "gyro z"]
    assert one.channel("gyro x").physical()[0] == pytest.approx(57.29578)
    assert one.events.label.tolist() == ["standing", "sitting"]
    assert one.events.onset_ns.tolist() == [0, 10**9]
    assert one.events.duration_ns.tolist() == [10**9, 5 * 10**8]


def test_bidmc_reads_waves_numbers_and_breaths(tmp_path: Path) -> None:
    (tmp_path / "bidmc_01_Fix.txt").write_text("Age: 88\nGender: M\nMIMIC II matched wdb ID: s01182\n")
    (tmp_path / "bidmc_01_Numerics.csv").write_text("Time [s], HR, PULSE, RESP, SpO2\n0,94,93,25,97\n1,,93,0,97\n")
    (tmp_path / "bidmc_01_Breaths.csv").write_text("ann1,ann2\n125,250\nNaN,500\n")
    waves = "Time [s], RESP, PLETH, II\n0,0.35,0.43,0.7\n0.008,0.36,,0.6\n"
    (tmp_path / "bidmc_01_Signals.csv.gz").write_bytes(gzip.compress(waves.encode()))
    (one,) = bidmc.recordings(tmp_path)
    assert one.participant == "bidmc:s01182"
    assert one.facts == {"sex": "male", "age_years": 88.0}
    assert one.channel("PLETH").valid.total == 1
    assert one.events.of_kind("hr").value.tolist() == [94.0]
    assert one.events.of_kind("resp_rate").value.tolist() == [25.0]
    assert one.events.of_kind("breath").onset_ns.tolist() == [10**9, 2 * 10**9, 4 * 10**9]
