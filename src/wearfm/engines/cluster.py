"""Ray: units run as its tasks, on a cluster that is there or on one that is started here for the time being.

All nodes must see the same files under the same names, and have the same wearfm installed. Ray itself runs a task again
whose worker died, and takes fewer at a time when memory runs out.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar

from wearfm.engines.order import in_order
from wearfm.errors import BadConfiguration, MissingExtra, WearfmError

MOST_RETRIES = 3  # of a task whose worker died
Unit = TypeVar("Unit")
Result = TypeVar("Result")


class Ray:
    """Runs units as tasks of Ray, one CPU each.

    workers: CPUs of a cluster that is started here; None for all. A cluster that is there has CPUs of its own. address:
    "" to start one, or to use the one that this process is connected to.
    """

    is_here = False

    def __init__(self, *, workers: int | None, address: str = "") -> None:
        self._ray = _ray()
        self._address = address
        self.workers = workers or os.cpu_count() or 1

    def run(self, work: Callable[[Unit], Result], units: Sequence[Unit], *, sizes: Sequence[int]) -> Generator[Result]:
        """Yield work(unit) of every unit in their order."""
        with self.connected():
            pool = _Pool(self._ray, work)
            try:
                yield from in_order(pool, units, sizes=sizes)
            finally:
                pool.close()

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Be connected to a cluster; leave it at the end if it was joined or started here."""
        ray = self._ray
        if ray.is_initialized():
            yield
            return
        where = {"address": self._address} if self._address else {"address": "local", "num_cpus": self.workers}
        try:
            ray.init(
                **where, include_dashboard=False, log_to_driver=False, configure_logging=False, logging_level=logging.ERROR
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise BadConfiguration(
                f"no Ray cluster at {self._address or 'this machine'} ({error}); start one with ray start --head, or leave out"
                " --ray-address and RAY_ADDRESS"
            ) from error
        try:
            yield
        finally:
            ray.shutdown()


class _Pool:
    """Tasks that are on their way."""

    def __init__(self, ray: Any, work: Callable[[Any], Any]) -> None:
        self._ray = ray
        self._work = ray.put(work)
        self._task = ray.remote(num_cpus=1, max_retries=MOST_RETRIES)(_call)
        self._open: set[Any] = set()

    def submit(self, unit: Any) -> Any:
        reference = self._task.remote(self._work, unit)
        self._open.add(reference)
        return reference

    def take(self, handle: Any) -> Any:
        try:
            result, error = self._ray.get(handle)
        except (self._ray.exceptions.WorkerCrashedError, self._ray.exceptions.OutOfMemoryError) as died:
            raise WearfmError(
                f"a worker of Ray died {MOST_RETRIES + 1} times over the same work; all that was committed is kept:"
                " rerun, on nodes with more memory if it ran out"
            ) from died
        self._open.discard(handle)
        if error is not None:
            raise error
        return result

    def close(self) -> None:
        """Give up what is not finished."""
        for reference in self._open:
            self._ray.cancel(reference, force=True)
        self._open.clear()


def _call(work: Callable[[Any], Any], unit: Any) -> tuple[Any, WearfmError | None]:
    """Return the result of a unit, or the error that says what is wrong with it, as it is."""
    try:
        return work(unit), None
    except WearfmError as error:
        return None, error


def _ray() -> Any:
    """Return the module; MissingExtra names the pip command."""
    try:
        return import_module("ray")
    except ImportError:
        raise MissingExtra("ray", "ray") from None
