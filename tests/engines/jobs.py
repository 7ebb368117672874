"""Work for the tests of engines: squares, with mishaps on the way."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from wearfm.errors import BadRecording


def square(unit: int) -> int:
    return unit * unit


def refuse(unit: int) -> int:
    raise BadRecording(f"{unit}.edf", 7, "torn")


def process(_: int) -> int:
    return os.getpid()


@dataclass(frozen=True)
class DieOnce:
    """Squares; the process dies at the first sight of one unit, as if memory had run out, and always at that of another."""

    folder: Path
    once: int = -1
    always: int = -1

    def __call__(self, unit: int) -> int:
        mark = self.folder / f"seen {unit}"
        if unit == self.always or (unit == self.once and not mark.exists()):
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return unit * unit
