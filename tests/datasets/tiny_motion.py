"""Tiny data sets of movement, in the layout in which their authors publish them."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np


def write_uci_har(folder: Path) -> None:
    """Three windows of walking by person 1 of which the first two overlap, and one of lying by person 2, in test."""
    axes = [f"{kind}_{axis}" for kind in ("total_acc", "body_gyro", "body_acc") for axis in "xyz"]
    ramp = np.arange(192.0) / 192
    parts = {
        "train": ([1, 1, 1], [1, 1, 1], [ramp[:128], ramp[64:], ramp[:128]]),
        "test": ([2], [6], [np.ones(128)]),
    }
    for part, (people, activities, windows) in parts.items():
        inside = folder / "UCI HAR Dataset" / part
        (inside / "Inertial Signals").mkdir(parents=True)
        (inside / f"subject_{part}.txt").write_text("".join(f"{person}\n" for person in people))
        (inside / f"y_{part}.txt").write_text("".join(f"{activity}\n" for activity in activities))
        text = "".join(" " + " ".join(f" {value:.7e}" for value in window) + "\n" for window in windows)
        for name in axes:
            (inside / "Inertial Signals" / f"{name}_{part}.txt").write_text(text)


def write_daphnet(folder: Path) -> None:
    """Six seconds: two before the experiment, two without and two with freezing; the trunk is upright."""
    inside = folder / "dataset_fog_release" / "dataset"
    inside.mkdir(parents=True)
    rows = [f"{round(k * 1000 / 64)} 10 -20 30 0 0 {k % 64} 0 1000 0 {k // 128}" for k in range(384)]
    (inside / "S01R02.txt").write_text("\n".join(rows) + "\n")


def write_pamap2(folder: Path) -> None:
    """Four seconds: one of transition, three of ironing; a lost packet of the chest, and a heart rate that changes."""
    inside = folder / "PAMAP2_Dataset" / "Protocol"
    inside.mkdir(parents=True)
    sensor = "30.5 9.80665 0 0 9 9 9 0.5 0 0 40 0 0 1 0 0 0"
    lost = " ".join(["NaN"] * 17)
    rows = []
    for k in range(400):
        rate = {0: "80", 11: "80", 22: "81", 300: "82"}.get(k, "NaN")
        rows.append(f"{5 + k / 100:.2f} {17 if k >= 100 else 0} {rate} {sensor} {lost if k == 7 else sensor} {sensor}")
    (inside / "subject101.dat").write_text("\n".join(rows) + "\n")


def write_wisdm(folder: Path) -> None:
    """Three seconds of walking and of sitting on the watch, of walking on the phone, with one row that is cut off."""
    lines = {("watch", "accel"): "9.5", ("watch", "gyro"): "0.5", ("phone", "accel"): "9.75", ("phone", "gyro"): "0.25"}
    for (device, sensor), value in lines.items():
        inside = folder / "wisdm-dataset" / "raw" / device / sensor
        inside.mkdir(parents=True)
        codes = "AD" if device == "watch" else "A"
        starts = {"A": 90_426_708_196_641, "D": 80_000_000_000_000}  # the second activity is earlier on the device's clock
        rows = [f"1600,{code},{starts[code] + 50_000_000 * k},-1.5,{value},0.125;" for code in codes for k in range(60)]
        (inside / f"data_1600_{sensor}_{device}.txt").write_text("\n".join([*rows, "1600,A,9"]) + "\n")


def write_harth(folder: Path) -> None:
    """Two seconds of walking, half a second missing, two seconds of cycling; a column without a name before the others."""
    (folder / "harth").mkdir(parents=True)
    axes = ",".join(f"{place}_{axis}" for place in ("back", "thigh") for axis in "xyz")
    rows = []
    for k in [*range(100), *range(125, 225)]:
        stamp = f"2019-01-12 10:00:{k * 20 // 1000:02d}.{k * 20 % 1000:03d}"
        rows.append(f"{k},{stamp},-1.0,0.0,0.25,-1.0,0.0,0.5,{1 if k < 100 else 13}")
    (folder / "harth" / "S006.csv").write_text("\n".join([f",timestamp,{axes},label", *rows]) + "\n")


def write_capture24(folder: Path) -> None:
    """Six seconds: two asleep, two that nobody annotated, two at a desk."""
    (folder / "capture24").mkdir(parents=True)
    sleep, desk = "7030 sleeping;MET 0.95", "home activity;sitting;11580 office work;MET 1.5"
    rows = []
    for k in range(600):
        annotation = sleep if k < 200 else "" if k < 400 else desk
        rows.append(f"2016-11-13 02:18:0{k // 100}.{k % 100:02d}0000,0.0,-0.5,0.875,{annotation}")
    text = "\n".join(["time,x,y,z,annotation", *rows]) + "\n"
    (folder / "capture24" / "P001.csv.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "capture24" / "annotation-label-dictionary.csv").write_text(
        "annotation,label:Willetts2018,label:WillettsSpecific2018,label:Walmsley2020\n"
        f"{sleep},sleep,sleep,sleep\n{desk},sit-stand,sitting,sedentary\n"
    )
    (folder / "capture24" / "metadata.csv").write_text("pid,age,sex\nP001,38-52,F\nP002,53+,M\n")


def ibm(value: float | None, width: int = 8) -> bytes:
    """The bytes of an IBM floating point number by the definition: value = fraction * 16 ** (exponent - 64); None: missing."""
    if value is None:
        return b"." + bytes(width - 1)
    if value == 0:
        return bytes(width)
    size, exponent = abs(value), 64
    while size >= 1:
        size, exponent = size / 16, exponent + 1
    while size < 1 / 16:
        size, exponent = size * 16, exponent - 1
    return (bytes([exponent | (0x80 if value < 0 else 0)]) + round(size * 2**56).to_bytes(7, "big"))[:width]


def transport(columns: dict[str, int], rows: Sequence[Sequence[float | str | None]]) -> bytes:
    """The bytes of a SAS transport file; columns: name -> width, negative for text."""

    def fill(content: bytes) -> bytes:
        return content + b" " * (-len(content) % 80)

    def header(name: str, numbers: str) -> bytes:
        return f"HEADER RECORD*******{name:<8}HEADER RECORD!!!!!!!{numbers}".encode().ljust(80)

    stamp = b"01JAN15:00:00:00"
    real = b"SAS     SAS     SASLIB  9.3     W32_7PRO".ljust(64) + stamp
    member = b"SAS     DATA    SASDATA 9.3     W32_7PRO".ljust(64) + stamp
    names, position = b"", 0
    for number, (name, width) in enumerate(columns.items(), start=1):
        kind = 2 if width < 0 else 1
        fields = struct.pack(">hhhh", kind, 0, abs(width), number) + name.encode().ljust(8) + bytes(68)
        names += fields + struct.pack(">i", position) + bytes(52)
        position += abs(width)
    data = b""
    for row in rows:
        for value, width in zip(row, columns.values(), strict=True):
            data += value.encode().ljust(-width) if isinstance(value, str) else ibm(value, width)
    return b"".join(
        (
            header("LIBRARY", "0" * 30), real, stamp.ljust(80),
            header("MEMBER", "000000000000000001600000000140"), header("DSCRPTR", "0" * 30), member, stamp.ljust(80),
            header("NAMESTR", f"000000{len(columns):04d}00000000000000000000"), fill(names),
            header("OBS", "0" * 30), fill(data),
        )
    )  # fmt: skip


def write_nhanes(folder: Path) -> None:
    """Two people of 2011 with four minutes each, of which one was not worn and one not computed; one of 2005."""
    folder.mkdir(exist_ok=True)
    minutes = {"SEQN": 8, "PAXSSNMP": 8, "PAXMTSM": 8, "PAXLXMM": 4, "PAXPREDM": 8, "PAXQFM": 8}
    week = [(0, 12.5, 100, 1, 0), (4800, 0.0, 0, 3, 0), (9600, -0.01, 0, 1, 1), (14400, 3.25, 0, 2, 0)]
    rows = [(person, *minute) for person in (62161, 62164) for minute in week]
    (folder / "PAXMIN_G.XPT").write_bytes(transport(minutes, rows))
    starts = {"SEQN": 8, "PAXFDAY": -1, "PAXFTIME": -8}
    (folder / "PAXHD_G.XPT").write_bytes(
        transport(starts, [(62161, "3", "14:30:00"), (62163, "", ""), (62164, "7", "08:00:00")])
    )
    people = {"SEQN": 8, "RIAGENDR": 8, "RIDAGEYR": 8}
    (folder / "DEMO_G.XPT").write_bytes(transport(people, [(62161, 1, 22), (62164, 2, None)]))
    raw = dict.fromkeys(("SEQN", "PAXSTAT", "PAXCAL", "PAXDAY", "PAXN", "PAXHOUR", "PAXMINUT", "PAXINTEN"), 8)
    rows = [(31128, 1, 2, 1, 1 + k, 0, k, count) for k, count in enumerate((166, 27, 32767, 0))]
    (folder / "paxraw_d.xpt").write_bytes(transport(raw, rows))


WRITERS: dict[str, Callable[[Path], None]] = {
    "capture24": write_capture24,
    "daphnet": write_daphnet,
    "harth": write_harth,
    "nhanes": write_nhanes,
    "pamap2": write_pamap2,
    "uci_har": write_uci_har,
    "wisdm": write_wisdm,
}
