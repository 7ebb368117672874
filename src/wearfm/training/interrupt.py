"""A polite end: SIGTERM or Ctrl-C finishes the step, writes a checkpoint and returns."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Remembers which signal asked the run to end. name: "" as long as none did."""

    name = ""

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Note the first signal; a second one of the same kind ends the process the hard way."""
        self.name = signal.Signals(number).name
        signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)


@contextmanager
def listening() -> Iterator[Interruption]:
    """Listen to SIGTERM and SIGINT inside the block; elsewhere than in the main thread, to nothing."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, interruption) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
