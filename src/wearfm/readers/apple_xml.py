"""The export of Apple Health as columns: one pass over XML of any length, 20 bytes kept for each record.

    <Record .../>  ─ expat, 1 MiB at a time ─ source ─> Rows: start_s, lasts_s, value, code
                                                        code ─> what it means, and its offset from UTC

Nothing of the document is kept but these columns. Where the XML is broken, reading goes on at the next record.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from wearfm.errors import BadConfiguration
from wearfm.readers.apple_types import Meaning, category, quantity, workout
from wearfm.readers.stamps import date_ns
from wearfm.signals.recording import SECOND

CHUNK = 2**20
MOST_TOKEN = 2**26  # bytes of one element: a device's description is below 1 kB
MOST_BREAKS = 1000  # places of broken XML after which the file is given up
MOST_REMEMBERED = 100_000  # hours, devices: what a file could make endless
FIRST_S, LAST_S = 315_532_800, 4_102_444_800  # the years 1980 to 2100
_PREFIX = re.compile(r"^HK(Quantity|Category|Data|Correlation|Characteristic)TypeIdentifier")
_SECONDS = {f"{number:02d}": number for number in range(60)}
_MINUTES = {f"{number:02d}": 60 * number for number in range(60)}
_NAN = float("nan")
_AM_PM = re.compile(r"(\d{4}-\d\d-\d\d) (\d{1,2})(:\d\d:\d\d)\s*([AaPp])\.?[Mm]\.? ([+-]\d{4})")
_DEVICE = re.compile(r"(manufacturer|model|hardware):([^,>]{1,60}(?:,\d{1,3}(?=[,>]))?)")
_CLOCK = re.compile(r"\s*(\d{1,2})[:.](\d\d)[:.](\d\d)(?:[.,](\d{1,3}))?")
_RESUME = re.compile(rb"<(?:Record|Workout|Correlation)\s")
_DOCTYPE = re.compile(rb"<!DOCTYPE\s+HealthData\s*\[.*?\]\s*>", re.DOTALL)

Attributes = dict[str, str]


class Refused(Exception):
    """A document that is not read at all, with the byte and the reason."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset, self.reason = offset, reason


@dataclass(frozen=True, kw_only=True)
class Code:
    """What a row's code says: its meaning, None for what is only counted, and local time minus UTC in seconds."""

    meaning: Meaning | None
    offset_s: int


@dataclass(kw_only=True, eq=False)
class Rows:
    """The records of one source. start_s, lasts_s: whole seconds, UTC. beat_ns, beat_hr: the beats behind an HRV value."""

    product: str
    device: str
    start_s: array[int] = field(default_factory=lambda: array("I"))
    lasts_s: array[int] = field(default_factory=lambda: array("I"))
    value: array[float] = field(default_factory=lambda: array("d"))
    code: array[int] = field(default_factory=lambda: array("I"))
    beat_ns: array[int] = field(default_factory=lambda: array("q"))
    beat_hr: array[float] = field(default_factory=lambda: array("d"))
    code_of: dict[tuple[str, str, str], int] = field(default_factory=dict)


