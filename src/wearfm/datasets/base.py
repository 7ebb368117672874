"""A data set: what it is, who may use it, how to cite it, and how its files become recordings."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tokenize import TokenError
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.matlab import load_matlab
from wearfm.readers.matlab_values import Unread
from wearfm.signals.clock import Grid
from wearfm.signals.recording import SECOND, Recording

Row = tuple[str, int, int, str, float]  # of an event: kind, onset_ns, duration_ns, label, value
DAMAGED_ARCHIVE = (  # what numpy and zipfile raise for damaged .npz and .zip
    OSError, EOFError, KeyError, ValueError, TypeError, NotImplementedError, RuntimeError, MemoryError, zipfile.BadZipFile,
    zlib.error, TokenError, SyntaxError,
)  # fmt: skip
NO_CODE = -1  # of a sample that nobody labelled, or that was never measured


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where the publisher keeps files of a data set, and how one knows that they arrived whole.

    kind: "physionet", a release (its SHA256SUMS.txt lists files and hashes); "zenodo" and "figshare", a record or article
    (their interfaces list files, sizes and MD5); "file", one file. url: of the release, record, article or file. only:
    patterns of the members that are wanted, () for all. path: where it lies below the data set's folder, "" for its own
    name. unpack: whether archives are unpacked where they lie. sha256: of a "file", "" where the publisher gives none; then
    the hash of the first download is recorded, and later ones are held against it.
    """

    kind: Literal["physionet", "zenodo", "figshare", "file"]
    url: str
    only: tuple[str, ...] = ()
    path: str = ""
    unpack: bool = True
    sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The card of an open data set, and its reader. The module's docstring is its page.

    name: in code and on the command line. folder: where a collection of data sets usually keeps it. participants: of the
    full set as published. size: of the full download, as the publisher states it ("3.2 GB"), "" if not known. layout: the
    files that `recordings` looks for below its folder, as they lie in the official archive. addresses: where to download it;
    by_hand: what to do where there is no direct address (a form, an account), "" otherwise. recordings: folder ->
    recordings with facts and events, participants named "<name>:<id>". extra: the optional dependency it needs.
    """

    name: str
    title: str
    modalities: tuple[str, ...]
    folder: str
    participants: int
    licence: str
    citation: str
    homepage: str
    recordings: Callable[[Path], Iterator[Recording]]
    layout: str = ""
    size: str = ""
    addresses: tuple[Address, ...] = ()
    by_hand: str = ""
    extra: str = ""


def _line(error: Exception) -> str:
    """Return the message of an error of a library on one line, the file's own text in it cut short."""
    return " ".join(str(error).split())[:300]


def only(paths: Iterator[Path], *, what: str, folder: Path) -> list[Path]:
    """Return the sorted paths; BadConfiguration if there are none."""
    found = sorted(paths)
    if not found:
        raise BadConfiguration(f"{folder} holds no {what}; name the folder into which the data set was unpacked")
    return found


def table(path: Path, *, columns: Collection[str]) -> pa.Table:
    """Return a table (.csv, .csv.gz or .parquet) that has these columns; BadRecording if it is none."""
    try:
        read = parquet.read_table(path) if path.suffix == ".parquet" else pacsv.read_csv(path)
        kinds = dict(zip(read.column_names, read.schema.types, strict=True))
    except (OSError, EOFError, UnicodeDecodeError, pa.ArrowException) as error:
        raise BadRecording(path, 0, f"not a table ({_line(error)})") from error
    garbled = sorted(name for name in (columns or kinds) if pa.types.is_binary(kinds.get(name, pa.null())))
    if garbled:
        raise BadRecording(path, 0, f"column {garbled[0]} holds text that is not UTF-8; save the table as UTF-8")
    missing = sorted(set(columns) - set(read.column_names))
    if missing:
        raise BadRecording(path, 0, f"no column {', '.join(missing)}; it has {', '.join(read.column_names[:8])}")
    return read


def numbers(read: pa.Table, column: str, *, path: Path) -> NDArray[np.float64]:
    """Return a column of a table as numbers, (T,); NaN where it is empty, BadRecording if it holds text."""
    try:
        values = read.column(column).cast(pa.float64())
    except pa.ArrowException as error:
        raise BadRecording(path, 0, f"column {column} does not hold numbers ({_line(error)})") from error
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def variable(path: Path, name: str, *, content: bytes | None = None, record: str = "") -> NDArray[Any]:
    """Return a variable of a MATLAB file of version 4 or 5; BadRecording if it is none, or has none of that name.

    content: the bytes of the file, None to read them. record: what to call it in errors, "" for the file's name.
    """
    try:
        values = load_matlab(path, content=content, names=(name,)).get(name, Unread(shape=(), reason="is not in it"))
    except BadRecording as error:
        raise _no_variable(path, error.offset, record or path.name, name, error.reason) from error
    if isinstance(values, Unread):
        raise _no_variable(path, 0, record or path.name, name, f"it {values.reason}")
    return np.asarray(values)


