"""Data sets of a few samples, in the layout in which their authors publish them."""

from __future__ import annotations

import gzip
import json
import struct
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from scipy.io import savemat

from tests.datasets import tiny_daily, tiny_motion, tiny_single, tiny_waves
from tests.datasets.tiny_e4 import write_e4

MINUTE = timedelta(minutes=1)


def write_depresjon(folder: Path, *, counts: dict[str, list[int]] | None = None, start: str = "2003-05-07 15:00:00") -> None:
    """The table of scores, and counts of a patient and a control."""
    folder.mkdir(exist_ok=True)
    (folder / "scores.csv").write_text(
        "number,days,gender,age,afftype,melanch,inpatient,edu,marriage,work,madrs1,madrs2\n"
        "condition_2,18,2,40-44,1.0,,2.0,6-10,2.0,2.0,24.0,11.0\n"
        "control_1,8,1,25-29,,,, ,,,,\n"
    )
    for name, values in (counts or {"condition_2": [146, 100, 3], "control_1": [60, 0, 0, 264]}).items():
        first = datetime.fromisoformat(start)
        stamps = [first + MINUTE * number for number in range(len(values))]
        lines = [f"{at},{at:%Y-%m-%d},{value}" for at, value in zip(stamps, values, strict=True)]
        inside = folder / name.partition("_")[0]
        inside.mkdir(exist_ok=True)
        (inside / f"{name}.csv").write_text("\n".join(["timestamp,date,activity", *lines]) + "\n")


