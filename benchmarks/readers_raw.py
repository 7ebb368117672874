"""A week of three axes at 100 Hz out of the raw files of accelerometers: seconds, MB/s and peak memory on one core.

Each file is synthesised once (60 million samples an axis) and read in a process of its own, from the page cache, to checked
integers on a regular axis. The reference is the target of 20 s; beside it stands how long the bytes alone take.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.row import Row
from wearfm.readers import read

RATE_HZ = 100
SECONDS = 7 * 86_400
TARGET_S = 20.0
START_S = 1_704_067_200  # 2024-01-01
REPEATS = 3
Bytes = NDArray[np.uint8]


def write_gt3x(path: Path, *, kind: int, packing: int) -> Path:
    """A record a second of ACTIVITY (kind 0) or ACTIVITY2 (kind 26), in a zip of the given packing."""
    size = RATE_HZ * 36 // 8 if kind == 0 else RATE_HZ * 6
    info = f"Serial Number: TAS1\nSample Rate: {RATE_HZ}\nAcceleration Scale: 256\n"
    with zipfile.ZipFile(path, "w", packing, compresslevel=1) as archive:
        with archive.open("log.bin", "w", force_zip64=True) as log:
            for chunk in _gt3x_records(kind, size):
                log.write(chunk.tobytes())
        archive.writestr("info.txt", info)
    return path


def _gt3x_records(kind: int, size: int) -> Iterator[Bytes]:
    generator = np.random.default_rng(0)
    for start in range(0, SECONDS, 8640):
        records = np.empty((8640, size + 9), dtype=np.uint8)
        records[:, :2] = (0x1E, kind)
        records[:, 2:6] = (START_S + start + np.arange(8640)).astype("<u4").view(np.uint8).reshape(-1, 4)
        records[:, 6:8] = np.array([size], dtype="<u2").view(np.uint8)
        noise = generator.normal(0, 60, (8640, size // 2)).astype("<i2").view(np.uint8)
        records[:, 8:-1] = noise if kind else generator.integers(0, 256, (8640, size), dtype=np.uint8)
        records[:, -1] = ~np.bitwise_xor.reduce(records[:, :-1], axis=1)
        yield records


def write_cwa(path: Path) -> Path:
    """Sectors of 120 packed samples of a sensor that runs at 98.8 Hz."""
    generator = np.random.default_rng(0)
    period_s, count, sectors = 1.2147, 120, RATE_HZ * SECONDS // 120
    with path.open("wb") as file:
        file.write(b"MD\xfc\x03".ljust(1024, b"\xff"))
        for start in range(0, sectors, 8000):
            number = np.arange(start, start + 8000)
            due = number * period_s
            fraction = ((due % 1) * 2**15).astype(np.int64)
            block = np.zeros((8000, 512), dtype=np.uint8)
            words = block.view("<u2")
            block[:, :4] = np.frombuffer(b"AX\xfc\x01", dtype=np.uint8)
            words[:, 2] = fraction | 0x8000
            block[:, 10:14] = number.astype("<u4").view(np.uint8).reshape(-1, 4)
            block[:, 14:18] = _date(due).astype("<u4").view(np.uint8).reshape(-1, 4)
            words[:, 9:11] = (300, 260)
            block[:, 24:26] = (0x4A, 0x30)
            words[:, 13] = (-(fraction * RATE_HZ // 2**15)).astype("<i2").view("<u2")
            words[:, 14] = count
            block[:, 30:510] = generator.integers(0, 2**30, (8000, count)).astype("<u4").view(np.uint8).reshape(8000, -1)
            words[:, 255] = -words[:, :255].sum(axis=1, dtype=np.uint16)
            file.write(block.tobytes())
    return path


def _date(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """CWA time stamps of seconds in January 2024."""
    whole = seconds.astype(np.int64)
    day, rest = whole // 86_400 + 1, whole % 86_400
    return 24 << 26 | 1 << 22 | day << 17 | rest // 3600 << 12 | rest // 60 % 60 << 6 | rest % 60


def write_geneactiv(path: Path) -> Path:
    """Pages of 300 samples as hexadecimal digits."""
    generator = np.random.default_rng(0)
    pages = RATE_HZ * SECONDS // 300
    samples = generator.integers(0, 16, (1000, 3600), dtype=np.uint8)
    samples[:, 11::12] &= 0b1100  # nobody presses the button
    digits = np.frombuffer(b"0123456789ABCDEF", dtype=np.uint8)[samples]
    gains = "".join(f"{axis} gain:25000\r\n{axis} offset:0\r\n" for axis in "xyz")
    with path.open("wb") as file:
        file.write(f"Device Identity\r\nDevice Type:GENEActiv\r\n{gains}Number of Pages:{pages}\r\n\r\n".encode())
        for number in range(pages):
            moment = np.datetime64(START_S + 3 * number, "s").item()
            head = (
                f"Recorded Data\r\nSequence Number:{number}\r\nPage Time:{moment:%Y-%m-%d %H:%M:%S}:000\r\nTemperature:25.0\r\n"
            )
            file.write(f"{head}Measurement Frequency:{RATE_HZ}.0\r\n".encode() + digits[number % 1000].tobytes() + b"\n")
    return path


def measure(path: Path) -> dict[str, float]:
    """Return CPU seconds of reading a file in a process of its own, and the peak of its memory in MB."""
    answer = subprocess.run([sys.executable, "-m", __name__, str(path)], capture_output=True, text=True, check=True).stdout
    return dict(json.loads(answer))


def report(path: Path) -> None:
    """Read a file and print what `measure` returns."""
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.process_time()
    samples = sum(len(recording.channels[0].samples) for recording in read(path))
    assert samples > 0.9 * RATE_HZ * SECONDS
    seconds = time.process_time() - start
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb, "before_mb": before_mb}))


def rows() -> list[Row]:
    """Return the rows of a week in every raw format, one file on the disk at a time."""
    writers = {
        "a week of CWA, packed": write_cwa,
        "a week of GT3X, 16 bits": lambda path: write_gt3x(path, kind=26, packing=zipfile.ZIP_STORED),
        "a week of GT3X, 12 bits, deflated": lambda path: write_gt3x(path, kind=0, packing=zipfile.ZIP_DEFLATED),
        "a week of GENEActiv": write_geneactiv,
    }
    found = []
    for name, write in writers.items():
        with tempfile.TemporaryDirectory() as folder:
            found.append(_row(name, write(Path(folder) / "week")))
    return found


def _row(name: str, path: Path) -> Row:
    start = time.process_time()
    megabytes = _read_bytes(path) / 1e6
    bytes_s = time.process_time() - start
    runs = sorted((measure(path) for _ in range(REPEATS)), key=lambda run: run["seconds"])
    middle = runs[len(runs) // 2]
    seconds = middle["seconds"]
    return Row(
        name=name,
        reference=f"{TARGET_S:g} s on one core",
        ours=seconds,
        reference_value=TARGET_S,
        unit="s",
        ratio=TARGET_S / seconds,
        target=">= 1x",
        limit=f"the bytes alone take {bytes_s:.2f} s",
        met=seconds <= TARGET_S,
        note=(
            f"{megabytes / seconds:.0f} MB/s of {megabytes:.0f} MB; {runs[0]['seconds']:.2f} to {runs[-1]['seconds']:.2f} s of"
            f" CPU time; peak {middle['peak_mb']:.0f} MB with the file's mapped pages, {middle['before_mb']:.0f} MB before it"
        ),
    )


def _read_bytes(path: Path) -> int:
    """Return the number of bytes of a file, each of them read."""
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(2**24):
            size += len(chunk)
    return size


BENCHMARKS = (rows,)

if __name__ == "__main__":
    report(Path(sys.argv[1]))
