"""Tiny data sets of brain, heart, muscle and pulse, in the layout in which their authors publish them."""

from __future__ import annotations

import json
import struct
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.datasets.tiny_e4 import write_e4
from tests.readers.tiny import EdfSignal, edf, tal


def cnt(names: list[str], samples: np.ndarray, *, rate: int, baseline: int = 0, block: int = 0) -> bytes:
    """The bytes of a Neuroscan file, samples (T, channels) int16 or int32, 0.5 microvolt a step."""
    width = samples.dtype.itemsize
    header = bytearray(900)
    header[:11] = b"Version 3.0"
    struct.pack_into("<H", header, 370, len(names))
    struct.pack_into("<H", header, 376, rate)
    struct.pack_into("<I", header, 886, 900 + 75 * len(names) + samples.size * width)
    struct.pack_into("<i", header, 894, block * width)
    electrodes = bytearray()
    for name in names:
        one = bytearray(75)
        one[: len(name)] = name.encode()
        struct.pack_into("<h", one, 47, baseline)
        struct.pack_into("<f", one, 59, 102.4)
        struct.pack_into("<f", one, 71, 1.0)
        electrodes += one
    laid = samples if not block else samples.reshape(-1, block, len(names)).transpose(0, 2, 1)
    return bytes(header) + bytes(electrodes) + np.ascontiguousarray(laid).tobytes() + b"events"


def write_driver_fatigue(folder: Path) -> None:
    """Two seconds of two electrodes and an ear, of both states of driver 1."""
    (folder / "1").mkdir(parents=True)
    for state, level in (("Normal state", 40), ("Fatigue state", -80)):
        samples = np.full((200, 3), level, dtype=np.int32)
        (folder / "1" / f"{state}.cnt").write_bytes(cnt(["FP1", "OZ", "A1"], samples, rate=100))


def write_epilepsy(folder: Path) -> None:
    """Three rows of the table: a seizure, and two of another segment with open eyes."""
    folder.mkdir(exist_ok=True)
    columns = ",".join(f"X{number}" for number in range(1, 179))
    rows = [("X21.V1.791", 100, 1), ("X15.V1.924", -7, 5), ("X1.V1.924", 8, 5)]
    lines = [f"{name},{','.join([str(level)] * 178)},{code}" for name, level, code in rows]
    (folder / "data.csv").write_text("\n".join([f'"",{columns},y', *lines]) + "\n")


def write_gameemo(folder: Path) -> None:
    """Three seconds of a boring game as the device gave it, and as the authors filtered it."""
    places = "AF3,AF4,F3,F4,F7,F8,FC5,FC6,O1,O2,P7,P8,T7,T8,"
    for kind, name, level in (("Raw", "AllRawChannels", 4200.5), ("Preprocessed", "AllChannels", 0.5)):
        inside = folder / "GAMEEMO" / "(S01)" / f"{kind} EEG Data" / ".csv format"
        inside.mkdir(parents=True)
        row = ",".join([str(level)] * 14) + ",\n"
        (inside / f"S01G1{name}.csv").write_text(places + "\n" + row * 384)


def _record(folder: Path, name: str, leads: list[str], *, rate: int, seconds: int, gain: int, comments: list[str]) -> None:
    """A WFDB record in format 16 whose samples are 1000 in every lead."""
    samples = rate * seconds
    total = 1000 * samples & 0xFFFF
    checksum = total - 0x10000 if total >= 0x8000 else total
    lines = [f"{name} {len(leads)} {rate} {samples}"]
    lines += [f"{name}.dat 16 {gain} 16 0 1000 {checksum} 0 {lead}" for lead in leads]
    (folder / f"{name}.hea").write_text("\n".join([*lines, *(f"#{comment}" for comment in comments)]) + "\n")
    (folder / f"{name}.dat").write_bytes(struct.pack(f"<{samples * len(leads)}h", *[1000] * (samples * len(leads))))


def write_ecg_abnormal(folder: Path) -> None:
    """Three seconds of two leads of a patient and of a healthy person."""
    for patient, comments in {
        "patient001": ["age: 81", "sex: female", "Diagnose:", "Reason for admission: Myocardial infarction",
                       "Acute infarction (localization): infero-lateral"],
        "patient104": ["age: 58", "sex: male", "Reason for admission: Healthy control", "Acute infarction (localization): no"],
        "patient285": ["age: n/a", "sex: male", "Reason for admission: n/a"],
    }.items():  # fmt: skip
        (folder / patient).mkdir(parents=True)
        _record(folder / patient, "s0010_re", ["i", "vx"], rate=1000, seconds=3, gain=2000, comments=comments)


