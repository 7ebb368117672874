"""A tiny table of a Shimmer unit, as Consensys exports it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

NAMES = ("Timestamp_Unix_CAL", "Accel_LN_X_CAL", "GSR_Skin_Conductance_CAL", "GSR_Range_CAL", "PPG_A13_CAL", "PPG_A13_RAW")
UNITS = ("ms", "m/(s^2)", "uS", "no_units", "mV", "no_units")
ROWS = tuple((1_600_000_000_000 + 200 * k, 9.80665 * (k % 2), 2.5, 2, 1500.5 + k, 2000 + k) for k in range(6))


def table(
    names: Sequence[str] = NAMES,
    units: Sequence[str] = UNITS,
    rows: Sequence[Sequence[float]] = ROWS,
    *,
    delimiter: str = ";",
    device: str = "Shimmer_40AC_",
    separator: bool = True,
) -> str:
    """The lines of a table; each ends with the separator."""
    lines = [[device + name for name in names], units, *[[repr(cell) for cell in row] for row in rows]]
    first = f'"sep={delimiter}"\n' if separator else ""
    return first + "".join(delimiter.join(line) + delimiter + "\n" for line in lines)


def write_shimmer(folder: Path) -> Path:
    """Six samples at 5 Hz; the event marker is a whole number."""
    path = folder / "session.csv"
    names, units = (*NAMES, "Ext_Exp_A7_CAL"), (*UNITS, "mV")
    path.write_text(table(names, units, [(*row, k) for k, row in enumerate(ROWS)]))
    return path
