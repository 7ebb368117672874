"""Data sets of a few samples, in the layout in which their authors publish them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from scipy.io import savemat

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


def write_troika(folder: Path) -> None:
    """Twelve seconds of two runs of number 04: three reference windows each."""
    folder.mkdir(exist_ok=True)
    seconds = np.arange(1500) / 125
    for run, rate in (("TYPE01", 60.0), ("TYPE02", 120.0)):
        wave = np.sin(2 * np.pi * rate / 60 * seconds)
        rows = [-300 + 100 * wave, 20 * wave, 10 * wave, 0 * wave, 0 * wave, 1 + 0.25 * wave]
        savemat(folder / f"DATA_04_{run}.mat", {"sig": np.stack(rows)})
        savemat(folder / f"REF_04_{run}.mat", {"BPM0": rate + np.array([[0.0], [1.0], [2.0]])})


WRITERS: dict[str, Callable[[Path], None]] = {
    "cast": write_cast,
    "depresjon": write_depresjon,
    "fitabase": write_fitabase,
    "motionsense": write_motionsense,
    "sisfall": write_sisfall,
    "sleep_accel": write_sleep_accel,
    "stanford_fog": write_stanford_fog,
    "troika": write_troika,
}
