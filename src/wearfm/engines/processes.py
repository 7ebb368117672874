"""Worker processes of this machine. They end with their parent, and are replaced when they die."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any, TypeVar

from wearfm.engines.order import in_order
from wearfm.errors import WearfmError

MOST_DEATHS = 3  # of workers, without a result in between
Unit = TypeVar("Unit")
Result = TypeVar("Result")

_work: Callable[[Any], Any]  # of this worker process


class Processes:
    """Runs units in as many processes as there are workers."""

    is_here = True

    def __init__(self, *, workers: int) -> None:
        self.workers = workers

    def run(self, work: Callable[[Unit], Result], units: Sequence[Unit], *, sizes: Sequence[int]) -> Generator[Result]:
        """Yield work(unit) of every unit in their order."""
        pool = _Pool(work, min(self.workers, max(len(units), 1)))
        try:
            yield from in_order(pool, units, sizes=sizes)
        finally:
            pool.close()


class _Pool:
    """A pool that outlives its processes: after a death it starts anew with half of them, for memory may have run out."""

    def __init__(self, work: Callable[[Any], Any], workers: int) -> None:
        self._work = work
        self._workers = workers
        self._executor = self._start()
        self._open: dict[int, tuple[Any, Future[Any]]] = {}
        self._count = self._deaths = 0

    def submit(self, unit: Any) -> int:
        self._count += 1
        self._open[self._count] = unit, Future()
        try:
            self._open[self._count] = unit, self._executor.submit(_call, unit)
        except BrokenProcessPool as error:
            self._revive(error)
        return self._count

    def take(self, handle: int) -> Any:
        while True:
            try:
                result = self._open[handle][1].result()
            except BrokenProcessPool as error:
                self._revive(error)
            else:
                del self._open[handle]
                self._deaths = 0
                return result

    def close(self) -> None:
        self._executor.shutdown(cancel_futures=True)

    def _revive(self, error: BrokenProcessPool) -> None:
        """Start again, and hand over again what was not finished."""
        self._deaths += 1
        self._executor.shutdown(cancel_futures=True)
        if self._deaths >= MOST_DEATHS:
            raise WearfmError(
                f"worker processes died {self._deaths} times over the same work; all that was committed is kept:"
                " rerun, with fewer workers if memory ran out"
            ) from error
        self._workers = max(1, self._workers // 2)
        self._executor = self._start()
        for handle, (unit, future) in self._open.items():
            if not _is_finished(future):
                self._open[handle] = unit, self._executor.submit(_call, unit)

    def _start(self) -> ProcessPoolExecutor:
        spawning = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._workers, mp_context=spawning, initializer=_begin, initargs=(self._work,))


def _is_finished(future: Future[Any]) -> bool:
    """Return whether there is a result, or an error that the work itself raised."""
    return future.done() and not future.cancelled() and not isinstance(future.exception(), BrokenProcessPool)


def _begin(work: Callable[[Any], Any]) -> None:
    """Take the work of this process, and end it as soon as the process that started it is gone, however it went."""
    global _work
    _work = work
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"

    def watch(sentinel: int) -> None:
        with suppress(OSError):
            wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, args=(parent.sentinel,), daemon=True).start()


def _call(unit: Any) -> Any:
    return _work(unit)
