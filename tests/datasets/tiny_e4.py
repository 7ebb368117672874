"""A tiny session of an Empatica E4, for the data sets that hold some."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def write_e4(folder: Path, *, start: int, seconds: int, tags: list[int], still: Sequence[tuple[int, int]] = ()) -> None:
    """An E4 folder of some seconds: gravity on z, a pulse of 1 Hz, skin at 33 degrees; HR begins 10 s later.

    still: stretches of seconds outside of which the hand moves; () for a hand that never does.
    """
    folder.mkdir(parents=True)
    pulse = "".join(f"{50 * np.sin(2 * np.pi * k / 64):.2f}\n" for k in range(64 * seconds))
    (folder / "BVP.csv.gz").write_bytes(gzip.compress(f"{start}.00\n64.000000\n{pulse}".encode()))
    rests = [not still or any(first <= second < stop for first, stop in still) for second in range(seconds)]
    acc = "".join(("0,0,64\n" if rest else "0,0,40\n0,0,88\n") * (32 if rest else 16) for rest in rests)
    (folder / "ACC.csv").write_text(f"{start}.0, {start}.0, {start}.0\n32.0, 32.0, 32.0\n{acc}")
    for sensor, value in (("EDA", "0.5"), ("TEMP", "33.01")):
        (folder / f"{sensor}.csv").write_text(f"{start}.000000\n4.000000\n" + f"{value}\n" * (4 * seconds))
    (folder / "HR.csv").write_text(f"{start + 10}.000000\n1.000000\n" + "60.0\n" * (seconds - 10))
    (folder / "IBI.csv").write_text(f"{start}.000000, IBI\n2.0,1.0\n")
    (folder / f"tags_{folder.name}.csv").write_text("".join(f"{tag}\n" for tag in tags))