def write_physionet_emg(folder: Path) -> None:
    """Three seconds of the healthy muscle and of the one with neuropathy."""
    folder.mkdir(exist_ok=True)
    for name in ("emg_healthy", "emg_neuropathy"):
        _record(folder, name, ["EMG"], rate=400, seconds=3, gain=2000, comments=[])


def write_ptb_xl(folder: Path) -> None:
    """Two records of one patient, at 500 and at 100 Hz, and one that was not copied."""
    for rate, inside, end in ((500, "records500/00000", "hr"), (100, "records100/00000", "lr")):
        (folder / inside).mkdir(parents=True)
        _record(folder / inside, f"00001_{end}", ["I", "AVR"], rate=rate, seconds=3, gain=1000, comments=[])
    _record(folder / "records100/00000", "00002_lr", ["I", "AVR"], rate=100, seconds=3, gain=1000, comments=[])
    columns = "ecg_id,patient_id,age,sex,height,weight,scp_codes,strat_fold,filename_lr,filename_hr"
    rows = [
        """1,15709.0,56.0,1,,63.0,"{'NORM': 100.0, 'SR': 0.0}",3,records100/00000/00001_lr,records500/00000/00001_hr""",
        """2,15709.0,300.0,0,170,,"{'IMI': 35.0, 'LVH': 50.0}",2,records100/00000/00002_lr,records500/00000/00002_hr""",
        """3,13243.0,30.0,0,,,"{'SR': 0.0}",5,records100/00000/00003_lr,records500/00000/00003_hr""",
    ]
    (folder / "ptbxl_database.csv").write_text("\n".join([columns, *rows]) + "\n")
    (folder / "scp_statements.csv").write_text(
        ",description,diagnostic,form,rhythm,diagnostic_class\nNORM,normal ECG,1.0,,,NORM\nIMI,inferior,1.0,,,MI\n"
        "LVH,hypertrophy,1.0,,,HYP\nSR,sinus rhythm,,,1.0,\n"
    )


def write_sleep_edf(folder: Path) -> None:
    """Four epochs at home: awake, two of stages 3 and 4, one of movement; all seven signals of a cassette."""
    inside = folder / "sleep-cassette"
    inside.mkdir(parents=True)
    slow = {"Resp oro-nasal": "", "EMG submental": "uV", "Temp rectal": "DegC", "Event marker": ""}
    signals = [
        EdfSignal(label=label, records=[[number] * 300 for number in range(4)])
        for label in ("EEG Fpz-Cz", "EEG Pz-Oz", "EOG horizontal")
    ]
    signals += [EdfSignal(label=label, unit=unit, records=[[36] * 30] * 4) for label, unit in slow.items()]
    begins = [tal(f"+{30 * number}") for number in range(4)]
    who = "X F X Female_33yr"
    (inside / "SC4012E0-PSG.edf").write_bytes(edf(*signals, kind="C", record_s="30", annotations=begins, patient=who))
    marks = [(0, 30, "W"), (30, 30, "3"), (60, 30, "4")]
    stages = b"".join(tal(f"+{at}", f"Sleep stage {name}", duration=str(lasts)) for at, lasts, name in marks)
    text = tal("+0") + stages + tal("+90", "Movement time", duration="30")
    (inside / "SC4012EC-Hypnogram.edf").write_bytes(edf(kind="C", record_s="0", annotations=[text], patient=who))


def write_exam_stress(folder: Path) -> None:
    """A final that begins forty seconds before nine in summer time, and a midterm in which nobody was at nine."""
    folder.mkdir(exist_ok=True)
    (folder / "StudentGrades.txt").write_text(
        "GRADES - Midterm 1\n\nS1 - 78\nS2 - 82\n\nGRADES - Midterm 2\n\nS1 - 82\n\nGRADES - Final (out of 200)\n\nS1 - 182\n"
    )
    nine = 1_525_442_400  # 4 May 2018, 14:00 UTC
    write_e4(folder / "Data" / "S1" / "Final", start=nine - 40, seconds=60, tags=[])
    write_e4(folder / "Data" / "S1" / "Midterm 1", start=nine - 7200, seconds=20, tags=[])


