"""Tiny files of ActiLife: an export of raw acceleration, one of epochs, and a database of epochs."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

TICKS_1970 = 621_355_968_000_000_000
START_S = 1_568_745_600  # 2019-09-17 18:40:00 on the wall clock
RULE = "-" * 50


def head(
    *, form: str = "M/d/yyyy", date: str = "9/17/2019", epoch: str = "00:00:00", mode: int = 12, rate: str = " at 4 Hz"
) -> str:
    """The ten lines of the header."""
    return (
        f"------------ Data File Created By ActiGraph GT3X+ ActiLife v6.13.3 Firmware v1.7.2 date format {form}{rate}  Filter"
        f" Normal -----------\r\nSerial Number: TAS1H30182785\r\nStart Time 18:40:00\r\nStart Date {date}\r\n"
        f"Epoch Period (hh:mm:ss) {epoch}\r\nDownload Time 19:20:05\r\nDownload Date {date}\r\nCurrent Memory Address: 0\r\n"
        f"Current Battery Voltage: 4.18     Mode = {mode}\r\n{RULE}\r\n"
    )


def raw_rows() -> list[str]:
    """At 4 Hz: a second measured, which ends with a repeated value; one of its last sample; one measured; one of zeros."""
    first = ["0,0.008,0.996", "0.016,0,1.008", "0.02,0,1.008", "0.02,0,1.008"]
    return [*first, *[first[-1]] * 4, "-0.5,0.25,1", "0.5,0.25,1", "0.5,0.25,1", "0.5,0.25,1", *["0,0,0"] * 4]


def write_actilife(folder: Path) -> Path:
    """An export of raw acceleration."""
    path = folder / "P7.csv"
    rows = ["Accelerometer X,Accelerometer Y,Accelerometer Z", *raw_rows()]
    path.write_bytes((head() + "\r\n".join(rows) + "\r\n").encode())
    return path


def database(path: Path, epochs: Sequence[tuple[object, ...]], **settings: str) -> Path:
    """A database of epochs of a minute. epochs: (seconds after the start, axis1, axis2, axis3, steps, lux, off ... lying)."""
    given = {"devicename": "wGT3XBT", "epochlength": "60", "subjectname": "P7", "sex": "Female", "age": "54"} | settings
    with closing(sqlite3.connect(path)) as file:
        file.execute(
            "CREATE TABLE settings (settingID INTEGER PRIMARY KEY, settingName VARCHAR(64), settingValue VARCHAR(8192))"
        )
        file.executemany("INSERT INTO settings (settingName, settingValue) VALUES (?, ?)", given.items())
        file.execute(
            "CREATE TABLE data (dataTimestamp INTEGER, axis1 REAL, axis2 REAL, axis3 REAL, steps REAL, lux REAL,"
            " inclineOff REAL, inclineStanding REAL, inclineSitting REAL, inclineLying REAL)"
        )
        rows = [(ticks(int(str(seconds))), *rest) for seconds, *rest in epochs]
        file.executemany(f"INSERT INTO data VALUES ({', '.join('?' * 10)})", rows)
        file.execute(
            "CREATE TABLE capsense (timeStamp INTEGER, signal INTEGER, reference INTEGER, state INTEGER, bursts INTEGER)"
        )
        worn = [(ticks(0), 1, 1, 1, 1), (ticks(60), 1, 1, 1, 1), (ticks(120), 1, 1, 0, 1)]
        file.executemany("INSERT INTO capsense VALUES (?, ?, ?, ?, ?)", worn)
        file.execute("CREATE TABLE sleep (sleepID INTEGER PRIMARY KEY, inBedTimestamp INTEGER, outBedTimestamp INTEGER)")
        file.execute("INSERT INTO sleep VALUES (1, ?, ?)", (ticks(60), ticks(180)))
        file.commit()
    return path


def ticks(seconds: int) -> int:
    """.NET ticks of a time after the start."""
    return TICKS_1970 + (START_S + seconds) * 10_000_000


EPOCHS: list[tuple[object, ...]] = [
    (0, 254, 265, 230, 12, 0, 0, 60, 0, 0),
    (60, 652, 267, 302, 0, 1375, 0, 40, 20, 0),
    (180, 0, 0, 0, 0, 65_535, 0, 0, 0, 60),
]


def write_agd(folder: Path) -> Path:
    """Three epochs, one missing between the second and the third."""
    return database(folder / "P7.agd", EPOCHS)
