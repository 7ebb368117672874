"""What the columns of a table, or the arrays of a container, mean: a small file beside it, TOML or JSON.

    participant = "S01"                 # default: the file's name
    rate_hz = 125                       # if there is no time column, or to check it
    time = { column = "Time [s]", unit = "s" }         # s, ms, us, ns or iso
    facts = { age_years = 54, sex = "female" }

    [channels."PLETH"]
    modality = "ppg"
    placement = "finger"

    [events."label"]                    # runs of equal values become events
    kind = "activity"

Arrays are named with the row or column that is meant ("sig[0, :]"); `rate_hz` or `time` of a channel are its own then. A long
table names its columns: `layout = "long"`, `channel_column`, `value_column`, `participant_column`.

It is looked for as `<table>.toml`, `<table>.json`, then `wearfm.toml`, `wearfm.json` in the same folder.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.readers.labels import guess_modality
from wearfm.signals.recording import Fact
from wearfm.signals.units import affine, modality

Layout = Literal["wide", "long"]
TimeUnit = Literal["s", "ms", "us", "ns", "iso"]
_FOLDER_NAMES = ("wearfm.toml", "wearfm.json")


@dataclass(frozen=True, kw_only=True)
class TimeColumn:
    """The column that holds the time of each row. unit "iso": ISO 8601 text; with a zone it is UTC, without local time."""

    column: str
    unit: TimeUnit

    def __post_init__(self) -> None:
        if self.unit not in get_args(TimeUnit):
            raise UnknownName("time unit", self.unit, get_args(TimeUnit))


@dataclass(frozen=True, kw_only=True)
class ChannelColumn:
    """A column of samples. Physical value in `unit` = scale * cell + offset. unit "": the modality's own.

    rate_hz, time: of this channel alone, where channels do not share their rows: both in arrays, the rate in long tables.
    """

    modality: str
    unit: str = ""
    placement: str = ""
    axis: str = ""
    name: str = ""
    scale: float = 1.0
    offset: float = 0.0
    rate_hz: float | None = None
    time: TimeColumn | None = None

    def __post_init__(self) -> None:
        canonical = modality(self.modality).unit
        if self.unit:
            affine(self.unit, canonical)


@dataclass(frozen=True, kw_only=True)
class EventColumn:
    """A column of labels or derived values: each run of equal cells becomes one event of this kind."""

    kind: str


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """All that a table does not say about itself.

    participant, recording: "" for the file's name. rate_hz: None to read it from the time column. start: ISO date and
    time of the first row, where there is no time column. header: whether the first row names the columns; without,
    they are called "0", "1" and so on. skip_rows: rows before that; unit_rows: rows between names and samples.
    delimiter: "" to find it. layout: "wide", a column for each channel, or "long", a row for each sample: then channels
    and events are named by what stands in `channel_column`, and `participant_column` is "" if there is only one.
    """

    channels: AnyMapping[str, ChannelColumn]
    events: AnyMapping[str, EventColumn] = field(default_factory=dict)
    time: TimeColumn | None = None
    rate_hz: float | None = None
    start: str = ""
    participant: str = ""
    recording: str = ""
    device: str = ""
    facts: AnyMapping[str, Fact] = field(default_factory=dict)
    header: bool = True
    skip_rows: int = 0
    unit_rows: int = 0
    delimiter: str = ""
    layout: Layout = "wide"
    channel_column: str = "channel"
    value_column: str = "value"
    participant_column: str = ""

    def __post_init__(self) -> None:
        if self.layout not in get_args(Layout):
            raise UnknownName("layout", self.layout, get_args(Layout))
        if not self._is_timed:
            raise BadConfiguration("a mapping without time and without rate_hz; say which column is the time, or the rate")
        if self.time is not None and self.start:
            raise BadConfiguration("a mapping with both start and time; the time column says when the table starts: drop start")
        if not self.channels and not self.events:
            raise BadConfiguration("a mapping without channels; name at least one column of samples")

    @classmethod
    def from_dict(cls, plain: AnyMapping[str, Any]) -> Mapping:
        """Return the mapping written in TOML or JSON; BadConfiguration names what is wrong."""
        parts = dict(plain)
        for key, kind in (("channels", ChannelColumn), ("events", EventColumn)):
            entries = _table(parts.get(key, {}), key)
            parts[key] = {column: _entry(kind, entry, f"{key}.{column}") for column, entry in entries.items()}
        if "time" in parts:
            parts["time"] = _build(TimeColumn, parts["time"], "time")
        mapping: Mapping = _build(cls, parts, "mapping")
        return mapping

    @property
    def _is_timed(self) -> bool:
        """Whether every channel has a time or a rate."""
        if self.time is not None or self.rate_hz is not None:
            return True
        return not self.events and all(column.time or column.rate_hz for column in self.channels.values())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that are read."""
        time = (self.time.column,) if self.time else ()
        if self.layout == "long":
            names = (*time, self.channel_column, self.value_column, self.participant_column)
            return tuple(dict.fromkeys(name for name in names if name))
        return tuple(dict.fromkeys((*time, *self.channels, *self.events)))


