"""The log of a run: one JSON line a log step, and TensorBoard event files if asked for.

{"step": 20, "epoch": 0, "loss": 0.41, "reconstruction": 0.41, "learning_rate": 0.001, ...}
{"step": 20, "val_loss": 0.44, "val_reconstruction": 0.44}
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from wearfm.errors import DamagedStore, MissingExtra
from wearfm.store.disk import failures_named
from wearfm.training.durable import replace_file

LOG = "log.jsonl"  # in the folder of the run
Line = Mapping[str, float]
Progress = Callable[[Line], None]


class Log:
    """Appends lines to `log.jsonl`; lines of steps that a resumed run computes again are dropped first."""

    def __init__(self, folder: Path, *, from_step: int, tensorboard: bool) -> None:
        self.path = folder / LOG
        kept = [line for line in read_log(self.path) if line["step"] <= from_step] if self.path.exists() else []
        replace_file(self.path, "".join(json.dumps(line) + "\n" for line in kept).encode())
        self._events = _event_writer(folder, from_step) if tensorboard else None
        with failures_named(self.path, size=0):
            self._file = self.path.open("a", encoding="utf-8")

    def write(self, line: Line) -> None:
        """Append one line and hand it to the system at once."""
        text = json.dumps(dict(line)) + "\n"
        with failures_named(self.path, size=len(text)):
            self._file.write(text)
            self._file.flush()
        for name, value in line.items():
            if self._events is not None and name != "step":
                self._events.add_scalar(name, value, global_step=int(line["step"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with failures_named(self.path, size=0):
            self._file.close()
        if self._events is not None:
            self._events.close()


def read_log(path: Path) -> list[dict[str, float]]:
    """Return the lines of a log; a last line that a crash cut off is left out."""
    lines = path.read_text(encoding="utf-8").split("\n")
    whole = lines[:-1]  # text after the last newline was cut off
    try:
        return [json.loads(line) for line in whole]
    except ValueError as error:
        raise DamagedStore(f"{path}: a line is no JSON ({error}); move the file away to go on without it") from error


def _event_writer(folder: Path, from_step: int) -> Any:
    if importlib.util.find_spec("tensorboard") is None:
        raise MissingExtra("tensorboard", "track")
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder / "events", purge_step=from_step + 1)
