"""An engine: where units of work run. `processes` on this machine, `ray` on a cluster; the result is the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from typing import Literal, Protocol, TypeVar

from wearfm.engines.cluster import Ray
from wearfm.engines.processes import Processes
from wearfm.errors import BadConfiguration, UnknownName

Unit = TypeVar("Unit")
Result = TypeVar("Result")
EngineName = Literal["processes", "ray"]
ENGINES: tuple[EngineName, ...] = ("processes", "ray")


class Engine(Protocol):
    """Runs units. workers: how many at a time. is_here: whether they run on this machine, with its files and locks."""

    workers: int
    is_here: bool

    def run(self, work: Callable[[Unit], Result], units: Sequence[Unit], *, sizes: Sequence[int]) -> Generator[Result]:
        """Yield work(unit) of every unit in their order; close the generator to stop. sizes: bytes of sources of each.

        Workers that die are replaced and their units done again, up to a point; then a WearfmError. What `work` raises
        is raised here. work and units must pickle.
        """


def choose(name: str, *, workers: int | None, address: str = "") -> Engine:
    """Return an engine by its name. workers: None for one per core. address: of a Ray cluster, "" for RAY_ADDRESS or none."""
    if workers is not None and workers < 1:
        raise BadConfiguration(f"workers {workers} must be at least 1; leave it out for one per core")
    if name not in ENGINES:
        raise UnknownName("engine", name, ENGINES)
    if address and name != "ray":
        raise BadConfiguration(f"a Ray address, {address}, is of no use to engine {name}; add --engine ray")
    if name == "ray":
        return Ray(workers=workers, address=address or os.environ.get("RAY_ADDRESS", ""))
    return Processes(workers=workers or os.cpu_count() or 1)
