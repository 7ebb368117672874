r"""Annotations of EDF+ and BDF+: time-stamped lists (TALs), and the stamps of the data records that hide in them.

    +180.5 \x15 30 \x14 Sleep stage W \x14 \x00
    onset       duration   text           end          (Kemp & Olivan 2003, section 2.2)

The first list of every record has an empty first text: its onset is when that record begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.readers.base import Bytes

_TAL = re.compile(rb"([+-]\d{1,9}(?:\.\d{0,12})?)(?:\x15(\d{0,9}(?:\.\d{0,12})?))?\x14((?:[^\x00\x14]*\x14)*)\x00+")


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """One text with its onset, seconds after the start of the file, and duration in seconds (0 if none is given)."""

    onset_s: float
    duration_s: float
    text: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Annotations:
    """All annotations of a file. record_onset_s: (records,) float64, NaN where a record has no stamp."""

    rows: tuple[Annotation, ...]
    record_onset_s: NDArray[np.float64]
    malformed: int


def parse_annotations(signals: list[Bytes]) -> Annotations:
    """Return the annotations in the bytes of the annotation signals, each (records, bytes)."""
    num_records = len(signals[0]) if signals else 0
    onsets = np.full(num_records, np.nan)
    rows: list[Annotation] = []
    malformed = 0
    for which, chunks in enumerate(signals):
        width = chunks.shape[1]
        text = chunks.tobytes()
        for record in range(num_records):
            chunk = text[record * width : (record + 1) * width]
            lists = list(_TAL.finditer(chunk))
            malformed += _count_leftover(chunk, lists)
            if which == 0 and lists and lists[0][3].startswith(b"\x14"):
                onsets[record] = float(lists[0][1])
            rows.extend(_texts(lists))
    return Annotations(rows=tuple(rows), record_onset_s=onsets, malformed=malformed)


def _texts(lists: Iterable[re.Match[bytes]]) -> Iterable[Annotation]:
    for match in lists:
        onset, duration = float(match[1]), float(match[2] or 0) if match[2] != b"." else 0.0
        for text in match[3].split(b"\x14"):
            if text:
                yield Annotation(onset_s=onset, duration_s=duration, text=text.decode("utf-8", errors="replace"))


def _count_leftover(chunk: bytes, lists: list[re.Match[bytes]]) -> int:
    """Return how many stretches of the chunk are neither a list nor padding."""
    edges = [0, *(edge for match in lists for edge in match.span()), len(chunk)]
    between = (chunk[start:stop] for start, stop in zip(edges[::2], edges[1::2], strict=True))
    return sum(1 for piece in between if piece.strip(b"\x00"))