def write_fitabase(folder: Path, *, steps: list[int] | None = None, sleep: str = "", hours: int = 2) -> None:
    """The wide minute tables of one person, packed; steps: by hour, the same in each of its minutes."""
    folder.mkdir(exist_ok=True)
    by_hour = steps if steps is not None else [7] * hours
    for table, prefix, level in (("Steps", "Steps", 1), ("Intensities", "Intensity", 0)):
        lines = ["Id,ActivityHour," + ",".join(f"{prefix}{minute:02d}" for minute in range(60))]
        for number, value in enumerate(by_hour):
            at = datetime(2016, 4, 13) + timedelta(hours=number)
            cell = str(value if level else int(value > 0))
            lines.append(f"1503960366,{at.month}/{at.day}/{at.year} {at.hour}:00," + ",".join([cell] * 60))
        text = "\n".join(lines) + "\n"
        (folder / f"minute{table}Wide_merged.csv.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "sleepDay_merged.csv").write_text("Id,SleepDay,TotalSleepRecords,TotalMinutesAsleep,TotalTimeInBed\n" + sleep)
    (folder / "weightLogInfo_merged.csv").write_text(
        "Id,Date,WeightKg,WeightPounds,Fat,BMI,IsManualReport,LogId\n"
        "1503960366,5/2/2016 11:59:59 PM,52.5,115.7,22,22.6,True,1\n"
        "1503960366,5/3/2016 23:59,52.6,116.0,,22.7,True,2\n"
    )


def write_sleep_accel(folder: Path) -> None:
    """Five epochs of 30 s with one that nobody scored between them."""
    folder.mkdir(exist_ok=True)
    columns = {
        "time_feature": [0.0, 0.008333, 0.016667, 0.033333, 0.041667],
        "count_feature": [1.5, 0.0, 0.25, 0.0, 4.0],
        "hr_feature": [0.3, 0.4, 0.5, 0.6, 0.7],
        "psg_labels": [0, 2, 2, 2, 5],
        "circadian_feature": [0.0, 0.1, 0.2, 0.3, 0.4],
    }
    for name, values in columns.items():
        (folder / f"46343_{name}.out").write_text("".join(f"{value:f}\n" for value in values))


def write_stanford_fog(folder: Path) -> None:
    """One second at the lower back and the ankles, frozen for a quarter; no sensor at the wrists."""
    folder.mkdir(exist_ok=True)
    columns: dict[str, np.ndarray] = {"subject_ID": np.full(128, 3), "time": 181.75 + np.arange(128) / 128}
    for place in ("lumbar", "ankle_l", "ankle_r", "wrist_l", "wrist_r", "head"):
        level = np.nan if place.startswith("wrist") else 1.0
        for axis, rest in (("x", 9.80665), ("y", 0.0), ("z", 0.0)):
            columns[f"imu_{place}_a{axis}"] = np.full(128, rest * level, dtype=np.float32)
            columns[f"imu_{place}_g{axis}"] = np.full(128, np.pi * level, dtype=np.float32)
    columns["freeze_label"] = (np.arange(128) // 32 == 2).astype(np.int64)
    parquet.write_table(pa.table(columns), folder / "pt3_visit_12.1_tbc_walklr_0_trial_1.parquet")


def write_motionsense(folder: Path) -> None:
    """A phone that lies still with its screen up, for one second, in one of the original folders."""
    (folder / "A_DeviceMotion_data" / "std_6").mkdir(parents=True)
    (folder / "data_subjects_info.csv").write_text("code,weight,height,age,gender\n1,102,188,46,1\n3,48,161,28,0\n")
    names = [f"{kind}.{axis}" for kind in ("gravity", "rotationRate", "userAcceleration") for axis in "xyz"]
    line = ",0.0,0.0,0.0,0.0,0.0,-1.0,1.0,0.0,0.0,0.0,0.0,-0.5"
    head = ",attitude.roll,attitude.pitch,attitude.yaw," + ",".join(names)
    rows = [f"{number}{line}" for number in range(50)]
    (folder / "A_DeviceMotion_data" / "std_6" / "sub_3.csv").write_text("\n".join([head, *rows]) + "\n")


def write_sisfall(folder: Path) -> None:
    """One trial of walking and one fall, in the original text."""
    (folder / "SA03").mkdir(parents=True)
    (folder / "Readme.txt").write_bytes(
        "Universidad de Antioquía\n| SA03    | 19  | 156    | 48     | F      |\n".encode("latin-1")
    )
    line = "  17,-256, -99,-18,-504,-352,  76,-1024,-279;\n"
    (folder / "SA03" / "D01_SA03_R01.txt").write_text(line * 200 + "\n")
    (folder / "SA03" / "F05_SA03_R04.txt").write_text(line * 100)


def write_cast(folder: Path) -> None:
    """An hour of heart rate with a stretch that was held, and one that is too slow to be a heart."""
    folder.mkdir(exist_ok=True)
    rate = 70 + np.arange(3600) % 7 / 2
    rate[100:500] = 88.0
    rate[1000:1010] = 5.0 + np.arange(10) / 10
    np.savez(folder / "e017b.npz", hr=rate)
    (folder / "metadata.csv").write_text("subject,age,sex\ne017b,70-74,Female\n")


def write_stress_predict(folder: Path) -> None:
    """A session of forty seconds with a task of ten, a press that was typed in wrongly, and a session without labels."""
    start = 1644227574
    write_e4(folder / "Raw_data" / "S02", start=start, seconds=40, tags=[start + 20, start + 30, start - 43200])
    write_e4(folder / "Raw_data" / "S01", start=start, seconds=20, tags=[])
    rows = [f"2,118.0,12.1,{start + 9 + k},{int(11 <= k < 21)}" for k in range(30)]
    lines = "\n".join(["Participant,HR,respr,Time(sec),Label", *rows]) + "\n"
    (folder / "Improved_All_Combined_hr_rsp_binary.csv.gz").write_bytes(gzip.compress(lines.encode()))
    for scale, totals in (("STAI", "62,56,94,101"), ("PSSQ", ",,10,16")):
        (folder / f"Questionnaires_scores_{scale}.csv").write_text(
            f",S01,,S02,\nQuestion ,{scale},,{scale},\n,Before,After,Before,After\n1,3,2,1,1\n,,,,\nTotal,{totals}\n"
        )


def write_troika(folder: Path) -> None:
    """Twelve seconds of two runs of number 04: three reference windows each."""
    folder.mkdir(exist_ok=True)
    seconds = np.arange(1500) / 125
    for run, rate in (("TYPE01", 60.0), ("TYPE02", 120.0)):
        wave = np.sin(2 * np.pi * rate / 60 * seconds)
        rows = [-300 + 100 * wave, 20 * wave, 10 * wave, 0 * wave, 0 * wave, 1 + 0.25 * wave]
        savemat(folder / f"DATA_04_{run}.mat", {"sig": np.stack(rows)})
        savemat(folder / f"REF_04_{run}.mat", {"BPM0": rate + np.array([[0.0], [1.0], [2.0]])})


def write_hmp(folder: Path) -> None:
    """A climb in the original folder and, as in the full set, its copy among the models; a walk in a zip."""
    line = "00 63 42\r\n"
    for inside in ("Climb_stairs", "Climb_stairs_MODEL"):
        (folder / "HMP_Dataset" / inside).mkdir(parents=True)
        (folder / "HMP_Dataset" / inside / "Accelerometer-2011-03-24-10-24-39-climb_stairs-f1.txt").write_text(line * 64)
    with zipfile.ZipFile(folder / "HMP_Dataset.zip", "w") as archive:
        archive.writestr("HMP_Dataset/Walk/Accelerometer-2012-06-11-11-39-29-walk-m10.txt", "22 42 32\n" * 96)


def write_mitdb(folder: Path) -> None:
    """Two seconds of record 202 in format 16: a normal beat, a premature one, noise, and fibrillation from the second on."""
    folder.mkdir(exist_ok=True)
    head = [f"202.dat 16 200 11 1024 {first} 0 0 {lead}" for first, lead in ((1024, "MLII"), (1224, "V1"))]
    lines = ["202 2 360 720", *head, "# 68 M 1960 637 x1", "# Digoxin, Hydrochlorthiazide"]
    (folder / "202.hea").write_text("\n".join(lines) + "\n")
    (folder / "202.dat").write_bytes(struct.pack("<1440h", *(1024, 1224) * 720))
    marks = [(28, 18, "(N"), (1, 18, ""), (5, 144, ""), (28, 180, "(AFIB"), (14, 0, "")]  # code, step in samples, text
    words = b""
    for code, step, text in marks:
        words += struct.pack("<H", code << 10 | step)
        if text:
            words += struct.pack("<H", 63 << 10 | len(text)) + text.encode() + b"\0" * (len(text) % 2)
    (folder / "202.atr").write_bytes(words + b"\0\0")


def matlab_4(values: list[int]) -> bytes:
    """The bytes of a MATLAB 4 file with one row of 16-bit integers, called val."""
    header = struct.pack("<5i", 30, 1, len(values), 0, 4)  # 30: little endian, 16-bit integers, a full matrix
    return header + b"val\0" + struct.pack(f"<{len(values)}h", *values)


def write_cinc2017(folder: Path) -> None:
    """Two records of nine seconds in the official folder, and a third one in a zip with a copy of the second."""
    (folder / "training2017").mkdir(parents=True)
    beat = [0, 100, 1000, -250, 0] + [0] * 295
    for record, values in (("A00001", beat * 9), ("A00002", [-v for v in beat] * 9)):
        (folder / "training2017" / f"{record}.mat").write_bytes(matlab_4(values))
    with zipfile.ZipFile(folder / "more.zip", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("A00002.mat", matlab_4([0] * 2700))
        archive.writestr("A00003.mat", matlab_4([7, *beat * 9]))
    (folder / "REFERENCE-v3.csv").write_text("A00001,N\nA00002,A\n")
    (folder / "REFERENCE-v3_more.csv").write_text("A00003,~\n")


WESAD_START_S = 100  # of the chest device, on the wrist band of the tiny WESAD


def write_wesad_e4(folder: Path, *, still: Sequence[tuple[int, int]] = ((600, 800), (900, 1050), (1150, 1400))) -> None:
    """A session whose protocol starts 100 s after the wrist band; still: stretches of it, in seconds of the protocol."""
    inside = folder / "S2"
    write_e4(
        inside / "S2_E4_Data",
        start=1495437325,
        seconds=1600,
        tags=[],
        still=[(first + WESAD_START_S, stop + WESAD_START_S) for first, stop in still],
    )
    (inside / "S2_quest.csv").write_text(
        "# Subj;S2;;;\n# ORDER;Base;TSST;Medi 1;Fun;Medi 2;sRead;;\n"
        "# START;0.3;5;10;15;19.1;9.2;;\n# END;4.3;9;13.2;17.3;23.2;9.5;;\n;;;\n"
        "# DIM;7;2;;\n# DIM;4;8;;\n# DIM;7;1;;\n# DIM;8;3;;\n# DIM;6;1;;\n"
    )
    (inside / "S2_readme.txt").write_text(
        "### Personal information ###\nAge: 27\nHeight (cm): 175\nWeight (kg): 80\nGender: male\nDominant hand: right\n"
    )


def write_wesad(folder: Path) -> None:
    """The session of `write_wesad_e4`, outside its still stretches moving now and then, with the belt, 32 samples a second."""
    protocol = ((600, 800), (900, 1050), (1150, 1400))
    pattern = tiny_waves.moving(1400)
    for first, stop in protocol:
        pattern[first:stop] = [False] * (stop - first)
    rests = [(second, second + 1) for second, moves in enumerate(pattern) if not moves]
    write_wesad_e4(folder, still=[(-WESAD_START_S, 0), *rests, (1400, 1500)])
    shaking = np.repeat([1000 * moves for moves in pattern], 32) * np.tile([1, -1], 700 * 32)
    table = np.full((len(shaking), 10), 32768, dtype=np.int64)
    table[:, 1] = 0
    table[:, 6:9] = 33_000 + shaking[:, None] * [0, 0, 1] + [0, 0, 5000]
    table[0, 5] = 0  # beyond the scale of the thermistor
    head = {
        "00:07:80:D8:AB:58": {
            "sensor": ["ECG", "EDA", "EMG", "TEMP", "XYZ", "XYZ", "XYZ", "RESPIRATION"],
            "column": ["nSeq", "DI", *(f"CH{number}" for number in range(1, 9))],
            "date": "2017-5-22",
            "time": "9:39:3.50",
            "sampling rate": 32,
        }
    }
    lines = ["# OpenSignals Text File Format", f"# {json.dumps(head)}", "# EndOfHeader"]
    lines += ["\t".join(map(str, row)) + "\t" for row in table.tolist()]
    (folder / "S2" / "S2_respiban.txt").write_text("\n".join(lines) + "\n")


WRITERS: dict[str, Callable[[Path], None]] = {
    "cast": write_cast,
    "cinc2017": write_cinc2017,
    "depresjon": write_depresjon,
    "ecg5000": tiny_single.write_ecg5000,
    "eeg_eye_state": tiny_single.write_eeg_eye_state,
    "fitabase": write_fitabase,
    "hmp": write_hmp,
    "mitdb": write_mitdb,
    "mobgap_lab": tiny_single.write_mobgap_lab,
    "motionsense": write_motionsense,
    "muse_biopsykit": tiny_single.write_muse_biopsykit,
    "sisfall": write_sisfall,
    "sleep_accel": write_sleep_accel,
    "stanford_fog": write_stanford_fog,
    "stress_predict": write_stress_predict,
    "troika": write_troika,
    "wesad": write_wesad,
    "wearablehrv": tiny_daily.write_wearablehrv,
    "welltory": tiny_daily.write_welltory,
    "wesad_e4": write_wesad_e4,
    **tiny_motion.WRITERS,
    **tiny_waves.WRITERS,
}
