"""MIT annotation files (.atr, .qrs ...): 16-bit words of a code (6 bits) and a step in samples (10 bits).

    code 59 SKIP   a longer step follows in two words, high word first
    code 60 NUM, 61 SUB, 62 CHN   set fields of the annotation; 63 AUX   so many bytes of text follow, padded to even
    word 0         the end

Moody, WFDB Applications Guide, annot(5).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from wearfm.errors import BadRecording

_SYMBOLS = ' NLRaVFJASEj/Q~ | sT*D"=pB^t+u?![]en@xf()r'
SYMBOL = {code: letter for code, letter in enumerate(_SYMBOLS) if letter != " "}
RHYTHM, COMMENT = 28, 22
_SKIP, _NUM, _SUB, _CHN, _AUX = 59, 60, 61, 62, 63
_RESOLUTION = re.compile(r"## time resolution: (\d{1,9}(?:\.\d{0,9})?)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One annotation. sample: at the file's time resolution. text: what AUX holds."""

    sample: int
    code: int
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Marks:
    """The annotations of a file. rate_hz: its own time resolution, None if it is the record's. is_cut: no end word."""

    rows: tuple[Mark, ...]
    rate_hz: float | None
    is_cut: bool


def parse_marks(path: Path, raw: bytes) -> Marks:
    """Return the annotations in the bytes of a file."""
    rows: list[Mark] = []
    sample, position, is_cut = 0, 0, True
    while position + 2 <= len(raw):
        code, step = _word(raw, position)
        position += 2
        if code == 0 and step == 0:
            is_cut = False
            break
        if code == _SKIP:
            if position + 4 > len(raw):
                break
            high, low = struct.unpack_from("<HH", raw, position)
            sample += ((high << 16 | low) ^ 0x80000000) - 0x80000000
            position += 4
        elif code == _AUX:
            text = raw[position : position + step].decode("utf-8", errors="replace").strip("\x00 ")
            position += step + step % 2
            if rows:
                rows[-1] = Mark(sample=rows[-1].sample, code=rows[-1].code, text=text)
        elif code not in (_NUM, _SUB, _CHN):
            sample += step
            rows.append(Mark(sample=sample, code=code))
    _check(path, rows)
    return _with_resolution(rows, is_cut=is_cut)


def _word(raw: bytes, position: int) -> tuple[int, int]:
    word = raw[position] | raw[position + 1] << 8
    return word >> 10, word & 0x3FF


def _check(path: Path, rows: list[Mark]) -> None:
    unknown = next((row for row in rows if row.code > 49), None)
    if unknown is not None:
        raise BadRecording(path, 0, f"annotation code {unknown.code} does not exist; this is not an annotation file")


def _with_resolution(rows: list[Mark], *, is_cut: bool) -> Marks:
    """Return the annotations without the comment at sample 0 that gives their time resolution."""
    found = [match for row in rows if row.code == COMMENT and (match := _RESOLUTION.match(row.text))]
    kept = tuple(row for row in rows if not (row.code == COMMENT and row.text.startswith("## ")))
    rate_hz = float(found[0][1]) if found else 0.0
    return Marks(rows=kept, rate_hz=rate_hz or None, is_cut=is_cut)