def write_noninvasive_bp(folder: Path) -> None:
    """Three seconds of one person with two readings, of which one has a time; a description beside it."""
    folder.mkdir(exist_ok=True)
    signals = {f"data_{name}": [level] * 3000 for name, level in (("PPG", 512), ("ECG", 300), ("PCG", 7), ("FSR", 0))}
    readings = [{"SBP": 120, "DBP": 80, "time": 1.5}, [110, 70]]
    (folder / "subject_01.json").write_text(json.dumps({**signals, "data_BP": readings}))
    (folder / "dataset-metadata.json").write_text(json.dumps({"title": "Non-invasive Blood Pressure Estimation"}))


def write_ppg_hgb(folder: Path) -> None:
    """Three seconds at 50 Hz of two people, two recordings of the first."""
    folder.mkdir(exist_ok=True)
    (folder / "subjects.csv").write_text("subject,sex,age_years,hemoglobin_g_dl\n1,Female,33,12.5\n2,male,,15.25\n")
    rows = "".join(f"{k / 50:.2f},{1000 + k},{2000 + k}\n" for k in range(150))
    for name in ("1_1", "1_2", "2"):
        (folder / f"{name}.csv").write_text("time_s,red,infrared\n" + rows)


def write_fetal_fpcg(folder: Path) -> None:
    """Three seconds of one woman, with a table of what is known of her."""
    folder.mkdir(exist_ok=True)
    with wave.open(str(folder / "f1.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(2000)
        file.writeframes(struct.pack("<6000h", *([-300, 0, 300, 0] * 1500)))
    (folder / "women.csv").write_text("file,gestational_week,fetal_hr_per_min\nf1.wav,36,141.5\nf2.wav,,\n")


def moving(seconds: int) -> list[bool]:
    """Which seconds of a session are movement: an irregular pattern that resembles itself nowhere else."""
    return (np.random.default_rng(3).random(seconds) < 0.5).tolist()


def write_ppg_dalia(folder: Path) -> None:
    """A hundred seconds of a belt whose heart beats once a second; the wrist band began twenty seconds earlier."""
    import h5py

    inside = folder / "PPG_FieldStudy" / "S1"
    inside.mkdir(parents=True)
    rate, pattern = 128, moving(100)
    beat = np.zeros(rate)
    beat[60:64] = (8000, 20000, 8000, -4000)
    ecg = np.tile(32768 + beat, 100)
    shaking = np.repeat([1000 * moves for moves in pattern], rate) * np.tile([1, -1], 50 * rate)
    codes = [
        ecg,
        np.zeros(100 * rate),
        33_000 + shaking,
        np.full(100 * rate, 33_000),
        np.full(100 * rate, 38_000),
        ecg * 0 + 2**15,
    ]
    with h5py.File(inside / "S1_RespiBAN.h5", "w") as file:
        device = file.create_group("00:07:80:D8:AB:58")
        device.attrs["sampling rate"] = rate
        device.attrs["sensor"] = ["ECG", "EDA", "XYZ", "XYZ", "XYZ", "RESPIRATION"]
        for number, values in enumerate(codes, start=1):
            device[f"raw/channel_{number}"] = values.astype(np.uint16)[:, None]
    (inside / "S1_activity.csv").write_text(
        "# SUBJECT_ID, S1\n# NO_ACTIVITY, 0.00\n# BASELINE, 0.10\n# NO_ACTIVITY, 0.40\n# STAIRS, 1.20\n"
    )
    (inside / "S1_quest.csv").write_text("# SUBJECT_ID, S1\n# AGE, 34\n# GENDER, m\n# HEIGHT, 182\n# WEIGHT, 78\n# SKIN, 3\n")
    still = [(second + 20, second + 21) for second, moves in enumerate(pattern) if not moves] + [(0, 20)]
    session = inside / "S1_E4"
    write_e4(session, start=1_495_437_325, seconds=125, tags=[], still=still)
    with zipfile.ZipFile(inside / "S1_E4.zip", "w") as archive:
        for member in sorted(session.iterdir()):
            archive.write(member, member.name)
            member.unlink()
    session.rmdir()


WRITERS: dict[str, Callable[[Path], None]] = {
    "driver_fatigue": write_driver_fatigue,
    "ecg_abnormal": write_ecg_abnormal,
    "epilepsy": write_epilepsy,
    "exam_stress": write_exam_stress,
    "fetal_fpcg": write_fetal_fpcg,
    "gameemo": write_gameemo,
    "noninvasive_bp": write_noninvasive_bp,
    "physionet_emg": write_physionet_emg,
    "ppg_dalia": write_ppg_dalia,
    "ppg_hgb": write_ppg_hgb,
    "ptb_xl": write_ptb_xl,
    "sleep_edf": write_sleep_edf,
}
