"""Apple Health: an export of any size is read at a steady rate and in bounded memory.

    python -m benchmarks.phones --megabytes 3000      # how much memory the process ever took

The export is drawn: two years of a watch and a phone, records as long as those of a real one. Memory is measured in a
process of its own that does nothing else but read.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from benchmarks.row import Row

START_S = 1_577_836_800  # 2020-01-01
DEVICE = (
    "&lt;&lt;HKDevice: 0x2827{code:05x}&gt;, name:Apple Watch, manufacturer:Apple, model:Watch, hardware:Watch6,2,"
    " software:8.3&gt;"
)
KINDS = (
    ("HeartRate", "count/min"),
    ("ActiveEnergyBurned", "kcal"),
    ("BasalEnergyBurned", "kcal"),
    ("StepCount", "count"),
    ("DistanceWalkingRunning", "km"),
)
LIMIT_MB = 500


def write_export(path: Path, *, megabytes: float, generator: np.random.Generator) -> int:
    """Write an export of about that size and return its number of records."""
    written, count, second = 0, 0, START_S
    with path.open("w") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<HealthData locale="en_US">\n')
        while written < megabytes * 1e6:
            steps = generator.integers(5, 120, size=10_000)
            lines = []
            for place, step in enumerate(steps.tolist()):
                lines.append(_record(second, step, place))
                second += step if place % 5 == 4 else 0
            text = "".join(lines)
            written += file.write(text)
            count += len(lines)
        file.write("</HealthData>\n")
    return count


def _record(second: int, lasts: int, place: int) -> str:
    kind, unit = KINDS[place % len(KINDS)]
    offset = 2 if second // 15_768_000 % 2 else 1
    start, stop = (
        time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at + 3600 * offset)) + f" +0{offset}00"
        for at in (second, second + lasts)
    )
    head = f' <Record type="HKQuantityTypeIdentifier{kind}" sourceName="Apple Watch" sourceVersion="8.3"'
    device = DEVICE.format(code=place)
    dates = f'creationDate="{stop}" startDate="{start}" endDate="{stop}"'
    inner = '>\n  <MetadataEntry key="HKMetadataKeyHeartRateMotionContext" value="1"/>\n </Record>\n'
    return (
        f'{head} device="{device}" unit="{unit}" {dates} value="{20 + place % 100}"{inner if unit == "count/min" else "/>"}\n'
    )


def peak(path: Path) -> tuple[float, float, int]:
    """Return MB that a process took at most, CPU seconds, and recordings, of reading the file and dropping it."""
    code = (
        "import resource, sys, time; from wearfm.readers import read; start = time.process_time();"
        "count = sum(1 for _ in read(sys.argv[1]));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, time.process_time() - start, count)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    megabytes, seconds, count = done.stdout.split()
    return float(megabytes), float(seconds), int(count)


def iterparse(path: Path) -> int:
    """What most scripts do: iterate over elements, look at their attributes and forget them."""
    seen = 0
    for _, element in ElementTree.iterparse(path):
        seen += element.tag == "Record" and bool(element.attrib["startDate"])
        element.clear()
    return seen


def apple_row(megabytes: float = 300.0) -> Row:
    """Return the row of records a second, and the peak of memory in its note."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "export.xml"
        count = write_export(path, megabytes=megabytes, generator=np.random.default_rng(0))
        memory, ours, _ = peak(path)
        start = time.process_time()
        iterparse(path)
        theirs = time.process_time() - start
    return Row(
        name=f"Apple Health, {megabytes:g} MB",
        reference="xml.etree iterparse, attributes looked at",
        ours=count / ours / 1e3,
        reference_value=count / theirs / 1e3,
        unit="1000 records/s",
        ratio=theirs / ours,
        target=">= 0.5x",
        limit=f"{LIMIT_MB} MB of memory",
        met=memory < LIMIT_MB and count / ours > 1e6 / 15,
        note=f"{count} records, {ours:.1f} s, at most {memory:.0f} MB",
    )


BENCHMARKS = (apple_row,)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=300.0)
    print(apple_row(parser.parse_args().megabytes))
