"""GENEActiv: acceleration, light, button and temperature from the .bin of the device.

Activinsights GENEActiv: a text file with a header, and pages of samples as hexadecimal digits; gzipped or not. Recognised by
its first line and the name of the device.

| in the file | in the recording |
|---|---|
| 12 bits each of x, y, z | channels `acc x`, `acc y`, `acc z`: `int16` codes; g = (100 code - offset) / gain of the header |
| 10 bits of light | channel `light`: `int16` codes; times Lux / Volts of the header, lux |
| 1 bit of button | events `tag`, one for each time it is pressed |
| temperature of each page | channel `temp`, `float32` |
| Subject Code, if it is one word | participant; else the name of the file |
| Sex, Height, Weight, Device Location Code | facts, placement |

**Time.** A page tells when its first sample was taken, on the wall clock of the computer that set the device, in ms. With the
header's Time Zone ("GMT +01:00") the recording is in UTC and keeps the offset; without, it is in local time. The clock does
not follow summer time. Samples are counted from page to page, at the rate that the pages show over the whole file; where
a page is missing, or counting and clock come to differ by half a second, the clock decides.

**Broken files.** A page without a date, a frequency or whole hexadecimal digits is dropped and counted. A short page keeps
its whole samples. A number of pages other than the header's is noted. The format has no checksum: a wrong digit is not seen.

**Limits.** Battery voltage is left out; names, dates of birth and notes are never read. The older GENEA (its file begins
with `GENEA/`) is another format, whose layout is not public; it is not recognised.

Source: Activinsights, GENEActiv Instruction Manual, "Understanding .bin files" (version 1.2, 2012).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadRecording
from wearfm.readers.assembly import Assembly, Series, on_grid, printable
from wearfm.readers.base import Bytes, Reader, load, stem
from wearfm.readers.blocks import Part, arrange
from wearfm.readers.labels import Meaning
from wearfm.readers.stamps import offset_s
from wearfm.readers.subject import facts_of, number, place, word
from wearfm.signals.quality_record import Finding
from wearfm.signals.recording import SECOND, Recording

_PAGE = b"Recorded Data"
_PAGE_HEADER = 600  # bytes; genuine ones have some 210
_SAMPLE = 12  # digits
_MOST_DIGITS = 3600 * 16  # genuine pages have 3600
_CHUNK = 2**24
_AT_ONCE = 512  # pages decoded together
_SLACK_S = 0.5
_FASTEST_HZ = 1000.0
_FIRST_YEAR, _LAST_YEAR = 1980, 2099
_TIME = re.compile(rb"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d):(\d{3})")
_HEXADECIMAL = b"0123456789ABCDEFabcdef"
_DIGITS = np.zeros(256, dtype=np.uint8)
_DIGITS[np.frombuffer(_HEXADECIMAL, dtype=np.uint8)] = [*range(16), *range(10, 16)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pages:
    """The pages of a file whose head can be read, (P,) each.

    start, digits: where their samples begin, and how many digits they have. time_ns: of the first sample, on the device's
    clock. number: of the page. temperature: degC, NaN where there is none. lost: samples of all other pages.
    """

    start: NDArray[np.int64]
    digits: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    number: NDArray[np.int64]
    rate_hz: NDArray[np.float64]
    temperature: NDArray[np.float32]
    lost: int

    @property
    def counts(self) -> NDArray[np.int64]:
        """Whole samples in each page."""
        return self.digits // _SAMPLE


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording of a GENEActiv file; a very long one in parts."""
    data = load(path)
    starts = list(_find_pages(data))
    header = _header(bytes(data[: min(starts[0] if starts else len(data), 65_536)]))
    pages, usual_hz = _usual(path, _pages(data, starts))
    offset = offset_s(header.get("time zone", ""))
    time_ns = pages.time_ns - (offset or 0) * SECOND
    follows = np.diff(pages.number, prepend=-2) == 1
    laid = arrange(path, time_ns, pages.counts, rate_hz=usual_hz, slack_s=_SLACK_S, follows=follows)
    notes = (*laid.notes, *_notes(header, pages, len(starts)))
    for count, part in enumerate(laid.parts):
        found = Assembly(path=path, notes=list(notes))
        _add_samples(found, header, data, pages, part, lost=0 if count else pages.lost)
        _add_temperature(found, header, pages.temperature[part.rows], time_ns[part.rows])
        yield found.finish(
            participant=word(header.get("subject code", "")) or stem(path),
            name=stem(path) if count == 0 else f"{stem(path)} part {count + 1}",
            clock="local" if offset is None else "utc",
            utc_offset_s=offset,
            device=printable(f"Activinsights GENEActiv {header.get('device model', '')}"),
            source=f"geneactiv: {path.name}",
            facts=facts_of(header, sex="sex", height_cm="height", weight_kg="weight"),
        )


