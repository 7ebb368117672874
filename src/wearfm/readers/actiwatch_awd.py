"""The .AWD file of an Actiwatch: seven lines about the recording, then a line for each epoch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, Series
from wearfm.readers.base import load, stem
from wearfm.readers.labels import Meaning
from wearfm.readers.stamps import date_ns, undated
from wearfm.readers.subject import code
from wearfm.signals.recording import SECOND, Clock, Fact, Recording

EPOCH_S = {"1": 15, "2": 30, "4": 60, "8": 120, "20": 300}  # code in the fourth line: quarters of a minute
HEADER_LINES = 7
MOST_AGE = 120
_DATE = re.compile(r"(\d{1,2})-([^\W\d]{3,5})\.?-(\d{4}|\d\d)")
_TIME = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?")
_EPOCH = r"^\s*(?P<count>-?\d{1,9})\s*(?:,\s*(?P<light>-?\d{1,9}(?:[.,]\d{1,9})?))?\s*(?P<marker>[Mm])?\s*$"
_MONTHS = (
    ("jan",), ("feb", "fév", "fev"), ("mar", "mär", "mrt", "mrz"), ("apr", "avr", "abr"), ("may", "mai", "mei", "mag"),
    ("jun", "jui", "giu"), ("jul", "juil", "lug"), ("aug", "aoû", "ago"), ("sep", "set"), ("oct", "okt", "ott", "out"),
    ("nov",), ("dec", "dez", "déc", "dic"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Header:
    """The first seven lines. start_ns: on the wall clock, or in the first day of 1970 if the date cannot be true."""

    name: str
    start_ns: int
    clock: Clock
    epoch_s: int
    facts: dict[str, Fact]


def is_awd(head: bytes) -> bool:
    """Return whether the second to fourth line are a date, a time and the code of an epoch."""
    lines = [line.strip() for line in head[:2000].decode("latin-1").splitlines()[:HEADER_LINES]]
    if len(lines) < HEADER_LINES:
        return False
    return bool(_DATE.fullmatch(lines[1]) and _TIME.fullmatch(lines[2]) and re.fullmatch(r"[0-9A-Fa-f]{1,2}", lines[3]))


def read_awd(path: Path) -> Recording:
    """Return the recording of an .AWD file."""
    content = load(path).tobytes()
    lines = content.split(b"\n", HEADER_LINES)
    header = _header(path, [line.decode("latin-1").strip() for line in lines[:HEADER_LINES]])
    found = Assembly(path=path)
    if header.clock == "relative":
        found.note("the date is before 1980, as of a file made anonymous: only the time of day is kept")
    _add_epochs(found, lines[HEADER_LINES] if len(lines) > HEADER_LINES else b"", header)
    return found.finish(
        participant=code(header.name) or stem(path),
        name=stem(path),
        clock=header.clock,
        device="Actiwatch",
        source=f"actiwatch: {path.name}",
        facts=header.facts,
    )


def _header(path: Path, lines: list[str]) -> Header:
    date, time = _DATE.fullmatch(lines[1]), _TIME.fullmatch(lines[2])
    if date is None or time is None:
        raise BadRecording(path, 0, f"{lines[1]!r}, {lines[2]!r} are no date and time like 01-Oct-2009, 17:00")
    epoch_s = EPOCH_S.get(lines[3])
    if epoch_s is None:
        known = ", ".join(f"{code} ({seconds} s)" for code, seconds in EPOCH_S.items())
        raise BadRecording(path, 0, f"epoch code {lines[3]!r} is none of {known}; export the file with another epoch")
    month = next((k for k, words in enumerate(_MONTHS, 1) if date[2].lower().startswith(words)), 0)
    year = date[3] if len(date[3]) == 4 else f"20{date[3]}"
    try:
        start_ns, _ = date_ns(f"{year}-{month:02d}-{int(date[1]):02d}T{int(time[1]):02d}:{time[2]}:{time[3] or '00'}")
    except BadConfiguration as error:
        raise BadRecording(path, 0, f"{lines[1]!r}, {lines[2]!r}: {error}") from error
    start_ns, clock = undated(start_ns)
    return Header(name=lines[0], start_ns=start_ns, clock=clock, epoch_s=epoch_s, facts=_facts(age=lines[4], sex=lines[6]))


def _facts(*, age: str, sex: str) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    if sex.upper() in ("M", "F"):
        facts["sex"] = sex.upper()
    if age.isdecimal() and 0 < int(age[:4]) <= MOST_AGE:
        facts["age_years"] = float(age)
    return facts


def _add_epochs(found: Assembly, text: bytes, header: Header) -> None:
    """Add counts, light if there ever was any, and markers."""
    lines = pa.array([line.decode("latin-1") for line in text.rstrip().split(b"\n")] if text.strip() else [], pa.string())
    if len(lines) == 0:
        raise BadRecording(found.path, 0, "a header without a line for an epoch")
    parts = pc.extract_regex(lines, _EPOCH)
    missing = np.asarray(parts.is_null())
    if missing.all():
        raise BadRecording(found.path, 0, "no line after the header is a count")
    counts = np.nan_to_num(_numbers(parts.field("count")), nan=0.0).astype(np.int32)
    written = _numbers(parts.field("light"))
    _add(found, "activity", Meaning(modality="counts", unit="count", placement="wrist"), counts, missing, header)
    if np.nanmax(written, initial=0.0) > 0:
        light = Meaning(modality="light", unit="lux", placement="wrist")
        _add(found, "light", light, written.astype(np.float32), missing | np.isnan(written), header)
    marked = np.asarray(pc.equal(pc.utf8_lower(parts.field("marker")), "m").fill_null(False))
    step = header.epoch_s * SECOND
    found.events += [("tag", header.start_ns + row * step, 0, "", float("nan")) for row in np.flatnonzero(marked).tolist()]


def _numbers(column: pa.Array) -> NDArray[np.float64]:
    """Return the numbers of a column with a point or a comma, NaN for an absent one."""
    text = pc.replace_substring(column, ",", ".")
    some = pc.if_else(pc.equal(pc.utf8_length(text), 0), pa.scalar(None, pa.string()), text)
    return np.asarray(some.cast(pa.float64()).fill_null(float("nan")), dtype=np.float64)


def _add(
    found: Assembly, label: str, meaning: Meaning, samples: NDArray[np.generic], missing: NDArray[np.bool_], header: Header
) -> None:
    found.add(
        Series(
            label=label,
            meaning=meaning,
            samples=samples,
            rate_hz=1 / header.epoch_s,
            start_ns=header.start_ns,
            missing=missing,
            missing_reason="a line that is no epoch",
        )
    )
