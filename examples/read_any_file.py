"""Read any recording and say what is in it: channels, gaps, events, and what the reader did.

    python examples/read_any_file.py night.edf
    python examples/read_any_file.py                # a table that this example writes

Formats are recognised by content. Samples keep the integers of their file; `physical()` gives values in the unit.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from wearfm.readers import find, read
from wearfm.signals.recording import Recording

MAPPING = """
participant = "P1"
time = { column = "time", unit = "ms" }
channels.ppg = { modality = "ppg", placement = "finger" }
events.activity = { kind = "activity" }
"""


def write_table(folder: Path) -> Path:
    """Three seconds at 4 Hz, with one second missing and a last row that is out of order."""
    path = folder / "walk.csv"
    rows = [f"{250 * k},{100 + k % 4},{'walk' if k < 6 else 'sit'}" for k in (*range(4), *range(8, 12))]
    path.write_text("time,ppg,activity\n" + "\n".join(rows) + "\n2000,7,sit\n")
    (folder / "walk.csv.toml").write_text(MAPPING)
    return path


def describe(recording: Recording) -> None:
    """Print one recording."""
    print(
        f"{recording.participant} / {recording.name}: {recording.duration_s:g} s, {recording.clock} clock, {recording.source}"
    )
    for channel in recording.channels:
        valid = channel.physical()[channel.mask()]
        span = f"{valid.min():g} to {valid.max():g} {channel.unit}" if len(valid) else "nothing valid"
        print(f"  {channel.name:12} {channel.modality:6} {channel.rate_hz:g} Hz  {channel.samples.dtype}  {span}")
    for kind in sorted(set(recording.events.kind.tolist())):
        print(f"  {len(recording.events.of_kind(kind))} events {kind!r}")
    for reason, samples in recording.quality.reasons().items():
        print(f"  {samples} samples {reason}")
    for note in recording.quality.notes:
        print(f"  note: {note}")


def main(paths: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for path in paths or [str(write_table(Path(folder)))]:
            for source in find(path):
                for recording in read(source):
                    describe(recording)


if __name__ == "__main__":
    main(sys.argv[1:])
