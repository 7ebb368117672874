"""Tiny tables of a Muse headband."""

from __future__ import annotations

from pathlib import Path

NAMES = ("TimeStamp", "Alpha_TP9", "RAW_TP9", "RAW_AF7", "AUX_RIGHT", "Accelerometer_X", "HeadBandOn", "Battery", "Elements")


def stamp(milliseconds: int) -> str:
    """A wall-clock time on 5 April 2021."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"2021-04-05 15:48:{seconds:02}.{rest:03}"


def row(milliseconds: int, eeg: float, *, worn: int = 1) -> str:
    """A row of samples."""
    return f"{stamp(milliseconds)},0.5,{eeg},{eeg + 1},{int(eeg)},0.125,{worn},99.5\n"


def element(milliseconds: int, text: str, *, cells: int = 9) -> str:
    """A row of nothing but an element."""
    return stamp(milliseconds) + "," * (cells - 1) + text + "\n"


def write_muse(folder: Path) -> Path:
    """Eight samples in two bursts of four, with a blink between them; 15.6 ms are four samples."""
    path = folder / "museMonitor.csv"
    samples = [row(4000 + 16 * (k // 4) + k % 4, 800.5 + k) for k in range(8)]
    path.write_text(
        ",".join(NAMES) + "\n" + "".join(samples[:4]) + element(4005, "/muse/elements/blink") + "".join(samples[4:])
    )
    return path