def _no_variable(path: Path, offset: int, record: str, name: str, reason: str) -> BadRecording:
    return BadRecording(path, offset, f"{record} is no MATLAB file with a variable {name!r} ({reason})")


def number(value: Any, *, path: Path, what: str) -> float:
    """Return a cell as a number; BadRecording if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise BadRecording(path, 0, f"{what} is {str(value)[:40]!r}, not a number") from error


def integers(values: NDArray[np.float64], *, path: Path, what: str) -> NDArray[np.int64]:
    """Return numbers rounded to integers; BadRecording if one is missing or beyond 62 bits."""
    if not (np.abs(values) < 2.0**62).all():
        raise BadRecording(path, 0, f"{what} is missing, or no number, in at least one row; copy the file again")
    return np.rint(values).astype(np.int64)


def middle_of(band: str) -> float:
    """Return the middle of an age band in completed years: 42 of "40-44"; BadConfiguration if it is none."""
    low, _, high = band.partition("-")
    if not (low.isdigit() and high.isdigit()):
        raise BadConfiguration(f"age band {band!r} is not of the form '40-44'; correct the table of participants")
    return (int(low) + int(high)) / 2


def stretches(labels: NDArray[Any]) -> list[tuple[int, int]]:
    """Return the half-open stretches of equal neighbours in per-sample labels, (T,)."""
    changes = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    edges = [0, *changes.tolist(), len(labels)]
    return [(start, stop) for start, stop in pairwise(edges) if stop > start]


def rows(
    path: Path, *, names: Sequence[str], delimiter: str, skip: int = 0, kinds: Mapping[str, pa.DataType] | None = None
) -> tuple[pa.Table, int]:
    """Return a text table that has no head, and how many of its rows had another number of cells and were left out.

    names: of the columns, in order. skip: lines before the first row. kinds: of columns that are not numbers.
    """
    dropped = 0

    def leave_out(_: pacsv.InvalidRow) -> str:
        nonlocal dropped
        dropped += 1
        return "skip"

    kind = dict.fromkeys(names, pa.float64()) | dict(kinds or {})
    try:
        read = pacsv.read_csv(
            path,
            read_options=pacsv.ReadOptions(column_names=list(names), skip_rows=skip, encoding="latin-1"),
            parse_options=pacsv.ParseOptions(delimiter=delimiter, invalid_row_handler=leave_out),
            convert_options=pacsv.ConvertOptions(column_types=kind),
        )
    except (OSError, EOFError, pa.ArrowException) as error:
        raise BadRecording(path, 0, f"not {len(names)} columns of numbers ({_line(error)})") from error
    if len(read) == 0:
        raise BadRecording(path, 0, f"no row of {len(names)} cells; copy the file again")
    return read, dropped


def matrix(path: Path, *, columns: int) -> NDArray[np.float64]:
    """Return numbers in a fixed number of columns between spaces, (N, columns); BadRecording if they are not."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "loadtxt: input contained no data")
            values = np.loadtxt(path, dtype=np.float64, ndmin=2, encoding="latin-1")
    except (OSError, ValueError) as error:
        raise BadRecording(path, 0, f"not columns of numbers ({_line(error)})") from error
    if values.size == 0 or values.shape[1] != columns:
        raise BadRecording(path, 0, f"{len(values)} rows of {values.shape[1]} numbers, not of {columns}; copy the file again")
    return values


def on_axis(grid: Grid, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return codes of stamped samples on their grid, (N,) -> (length,); NO_CODE where nothing was measured."""
    laid = np.full(grid.length, NO_CODE, dtype=np.int64)
    laid[grid.position[grid.keep]] = codes[grid.keep]
    return laid


def spells(
    kind: str, codes: NDArray[np.int64], names: Mapping[int, str], *, rate_hz: float, start_ns: int = 0
) -> Iterator[Row]:
    """Yield an event for every stretch of equal per-sample codes, (T,), whose code has a name."""
    for first, stop in stretches(codes):
        name = names.get(int(codes[first]))
        if name is not None:
            onset, end = (start_ns + round(sample * SECOND / rate_hz) for sample in (first, stop))
            yield kind, onset, end - onset, name, float("nan")
