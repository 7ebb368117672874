"""A tiny folder of the Polar Sensor Logger, written by hand."""

from __future__ import annotations

import gzip
from pathlib import Path

FIRST_NS = 704_201_974_000_000_000  # the sensor's clock: 2022-04-25 11:39:34
POLAR = {
    "Polar_Sense_ACC.txt": "Phone timestamp;sensor timestamp [ns];X [mg];Y [mg];Z [mg]\n"
    + "".join(f"2022-04-25T11:39:36.{20 * k:03d};{FIRST_NS + 20_000_000 * k};{k};{1000 - k};-5\n" for k in range(6)),
    "Polar_Sense_PPG.txt": "Phone timestamp;sensor timestamp [ns];channel 0;ambient\n"
    + "".join(f"2022-04-25T11:39:37.{20 * k:03d};{FIRST_NS + 20_000_000 * k};{70_000 + k};-{k};\n" for k in range(6)),
    "Polar_Sense_HR.txt": "Phone timestamp;HR [bpm]\n2022-04-25T11:39:37.000;66\n2022-04-25T11:39:38.000;0\n",
    "Polar_Sense_PPI.txt": "Phone timestamp;PP-interval [ms];error estimate [ms];blocker;contact;contact;hr [bpm]\n"
    "2022-04-25T11:39:38.000;900;10;0;1;1;66\n2022-04-25T11:39:39.000;1000;20;1;1;1;60\n2022-04-25T11:39:40.000;800;9;0;0;1;70\n",
    "MARKER.txt": "Phone timestamp;Marker start/stop\n2022-04-25T11:39:36.050;MARKER_START \n",
}


def write_polar(folder: Path) -> Path:
    """Six samples of acceleration and PPG at 50 Hz, a heart rate, an interval and a marker."""
    path = folder / "P07"
    path.mkdir()
    for name, text in POLAR.items():
        (path / name).write_text(text)
    (path / "Polar_Sense_PPG.txt").unlink()
    (path / "Polar_Sense_PPG.txt.gz").write_bytes(gzip.compress(POLAR["Polar_Sense_PPG.txt"].encode(), mtime=0))
    return path
