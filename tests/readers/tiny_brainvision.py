"""A tiny BrainVision recording."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

SAMPLES = np.array([[1, 10], [2, -20], [3, 30], [4, -40], [5, 50], [6, -60]])  # a column for each channel
MARKERS = ("New Segment,,1,1,0,20130113161403794232", "Stimulus,S  1,3,1,0", "Comment,eyes\\1 open,4,2,0")


def header(
    name: str,
    *,
    form: str = "INT_16",
    orientation: str = "MULTIPLEXED",
    order: str = "NO",
    channels: Sequence[str] = ("Fp1,,0.5,µV", "ECG\\1 chest,,0.001,mV"),
    interval_us: str = "4000",
    data_file: str = "",
    points: int | None = 6,
    data_format: str = "BINARY",
) -> str:
    """The lines of a header."""
    rows = "".join(f"Ch{number}={text}\n" for number, text in enumerate(channels, start=1))
    count = f"DataPoints={points}\n" if points is not None else ""
    return (
        "Brain Vision Data Exchange Header File Version 1.0\n; made by hand\n\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={data_file or name + '.eeg'}\nMarkerFile={name}.vmrk\nDataFormat={data_format}\n"
        f"DataOrientation={orientation}\n"
        f"NumberOfChannels={len(channels)}\n{count}SamplingInterval={interval_us}\n\n[Binary Infos]\nBinaryFormat={form}\n"
        f"UseBigEndianOrder={order}\n\n[Channel Infos]\n{rows}"
    )


def write(
    folder: Path,
    name: str = "rest",
    *,
    kind: str = "<i2",
    markers: Sequence[str] = MARKERS,
    samples: np.ndarray = SAMPLES,
    **changes: str,
) -> Path:
    """Header, samples and markers."""
    path = folder / f"{name}.vhdr"
    path.write_text(header(name, **changes), encoding="utf-8")  # type: ignore[arg-type]
    turned = samples.T if changes.get("orientation") == "VECTORIZED" else samples
    (folder / f"{name}.eeg").write_bytes(np.ascontiguousarray(turned).astype(kind).tobytes())
    rows = "".join(f"Mk{number}={text}\n" for number, text in enumerate(markers, start=1))
    start = "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Marker Infos]\n"
    (folder / f"{name}.vmrk").write_text(start + rows)
    return path


def write_brainvision(folder: Path) -> Path:
    """Six samples of two channels at 250 Hz."""
    return write(folder)