def recognises(path: Path, head: bytes) -> bool:
    """Return whether this begins with the header of a GENEActiv."""
    return not path.is_dir() and head.startswith(b"Device Identity") and b"GENEActiv" in head[:4096]


def _find_pages(data: Bytes) -> Iterator[int]:
    """Yield where pages begin."""
    for base in range(0, len(data), _CHUNK):
        chunk = bytes(data[base : base + _CHUNK + len(_PAGE) - 1])
        at = chunk.find(_PAGE)
        while at >= 0:
            yield base + at
            at = chunk.find(_PAGE, at + 1)


def _header(text: bytes) -> Mapping[str, str]:
    """Return the header: key in lower case -> value; of a key that comes twice the first counts."""
    fields: dict[str, str] = {}
    for line in text.decode("latin-1").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip().lower(), value.strip())
    return fields


def _pages(data: Bytes, starts: list[int]) -> Pages:
    """Return the pages whose head tells time, number and frequency, and whose samples are hexadecimal digits."""
    rows: list[tuple[int, int, int, int, float, float]] = []
    lost = 0
    view = data.data
    for start, after in pairwise([*starts, len(data)]):
        text = bytes(view[start : min(after, start + _PAGE_HEADER + _MOST_DIGITS)])
        fields, at, digits = _page(text)
        row = _page_row(fields, start + at, digits)
        if row is None or text[at : at + digits].translate(None, _HEXADECIMAL):
            lost += digits // _SAMPLE
        else:
            rows.append(row)
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    return Pages(
        start=np.array(columns[0], dtype=np.int64),
        digits=np.array(columns[1], dtype=np.int64),
        time_ns=np.array(columns[2], dtype=np.int64),
        number=np.array(columns[3], dtype=np.int64),
        rate_hz=np.array(columns[4], dtype=np.float64),
        temperature=np.array(columns[5], dtype=np.float32),
        lost=lost,
    )


def _page(text: bytes) -> tuple[dict[bytes, bytes], int, int]:
    """Return the fields of a page, where its samples begin, and how many digits they have."""
    fields: dict[bytes, bytes] = {}
    at = text.find(b"\n") + 1
    while at and at < _PAGE_HEADER:
        end = text.find(b"\n", at)
        line = text[at : end if end >= 0 else len(text)].rstrip(b"\r")
        key, colon, value = line.partition(b":")
        if not colon:
            return fields, at, len(line)
        fields[key.strip().lower()] = value.strip()
        at = end + 1
    return fields, 0, 0


def _page_row(fields: Mapping[bytes, bytes], start: int, digits: int) -> tuple[int, int, int, int, float, float] | None:
    """Return the row of a page in `Pages`, None if a field that it needs is missing or wrong."""
    time_ns = _time_ns(fields.get(b"page time", b""))
    rate = number(fields.get(b"measurement frequency", b"").decode("latin-1"))
    sequence = fields.get(b"sequence number", b"")
    if time_ns is None or rate is None or not 1 <= rate <= _FASTEST_HZ or digits < _SAMPLE:
        return None
    if not (sequence.isdigit() and len(sequence) <= 12):
        return None
    degrees = number(fields.get(b"temperature", b"").decode("latin-1"))
    return start, digits, time_ns, int(sequence), rate, float("nan") if degrees is None else degrees


def _time_ns(text: bytes) -> int | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{match[1].decode()}T{match[2].decode()}+00:00")
    except ValueError:
        return None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return None
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * SECOND + int(match[3]) * 1_000_000


def _usual(path: Path, pages: Pages) -> tuple[Pages, float]:
    """Return the pages of the most common frequency, and that; the others are dropped."""
    if len(pages.start) == 0:
        raise BadRecording(path, 0, "no page with a date, a frequency and samples")
    usual_hz, _ = Counter(pages.rate_hz.tolist()).most_common(1)[0]
    kept = pages.rate_hz == usual_hz
    chosen = {name: column[kept] for name, column in vars(pages).items() if name != "lost"}
    return Pages(**chosen, lost=pages.lost + int(pages.counts[~kept].sum())), usual_hz