def find_mapping(path: Path) -> Path | None:
    """Return the mapping file that belongs to a table, None if there is none."""
    own = [path.with_name(path.name + ending) for ending in (".toml", ".json")]
    shared = [path.with_name(name) for name in _FOLDER_NAMES]
    return next((candidate for candidate in own + shared if candidate.is_file()), None)


def load_mapping(path: Path) -> Mapping:
    """Return the mapping in a TOML or JSON file."""
    try:
        text = path.read_text(encoding="utf-8")
        plain = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise BadConfiguration(f"mapping {path}: {error}; write it as TOML or JSON") from error
    try:
        return Mapping.from_dict(_table(plain, "mapping"))
    except BadConfiguration as error:
        raise BadConfiguration(f"mapping {path}: {error}") from error


def suggest(columns: list[str]) -> str:
    """Return a mapping that would work for a table with these columns, as JSON on one line."""
    timed = next((name for name in columns if "time" in name.lower()), None)
    others = [name for name in columns if name != timed][:3]
    guesses = {name: guess_modality(name) or "other" for name in others}
    channels = {name: {"modality": guess, "unit": modality(guess).unit} for name, guess in guesses.items()}
    time: dict[str, Any] = {"time": {"column": timed, "unit": "s"}} if timed else {"rate_hz": 64}
    numbered = {"header": False} if columns[:1] == ["0"] else {}
    return json.dumps({"participant": "S01", **numbered, **time, "channels": channels}, ensure_ascii=False)


def _table(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, AnyMapping):
        raise BadConfiguration(f"{what} is {value!r}; it must be a table of names and values")
    return dict(value)


def _entry(kind: type[Any], entry: object, what: str) -> Any:
    """Return a channel or event from plain values; the time of a channel is a table in the table."""
    given = _table(entry, what)
    if kind is ChannelColumn and "time" in given:
        given["time"] = _build(TimeColumn, given["time"], f"{what}.time")
    return _build(kind, given, what)


def _build(kind: type[Any], entry: object, what: str) -> Any:
    """Return a dataclass from plain values, or say which key or type does not belong."""
    given = _table(entry, what)
    known = {item.name: item for item in fields(kind)}
    for key, value in given.items():
        if key not in known:
            raise UnknownName(f"key of {what}", key, known)
        _check_type(value, str(known[key].type), f"{what}.{key}")
    missing = [name for name in ("column", "unit", "modality", "kind") if name in known and name not in given]
    required = [name for name in missing if not (kind is ChannelColumn and name == "unit")]
    if required:
        raise BadConfiguration(f"{what} has no {required[0]!r}; add it")
    return kind(**given)


def _check_type(value: object, wanted: str, what: str) -> None:
    kinds: tuple[type, ...] = {"str": (str,), "bool": (bool,), "int": (int,)}.get(wanted, (object,))
    if wanted.startswith("float"):
        kinds = (int, float)
    if not isinstance(value, kinds) or (isinstance(value, bool) and wanted != "bool"):
        raise BadConfiguration(f"{what} is {value!r}; it must be of type {wanted}")