class Gatherer:
    """Takes the elements of an export one by one."""

    def __init__(self) -> None:
        self.codes: list[Code] = []
        self.sources: list[Rows] = []
        self.me: Attributes = {}
        self.unread: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self._rows_of: dict[tuple[str, str], Rows] = {}
        self._rows_of_product: dict[tuple[str, str], Rows] = {}
        self._hours: dict[str, int] = {}
        self.is_nested = False
        self._span: tuple[int, int, int, Rows] | None = None  # start, stop, offset of the HRV record around a beat
        self.takes: dict[str, Callable[[Attributes], None]] = {
            "Record": self.take_record,
            "Workout": self.take_workout,
            "InstantaneousBeatsPerMinute": self.take_beat,
            "Me": self.me.update,
        }

    def open(self, name: str, attributes: Attributes) -> None:
        """Take the beginning of an element. What a correlation holds stands in the file once more, by itself."""
        if name == "Correlation":
            self.is_nested = True
        elif (take := self.takes.get(name)) is not None and not self.is_nested:
            try:
                take(attributes)
            except KeyError as error:
                self.lost[f"{name} without {error.args[0]}"[:80]] += 1
            except (ValueError, OverflowError):
                self.lost[f"{name} whose value or date cannot be read"] += 1

    def close(self, name: str) -> None:
        """Take the end of an element."""
        if name == "Correlation":
            self.is_nested = False

    def take_record(self, attributes: Attributes) -> None:
        """Keep a quantity or a category."""
        rows = self._rows(attributes)
        begun, unit = attributes["startDate"], attributes.get("unit")
        key = (attributes["type"], attributes.get("value", "") if unit is None else unit, begun[-5:])
        code = rows.code_of.get(key)
        if code is None:
            code = rows.code_of[key] = self._learn(*key, is_quantity=unit is not None, product=rows.product)
        meaning = self.codes[code].meaning
        if meaning is None:
            self.unread[_PREFIX.sub("", key[0])[:60]] += 1
            return
        value = _NAN if unit is None else float(attributes["value"])
        self._keep(rows, begun, attributes["endDate"], value, code)
        if meaning.name == "sdnn":
            self._span = (rows.start_s[-1], rows.start_s[-1] + rows.lasts_s[-1], self.codes[code].offset_s, rows)

    def take_workout(self, attributes: Attributes) -> None:
        """Keep a workout as a labelled span."""
        rows = self._rows(attributes)
        begun, activity = attributes["startDate"], attributes["workoutActivityType"]
        key = ("Workout", activity, begun[-5:])
        if key not in rows.code_of:
            rows.code_of[key] = self._new(workout(activity), begun[-5:])
        self._keep(rows, begun, attributes["endDate"], _NAN, rows.code_of[key])

    def take_beat(self, attributes: Attributes) -> None:
        """Keep one of the beats that an HRV value was made of, if its clock time lies within that record."""
        if self._span is None:
            return
        start, stop, offset, rows = self._span
        match = _CLOCK.match(attributes["time"])
        if match is None:
            raise ValueError
        of_day = int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3])
        midnight = (start + offset) // 86_400 * 86_400 - offset
        near = (midnight + of_day + half * 43_200 for half in range(-1, 4))  # 12-hour clocks: AM and PM are in any language
        second = next((second for second in near if start - 2 <= second <= stop + 2), None)
        if second is None:
            self.lost["beat outside the span of its HRV record"] += 1
            return
        rows.beat_ns.append(second * SECOND + int((match[4] or "0").ljust(9, "0")))
        rows.beat_hr.append(float(attributes["bpm"]))

    def _keep(self, rows: Rows, begun: str, ended: str, value: float, code: int) -> None:
        start = self._seconds(begun)
        stop = start if ended == begun else self._seconds(ended)
        if stop < start:
            self.lost["record that ends before it begins"] += 1
            return
        rows.start_s.append(start)
        rows.lasts_s.append(stop - start)
        rows.value.append(value)
        rows.code.append(code)

    def _seconds(self, text: str) -> int:
        """Return seconds of UTC since 1970; "2020-01-01 08:00:00 +0200" is looked up by its hour."""
        try:
            return self._hours[text[:14] + text[19:]] + _MINUTES[text[14:16]] + _SECONDS[text[17:19]]
        except KeyError:
            return self._first_of_hour(text)

    def _first_of_hour(self, text: str) -> int:
        twelve = _AM_PM.fullmatch(text)
        if twelve is not None:
            hour = int(twelve[2]) % 12 + 12 * (twelve[4] in "Pp")
            text = f"{twelve[1]} {hour:02d}{twelve[3]} {twelve[5]}"
        try:
            at, offset = date_ns(text, "%Y-%m-%d %H:%M:%S %z")
        except BadConfiguration:
            raise ValueError from None
        second = at // SECOND
        if offset is None or not FIRST_S <= second < LAST_S:
            raise ValueError
        if len(text) == 25 and text[13] == text[16] == ":" and len(self._hours) < MOST_REMEMBERED:
            self._hours[text[:14] + text[19:]] = second - 60 * int(text[14:16]) - int(text[17:19])
        return second

    def _rows(self, attributes: Attributes) -> Rows:
        """Return the rows of the source that an element names: the same for all devices of a product under one name."""
        key = (attributes["sourceName"], attributes.get("device", ""))
        rows = self._rows_of.get(key)
        if rows is None:
            product, device = identify(*key)
            rows = self._rows_of_product.get((key[0], product))
            if rows is None:
                rows = self._rows_of_product[key[0], product] = Rows(product=product, device=device)
                self.sources.append(rows)
            rows.device = rows.device or device
            if len(self._rows_of) < MOST_REMEMBERED:
                self._rows_of[key] = rows
        return rows

    def _learn(self, record_type: str, unit: str, offset: str, *, is_quantity: bool, product: str) -> int:
        bare = _PREFIX.sub("", record_type)
        known = quantity(bare, unit, is_phone=product == "iPhone") if is_quantity else category(bare, unit)
        return self._new(known, offset)

    def _new(self, meaning: Meaning | None, offset: str) -> int:
        match = re.fullmatch(r"([+-])(\d\d)(\d\d)", offset)
        if match is None or len(self.codes) >= MOST_REMEMBERED:
            raise ValueError
        seconds = int(match[2]) * 3600 + int(match[3]) * 60
        self.codes.append(Code(meaning=meaning, offset_s=-seconds if match[1] == "-" else seconds))
        return len(self.codes) - 1