def _notes(header: Mapping[str, str], pages: Pages, found: int) -> Iterator[str]:
    promised = header.get("number of pages", "")
    if promised != str(found):
        yield f"the header promises {printable(promised) or 'no'} pages; the file has {found}"
    short = int(np.count_nonzero(pages.digits != Counter(pages.digits.tolist()).most_common(1)[0][0]))
    if short:
        yield f"{short} pages have another length than the rest"


def _add_samples(found: Assembly, header: Mapping[str, str], data: Bytes, pages: Pages, part: Part, *, lost: int) -> None:
    codes = _decode(data, pages.start[part.rows], pages.counts[part.rows])
    damaged = (Finding(action="dropped", samples=lost, reason="page that cannot be read"),) if lost else ()
    site = place(header.get("device location code", ""))
    calibration = [_calibration(found, header, axis) for axis in "xyz"]
    meanings = [Meaning(modality="acc", unit="g", axis=axis, placement=site) for axis in "xyz"]
    lit, volts = number(header.get("lux", "")), number(header.get("volts", ""))
    if lit is not None and volts is not None and lit > 0 and volts > 0:
        calibration.append((lit / volts, 0.0))
        meanings.append(Meaning(modality="light", unit="lux", placement=site))
    else:
        found.note("light is left out; the header does not tell Lux and Volts")
    for values, (scale, offset), meaning in zip((*codes[:3], codes[3] >> 2), calibration, meanings, strict=False):
        found.add(
            Series(
                label=f"acc {meaning.axis}" if meaning.axis else "light",
                meaning=meaning,
                samples=part.lay(values),
                rate_hz=part.rate_hz,
                start_ns=part.start_ns,
                scale=scale,
                offset=offset,
                present=part.present,
                findings=(*damaged, *part.findings),
            )
        )
    _add_presses(found, part.lay(codes[3] & 2 > 0), part)


def _calibration(found: Assembly, header: Mapping[str, str], axis: str) -> tuple[float, float]:
    """Return scale and offset in g of an axis."""
    gain, offset = number(header.get(f"{axis} gain", "")), number(header.get(f"{axis} offset", ""))
    if gain is None or offset is None or gain <= 0:
        raise BadRecording(found.path, 0, f"the header has no calibration of {axis} (gain above 0, and offset)")
    return 100 / gain, -offset / gain


def _add_presses(found: Assembly, button: NDArray[np.generic], part: Part) -> None:
    is_down = np.concatenate(([False], button.astype(bool)))  # a gap is laid as False
    pressed = np.flatnonzero(is_down[1:] & ~is_down[:-1])
    step = SECOND / part.rate_hz
    found.events.extend(("tag", part.start_ns + round(at * step), 0, "button", float("nan")) for at in pressed.tolist())


def _add_temperature(
    found: Assembly, header: Mapping[str, str], degrees: NDArray[np.float32], time_ns: NDArray[np.int64]
) -> None:
    if len(time_ns) < 2 or not (np.diff(time_ns) > 0).any():
        found.note("temperature is left out; one page has no rate")
        return
    meaning = Meaning(modality="temp", unit="degC", placement=place(header.get("device location code", "")))
    found.add(on_grid(found.grid(time_ns), degrees, label="temp", meaning=meaning))


def _decode(data: Bytes, start: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return x, y, z and the four digits of light, button and a spare bit, (4, N), of pages of digits."""
    codes = np.empty((4, int(counts.sum())), dtype=np.int16)
    ends = np.concatenate(([0], np.cumsum(counts)))
    edges = np.concatenate(([0], np.flatnonzero(np.diff(counts)) + 1, [len(counts)])).tolist()
    for begin, stop in pairwise(edges):
        for first in range(begin, stop, _AT_ONCE):
            last = min(first + _AT_ONCE, stop)
            raw = np.lib.stride_tricks.sliding_window_view(data, int(counts[first]) * _SAMPLE)[start[first:last]]
            digits = _DIGITS[raw].astype(np.uint16).reshape(-1, 4, 3)  # (N, x y z light, digit)
            values = digits[..., 0] << 12 | digits[..., 1] << 8 | digits[..., 2] << 4
            codes[:3, ends[first] : ends[last]] = (values[:, :3].view(np.int16) >> np.int16(4)).T  # extends the sign
            codes[3, ends[first] : ends[last]] = values[:, 3] >> 4
    return codes


READER = Reader(
    name="geneactiv",
    describes="Activinsights GENEActiv: acceleration, light, button and temperature",
    devices=("Activinsights GENEActiv",),
    clock="wall clock of the set-up; UTC with its offset where the header tells the zone, else local",
    suffixes=(".bin",),
    recognises=recognises,
    read=read,
)
