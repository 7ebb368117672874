"""Readers against the packages that people use: CPU seconds from a file in the page cache to integers in memory.

The recordings are drawn once: EDF, 8 channels at 256 Hz; WFDB, 2 leads at 360 Hz; a CSV of acceleration at 64 Hz.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import edfio
import numpy as np
import pyarrow.csv
import wfdb

from benchmarks.row import Row, interleave
from wearfm.readers import read

HOURS = 4
SECONDS = 3600 * HOURS


def write_edf(folder: Path, generator: np.random.Generator) -> Path:
    """8 channels at 256 Hz."""
    signals = [
        edfio.EdfSignal(
            generator.normal(0, 50, 256 * SECONDS), 256, label=f"EEG {k}", physical_dimension="uV", physical_range=(-500, 500)
        )
        for k in range(8)
    ]
    path = folder / "night.edf"
    edfio.Edf(signals).write(path)
    return path


def write_wfdb(folder: Path, generator: np.random.Generator, *, form: str) -> Path:
    """2 leads at 360 Hz in format 16 or 212."""
    digital = generator.integers(-900, 900, size=(360 * SECONDS, 2))
    name = f"holter{form}"
    wfdb.wrsamp(
        name, fs=360, units=["mV", "mV"], sig_name=["MLII", "V5"], d_signal=digital, fmt=[form, form], adc_gain=[200.0, 200.0],
        baseline=[0, 0], write_dir=str(folder),
    )  # fmt: skip
    return folder / f"{name}.hea"


def write_csv(folder: Path, generator: np.random.Generator) -> Path:
    """Stamps in ms and three integer axes at 64 Hz."""
    count = 64 * SECONDS
    stamps = 1_700_000_000_000 + np.arange(count) * 1000 // 64
    axes = generator.integers(-2000, 2000, size=(count, 3))
    path = folder / "walk.csv"
    table = pyarrow.table({"time": stamps, **{axis: axes[:, k] for k, axis in enumerate("xyz")}})
    pyarrow.csv.write_csv(table, path)
    channels = {axis: {"modality": "acc", "unit": "mg", "axis": axis} for axis in "xyz"}
    (folder / "walk.csv.json").write_text(json.dumps({"time": {"column": "time", "unit": "ms"}, "channels": channels}))
    return path


def edfio_digital(path: Path) -> object:
    """The int16 samples as edfio gives them."""
    return [signal.digital.copy() for signal in edfio.read_edf(path).signals]


def edfio_round_trip(path: Path) -> object:
    """What most code does: physical float64, and back to int16 for storage."""
    signals = edfio.read_edf(path).signals
    return [
        np.rint((s.data - s.physical_min) / (s.physical_max - s.physical_min) * 65535 - 32768).astype(np.int16) for s in signals
    ]


def wfdb_record(path: Path) -> object:
    """The record as `wfdb.rdrecord` gives it by default."""
    return wfdb.rdrecord(str(path.with_suffix("")))


def rows() -> list[Row]:
    """Return the readers' part of the table."""
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        night = write_edf(folder, generator)
        sixteen, twelve = (write_wfdb(folder, generator, form=form) for form in ("16", "212"))
        walk = write_csv(folder, generator)
        return [
            _row("EDF -> checked int16", night, lambda: edfio_digital(night), "edfio, digital int16, unchecked", ">= 1x"),
            _row("EDF -> checked int16", night, lambda: edfio_round_trip(night), "edfio, float64 and back", ">= 5x"),
            _row("WFDB 16", sixteen, lambda: wfdb_record(sixteen), "wfdb.rdrecord", ">= 4x"),
            _row("WFDB 212", twelve, lambda: wfdb_record(twelve), "wfdb.rdrecord", ">= 3x"),
            _row("CSV -> regular int16", walk, lambda: pyarrow.csv.read_csv(walk), "pyarrow.csv, no time axis", ">= 0.8x"),
        ]


def _row(name: str, path: Path, reference: Callable[[], object], what: str, target: str) -> Row:
    ours, theirs = interleave(lambda: list(read(path)), reference)
    size = path.with_suffix(".dat") if path.suffix == ".hea" else path
    megabytes = size.stat().st_size / 1e6
    ratio = median(theirs) / median(ours)
    spread = f"{min(ours):.3f} to {max(ours):.3f} s against {min(theirs):.3f} to {max(theirs):.3f} s of CPU time"
    return Row(
        name=name,
        reference=what,
        ours=megabytes / median(ours),
        reference_value=megabytes / median(theirs),
        unit="MB/s",
        ratio=ratio,
        target=target,
        limit="one copy of the file in memory",
        met=ratio >= float(target.strip(">= x")),
        note=spread,
    )


BENCHMARKS = (rows,)
