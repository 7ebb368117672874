"""Kill child processes at random moments, as a power cut or an impatient cluster would."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
READY = "ready"  # the line that a child prints when its imports are done and its work begins

MakeCommand = Callable[[int], Sequence[str]]


def num_kills(*, share: int = 3) -> int:
    """Return how many kills this machine has time for: WEARFM_KILLS (default 60), divided among that many tests."""
    return max(1, int(os.environ.get("WEARFM_KILLS", "60")) // share)


def environment() -> dict[str, str]:
    """Return the environment in which a child finds the package and the tests."""
    paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


def run_to_end(command: Sequence[str]) -> float:
    """Run a child undisturbed; return the seconds from its "ready" to its end."""
    with _start(command) as child:
        begin = _await_ready(child)
        code = child.wait()
        assert code == 0, f"{list(command)} ended with {code}"
        return time.monotonic() - begin


def kill_at_random(
    make_command: MakeCommand, *, tries: int, seed: int, work_s: float, after_each: Callable[[int], None]
) -> int:
    """Start `make_command(k)` for k = 0 .. tries - 1, kill -9 each at a random moment of its work, and then call after_each(k).

    work_s: how long the undisturbed work takes (`run_to_end`); moments are uniform in it. Returns how many children
    were killed before their own end, for the caller to see that the kills did land.
    """
    rng = np.random.default_rng(seed)
    landed = 0
    for number in range(tries):
        with _start(make_command(number)) as child:
            _await_ready(child)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=rng.uniform(0.0, work_s))
            landed += child.poll() is None
            _kill(child)
        after_each(number)
    return landed


def _start(command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, start_new_session=True, bufsize=1
    )


def _await_ready(child: subprocess.Popen[str]) -> float:
    assert child.stdout is not None, "the child was started with a pipe"
    line = child.stdout.readline().strip()
    assert line == READY, f"the child said {line!r} instead of {READY!r}; its error output is above"
    return time.monotonic()


def _kill(child: subprocess.Popen[str]) -> None:
    """Kill the child itself first, so that its own children see it die, and then whatever is left of its group."""
    child.kill()
    child.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