def identify(source: str, device: str) -> tuple[str, str]:
    """Return (product, device) of a source: "Apple Watch", "iPhone", or what the maker calls its device.

    A source's own name is not returned: phones and watches carry their owner's ("Simon's iPhone").
    """
    told = {name: value.strip() for name, value in _DEVICE.findall(device)}
    model = f"{told.get('hardware', '')} {told.get('model', '')} {source}"
    hardware = told.get("hardware", "")
    if "Apple" in told.get("manufacturer", "Apple"):
        for word, product in (("Watch", "Apple Watch"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("iPod", "iPod")):
            if word in model:
                return product, f"{product} ({hardware})" if hardware else product
    name = " ".join(value for key in ("manufacturer", "model") if (value := told.get(key, "")))
    return name or "another app", name


def gather(stream: BinaryIO, gatherer: Gatherer) -> Iterator[str]:
    """Feed a whole export to the gatherer and yield a note for every place where it is broken."""
    at, breaks, pending = 0, 0, _without_doctype(stream)
    while True:
        parser = _parser(gatherer, is_first=breaks == 0)
        ahead = 0 if breaks == 0 else len(b"<HealthData>")
        began = at
        try:
            while pending:
                parser.Parse(pending)
                at += len(pending)
                if at - began + ahead - parser.CurrentByteIndex > MOST_TOKEN:
                    raise Refused(parser.CurrentByteIndex, f"an element of more than {MOST_TOKEN} bytes")
                pending = stream.read(CHUNK)
            parser.Parse(b"", True)
            return
        except expat.ExpatError as error:
            broken_at = began + max(parser.ErrorByteIndex - ahead, 0)
            if not pending:
                yield f"the export ends at byte {at} without its closing tag; what came before it was read"
                return
            breaks += 1
            yield f"broken XML at byte {broken_at} ({expat.ErrorString(error.code)}); reading went on at the next record"
        gatherer.is_nested = False
        if breaks >= MOST_BREAKS:
            yield f"{breaks} places of broken XML; the rest was left out"
            return
        pending, at = _next_record(stream, pending, at, skip=max(broken_at - at + 1, 1))
        if not pending:
            return


def _next_record(stream: BinaryIO, pending: bytes, at: int, *, skip: int) -> tuple[bytes, int]:
    """Return the bytes from the next record on, and where they begin; b"" if there is none."""
    skip = min(skip, len(pending))
    pending, at = pending[skip:], at + skip
    while True:
        match = _RESUME.search(pending)
        if match is not None:
            return pending[match.start() :], at + match.start()
        tail = pending[-16:]
        more = stream.read(CHUNK)
        if not more:
            return b"", at
        at += len(pending) - len(tail)
        pending = tail + more


def _without_doctype(stream: BinaryIO) -> bytes:
    """Return the first bytes with the document type blanked out: Apple's own is not well-formed in some versions of iOS."""
    head = stream.read(CHUNK)
    match = _DOCTYPE.search(head)
    if match is None:
        return head
    if b"<!ENTITY" in match[0]:
        offset = match.start() + match[0].index(b"<!ENTITY")
        raise Refused(offset, "the document declares entities, which no export does; they are not expanded")
    return head[: match.start()] + b" " * len(match[0]) + head[match.end() :]


def _parser(gatherer: Gatherer, *, is_first: bool) -> expat.XMLParserType:
    parser = expat.ParserCreate("UTF-8")
    parser.StartElementHandler = gatherer.open
    parser.EndElementHandler = gatherer.close

    def refuse(*_: object) -> None:
        raise Refused(parser.CurrentByteIndex, "the document declares entities, which no export does; they are not expanded")

    parser.EntityDeclHandler = refuse
    if not is_first:
        parser.Parse(b"<HealthData>")
    return parser
