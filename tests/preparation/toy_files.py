"""Small files of our own format, and a reader for them: one line of JSON a recording. Also a program, for the kill tests."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.recordings import channel, recording
from wearfm.errors import BadRecording, UnknownFormat
from wearfm.signals.recording import Events, Recording


def write_file(path: Path, *names: str, seed: int = 0, samples: int = 50) -> Path:
    """Write a file with one recording per name, of the participant that the file is named after."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"name": name, "seed": seed + k, "samples": samples}) for k, name in enumerate(names)]
    path.write_text("\n".join(lines))
    return path


def read_file(path: Path) -> Iterator[Recording]:
    """Yield the recordings of a file; a line "broken" is a fault at that place."""
    offset = 0
    for line in path.read_text().split("\n"):
        if line == "broken":
            raise BadRecording(path, offset, "a torn line")
        if not line.startswith("{"):
            raise UnknownFormat(f"{path.name} is not a toy file")
        offset += len(line) + 1
        yield make(path.stem, **json.loads(line))


def read_and_die_once(path: Path) -> Iterator[Recording]:
    """Yield the recordings of a file; the first who reads past the first one of "p2" is killed, as when memory runs out."""
    mark = path.parent.parent / "died"
    for number, one in enumerate(read_file(path)):
        if path.stem == "p2" and number == 1 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        yield one


def make(participant: str, name: str, seed: int, samples: int) -> Recording:
    """Make a recording out of a few numbers."""
    rng = np.random.default_rng(seed)
    ppg = channel(rng.integers(-99, 99, samples), gaps=[(5, 7)])
    temp = channel(rng.normal(33.0, 0.1, samples // 4), name="TEMP", modality="temp", rate_hz=2.5)
    beats = Events.of([("beat", int(at), 0, "N", 0.8) for at in rng.integers(0, 10**9, 3)])
    return recording(participant, name, ppg, temp, events=beats, age_years=float(rng.integers(20, 80)))


def main(source: str, store: str, workers: str) -> None:
    """Prepare, every source on its own, as a child process that is going to be killed."""
    from wearfm.preparation import prepare, work

    work.UNIT_BYTES = 1
    sys.stdout.write("ready\n")
    prepare([source], store, workers=int(workers), read=read_file)


if __name__ == "__main__":
    main(*sys.argv[1:])
