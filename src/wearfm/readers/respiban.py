"""RespiBAN chest belt: what its channels mean, and the text file that OpenSignals writes of it.

    # OpenSignals Text File Format
    # {"00:07:80:D8:AB:58": {"sensor": ["ECG", ...], "column": ["nSeq", "DI", "CH1", ...], "date": ..., "time": ..., ...}}
    # EndOfHeader
    2  0  32768  ...                                       integers of 16 bits between tabs

Physical values by the formulas of the WESAD readme (Schmidt et al. 2018), with full scale 2^16 and 3 V:

    ECG, EMG    mV = (code / 2^16 - 0.5) * 3             EDA     uS = code / 2^16 * 3 / 0.12
    XYZ         g = (code - 28000) / 10000 * 2 - 1       RESP    % = (code / 2^16 - 0.5) * 100
    TEMP        a thermistor in a divider of 10 kOhm, by the Steinhart-Hart equation
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Series
from wearfm.readers.base import peek
from wearfm.readers.labels import Meaning
from wearfm.readers.stamps import date_ns
from wearfm.signals.recording import SECOND

_FULL, _VOLT = 2**16, 3.0
_OHM = 1e4  # of the divider
_STEINHART = (1.12764514e-3, 2.34282709e-4, 8.77303013e-8)
_LINEAR = {  # sensor -> modality, unit, scale, offset
    "ECG": ("ecg", "mV", _VOLT / _FULL, -_VOLT / 2),
    "EMG": ("emg", "mV", _VOLT / _FULL, -_VOLT / 2),
    "EDA": ("eda", "uS", _VOLT / _FULL / 0.12, 0.0),
    "XYZ": ("acc", "g", 2 / 10_000, -2 * 28_000 / 10_000 - 1),
    "RESP": ("resp", "au", 100 / _FULL, -50.0),
}


@dataclass(frozen=True, kw_only=True)
class Head:
    """What the header says. sensors: of the columns, "" for counters. start_ns: wall clock of the computer."""

    start_ns: int
    rate_hz: float
    columns: tuple[str, ...]
    sensors: tuple[str, ...]


def read_head(path: Path) -> Head:
    """Return the header of an OpenSignals text file; BadRecording if it has none."""
    lines = peek(path).decode("utf-8", errors="replace").split("\n")
    try:
        (device,) = json.loads(lines[1].removeprefix("#")).values()
        columns, sensors = list(device["column"]), list(device["sensor"])
        start_ns = _start_ns(str(device["date"]), str(device["time"]))
        rate_hz = float(device["sampling rate"])
    except (IndexError, ValueError, KeyError, AttributeError, TypeError, BadConfiguration) as error:
        raise BadRecording(path, 0, f"no header of OpenSignals in the second line ({error})") from error
    counters = len(columns) - len(sensors)
    if counters < 0 or not rate_hz > 0:
        raise BadRecording(path, 0, f"{len(columns)} columns for {len(sensors)} sensors at {rate_hz:g} Hz")
    return Head(start_ns=start_ns, rate_hz=rate_hz, columns=tuple(columns), sensors=("",) * counters + tuple(sensors))


def read_codes(path: Path, head: Head) -> dict[str, NDArray[np.int32]]:
    """Return the codes of every sensor by its column, (T,)."""
    names = [*head.columns, "after the last tab"]
    try:
        read = pacsv.read_csv(
            path,
            read_options=pacsv.ReadOptions(column_names=names, skip_rows=3),
            parse_options=pacsv.ParseOptions(delimiter="\t"),
            convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(head.columns, pa.int32())),
        )
    except (OSError, pa.ArrowException) as error:
        raise BadRecording(path, 0, f"not {len(head.columns)} columns of whole numbers, a tab after each ({error})") from error
    wanted = [column for column, sensor in zip(head.columns, head.sensors, strict=True) if sensor]
    if any(read.column(column).null_count for column in wanted):
        raise BadRecording(path, 0, "a cell is empty; copy the file again")
    return {column: read.column(column).to_numpy() for column in wanted}


def series(codes: dict[str, NDArray[np.int32]], sensors: dict[str, str], *, rate_hz: float, start_ns: int) -> Iterator[Series]:
    """Yield the series of channels, by column; three channels XYZ in a row are the axes of one accelerometer."""
    axes = iter("xyz")
    for column, values in codes.items():
        sensor = "RESP" if sensors[column].upper().startswith("RESP") else sensors[column].upper()
        axis = next(axes, "") if sensor == "XYZ" else ""
        label = f"chest acc {axis}" if axis else f"chest {sensor.lower()}"
        if sensor == "TEMP":
            meaning, scale, offset = Meaning(modality="temp", unit="degC", placement="chest"), 1.0, 0.0
            samples: NDArray[np.generic] = celsius(values)
        else:
            modality, unit, scale, offset = _LINEAR.get(sensor, ("other", "au", 1.0, 0.0))
            meaning, samples = Meaning(modality=modality, unit=unit, axis=axis, placement="chest"), values
        yield Series(
            label=label, meaning=meaning, samples=samples, rate_hz=rate_hz, start_ns=start_ns, scale=scale, offset=offset
        )


def celsius(codes: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the temperature of the thermistor, (T,) degrees; NaN at both ends of the scale, where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        volt = codes * _VOLT / (_FULL - 1)
        log_ohm = np.log(_OHM * volt / (_VOLT - volt))
        a, b, c = _STEINHART
        return np.asarray(1 / (a + b * log_ohm + c * log_ohm**3) - 273.15, dtype=np.float32)


def _start_ns(day: str, clock: str) -> int:
    """Return a start on the wall clock: "2017-5-22", "9:39:3.65" (no zeros before a digit, hundredths after the point)."""
    year, month, date = (int(part) for part in day.split("-"))
    hours, minutes, seconds = clock.split(":")
    midnight, _ = date_ns(f"{year:04d}-{month:02d}-{date:02d}")
    return midnight + (int(hours) * 3600 + int(minutes) * 60) * SECOND + round(float(seconds) * SECOND)
