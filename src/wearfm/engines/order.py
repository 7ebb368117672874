"""The order of results: units run at the same time, and what came of them is handed over as they were given.

units    1  2  HUGE  4  5  6  7 ...
started  HUGE first, then 1 2 4 5 6 7 ...       a huge unit at the end would keep one worker busy, and the others idle
results  1  2  HUGE  4  5 ...                   4, 5 ... may wait for it: as many as AHEAD_BYTES of sources
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from typing import Any, Protocol, TypeVar

AHEAD_BYTES = 2**33  # of sources in work or done and not handed over yet: what may lie staged on the disk
HUGE_BYTES = 2**28
_UNIT_BYTES = 2**20  # what a unit counts for at least

Unit_contra = TypeVar("Unit_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Pool(Protocol[Unit_contra, Result_co]):
    """Workers that take units."""

    def submit(self, unit: Unit_contra) -> Any:
        """Hand a unit over; return what `take` knows it by."""

    def take(self, handle: Any) -> Result_co:
        """Wait for a unit and return its result."""


def in_order(pool: Pool[Unit_contra, Result_co], units: Sequence[Unit_contra], *, sizes: Sequence[int]) -> Generator[Result_co]:
    """Yield the result of every unit, in their order. sizes: bytes of sources of each."""
    waiting: deque[tuple[Any, int]] = deque()
    given, ahead = 0, 0
    while given < len(units) or waiting:
        first = given
        while given < len(units) and (ahead < AHEAD_BYTES or (not waiting and given == first)):
            ahead += max(sizes[given], _UNIT_BYTES)
            given += 1
        handles = {number: pool.submit(units[number]) for number in sorted(range(first, given), key=_urgency(sizes))}
        waiting.extend((handles[number], max(sizes[number], _UNIT_BYTES)) for number in range(first, given))
        handle, size = waiting.popleft()
        yield pool.take(handle)
        ahead -= size


def _urgency(sizes: Sequence[int]) -> Any:
    """Return a key that puts huge units first, the largest of them before the others, and leaves the rest in order."""
    return lambda number: (-sizes[number] if sizes[number] >= HUGE_BYTES else 0, number)
