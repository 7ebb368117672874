"""Dates and offsets from UTC as people and devices write them, to integers; a time without a zone stays a wall-clock time.

One recording has one offset. A file whose offset changes on the way (summer time, a journey) becomes one recording for
each stretch of equal offset: `stretches`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.signals.clock import clock_of
from wearfm.signals.recording import SECOND, Clock

YEAR_NS = 31_557_600 * SECOND
_OFFSET = re.compile(r"([+-])?(\d{1,2}):?(\d\d)(?::?(\d\d))?")
_LARGEST_OFFSET_S = 14 * 3600  # Line Islands; the smallest is -12 h


def date_ns(text: str, form: str = "") -> tuple[int, int | None]:
    """Return nanoseconds since 1970 and local time minus UTC in seconds, None if the text has no zone.

    With a zone the nanoseconds are UTC, without they are on the wall clock. form: of `datetime.strptime`, "" for ISO 8601.
    BadConfiguration if the text is no such date.
    """
    try:
        moment = datetime.strptime(text.strip(), form) if form else datetime.fromisoformat(text.strip())
        offset = moment.utcoffset()
        zoned = moment if offset is not None else moment.replace(tzinfo=UTC)
        whole = int(zoned.replace(microsecond=0).timestamp())
    except (ValueError, OverflowError):
        example = form or "2024-05-01T08:30:00+02:00"
        raise BadConfiguration(f"{text[:60]!r} is not a date and time; write it as {example}") from None
    return whole * SECOND + zoned.microsecond * 1000, None if offset is None else int(offset.total_seconds())


def undated(start_ns: int) -> tuple[int, Clock]:
    """Return a start on the wall clock as it is, "local"; of a date before 1980 or after 2100 the time of day, "relative".

    Files that were made anonymous carry such dates (1918, 1900).
    """
    if 10 * YEAR_NS <= start_ns < 130 * YEAR_NS:
        return start_ns, "local"
    return start_ns % (86_400 * SECOND), "relative"


def offset_s(text: str) -> int | None:
    """Return an offset from UTC in seconds ("-04:00:00", "+0530", "Z", "UTC+2:00"), None if the text is none."""
    bare = text.strip().upper().removeprefix("UTC").removeprefix("GMT").strip()
    if bare in ("", "Z"):
        return 0 if text.strip() else None
    match = _OFFSET.fullmatch(bare)
    if match is None:
        return None
    seconds = int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4] or 0)
    return (-seconds if match[1] == "-" else seconds) if seconds <= _LARGEST_OFFSET_S else None


def check_date(path: Path, start_ns: int, *, offset: int = 0) -> int:
    """Return a start that is a date from 1980 to 2100; BadRecording for a clock that was never set, or no date at all."""
    try:
        is_date = clock_of(start_ns) == "utc"
    except BadConfiguration:
        is_date = False
    if not is_date:
        raise BadRecording(
            path, offset, f"starts {start_ns / SECOND:.0f} s after 1970, no date from 1980 to 2100; the clock was not set"
        )
    return start_ns


def stretches(offsets_s: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the half-open stretches of rows (N,) in which local time minus UTC stays the same."""
    edges = np.concatenate(([0], np.flatnonzero(np.diff(offsets_s)) + 1, [len(offsets_s)]))
    return [(start, stop) for start, stop in pairwise(edges.tolist()) if stop > start]
