"""wearfm inspect: what is in a file or a folder of recordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from wearfm.cli import terminal
from wearfm.errors import BadConfiguration, BadRecording, MissingExtra, UnknownFormat
from wearfm.inspection import look, sparkline
from wearfm.inspection.picture import draw
from wearfm.readers import find, find_reader, read
from wearfm.signals.quality_record import ChannelQuality
from wearfm.signals.recording import SECOND, Channel, Recording

_COLUMNS = 40


@dataclass(frozen=True, kw_only=True)
class Options:
    """Show what is in recordings: rates, gaps, what is clipped, flat or out of range, events, and what the reader did.

    A folder becomes one table, a line a recording.
    """

    path: Annotated[Path, tyro.conf.Positional]
    """A recording, or a folder of recordings."""
    plot: Path | None = None
    """Also draw the recording into this PNG; a file of several recordings, or a folder, makes one picture each, numbered."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb; 1 if a file was refused."""
    options = terminal.parse(Options, "inspect", words)
    if not options.path.exists():
        raise BadConfiguration(f"{options.path} does not exist; name a file or a folder")
    if options.plot is not None and options.plot.suffix.lower() != ".png":
        raise BadConfiguration(f"{options.plot} does not end in .png; pictures are written as PNG")
    sources = find(options.path)
    if not sources:
        raise BadConfiguration(f"{options.path} holds no file of a known format; `wearfm inspect FILE` says why of one")
    described: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    with terminal.progress("inspect", unit="files") as progress:
        for done, source in enumerate(sources, start=1):
            try:
                for recording in read(source):
                    described.append({"reader": find_reader(source).name, "file": str(source), **describe(recording)})
                    _plot(recording, options.plot, len(described))
            except (BadRecording, UnknownFormat, MissingExtra) as error:
                refused.append({"source": str(source), "reason": str(error)})
            progress(done, len(sources), source.name)
    if len(sources) == 1 and refused and not described:
        raise BadConfiguration(refused[0]["reason"])
    if options.json:
        terminal.emit({"recordings": described, "refused": refused})
    else:
        _show(described, refused, as_table=len(sources) > 1)
    return 1 if refused else 0


def describe(recording: Recording) -> dict[str, Any]:
    """Return what is in a recording as plain values."""
    quality = {entry.name: entry for entry in recording.quality.channels}
    return {
        "participant": recording.participant,
        "recording": recording.name,
        "source": recording.source,
        "device": recording.device,
        "clock": recording.clock,
        "utc_offset_s": recording.utc_offset_s,
        "start_ns": recording.start_ns,
        "duration_s": recording.duration_s,
        "channels": [_describe_channel(channel, quality.get(channel.name)) for channel in recording.channels],
        "events": dict(Counter(recording.events.kind.tolist())),
        "facts": dict(recording.facts),
        "quality": recording.quality.reasons(),
        "notes": list(recording.quality.notes),
    }


def _describe_channel(channel: Channel, quality: ChannelQuality | None) -> dict[str, Any]:
    numbers = {name: _finite(value) for name, value in asdict(look(channel, quality)).items()}
    line, height = sparkline(channel, columns=_COLUMNS)
    return {
        "name": channel.name,
        "modality": channel.modality,
        "placement": channel.placement,
        "axis": channel.axis,
        "unit": channel.unit,
        "source_unit": "" if quality is None else quality.unit,
        "rate_hz": channel.rate_hz,
        "start_ns": channel.start_ns,
        "duration_s": channel.duration_s,
        "dtype": str(channel.samples.dtype),
        **numbers,
        "sparkline": line,
        "sparkline_height": height,
    }


def _finite(value: float) -> float | int | None:
    """Return a number as JSON knows it: None for one that is not there."""
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _plot(recording: Recording, path: Path | None, number: int) -> None:
    if path is not None:
        draw(recording, path if number == 1 else path.with_stem(f"{path.stem}-{number}"))


def _show(described: list[dict[str, Any]], refused: list[dict[str, str]], *, as_table: bool) -> None:
    if as_table:
        terminal.table("", _SUMMARY, [_summary(recording) for recording in described])
        terminal.say("")
        for reason, samples in _reasons(described):
            terminal.say(f"{reason}: {samples:,} samples")
    else:
        for recording in described:
            _show_one(recording)
    for refusal in refused:
        terminal.say(f"refused: {refusal['reason']}")


_SUMMARY = (
    "participant",
    "recording",
    "reader",
    "duration",
    "channels",
    "rates Hz",
    "valid",
    "clipped",
    "flat",
    "events",
    "clock",
)


def _summary(recording: dict[str, Any]) -> tuple[object, ...]:
    """Return the line of a recording in the table of a folder."""
    channels = recording["channels"]
    kinds = Counter(channel["modality"] for channel in channels)
    rates = sorted({channel["rate_hz"] for channel in channels})
    return (
        recording["participant"],
        recording["recording"],
        recording["reader"],
        terminal.duration(recording["duration_s"]),
        ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in kinds.items()),
        ", ".join(f"{rate:.4g}" for rate in rates),
        *(_percent([channel[name] for channel in channels]) for name in ("valid_share", "clipped", "flat")),
        sum(recording["events"].values()),
        _clock(recording),
    )


def _percent(shares: list[float]) -> str:
    return f"{float(np.mean(shares)):.1%}" if shares else "-"


def _clock(recording: dict[str, Any]) -> str:
    offset = recording["utc_offset_s"]
    return str(recording["clock"]) if offset is None else f"{recording['clock']}{offset / 3600:+g} h"


def _reasons(described: list[dict[str, Any]]) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for recording in described:
        counts.update(recording["quality"])
    return counts.most_common()


def _show_one(recording: dict[str, Any]) -> None:
    when = "" if recording["clock"] == "relative" else f"  from {_moment(recording)}"
    title = f"{recording['participant']} / {recording['recording']}  {terminal.duration(recording['duration_s'])}{when}"
    terminal.table(
        f"{title}  clock: {_clock(recording)}  {recording['device']}".rstrip(),
        ("channel", "modality", "placement", "unit", "rate Hz", "valid", "gaps", "clipped", "flat", "min", "median", "max"),
        [_line(channel) for channel in recording["channels"]],
    )
    for channel in recording["channels"]:
        terminal.say(f"  {channel['name'][:24]:<24} {channel['sparkline']}  {channel['sparkline_height']}")
    for lines in _remarks(recording):
        terminal.say(f"  {lines}")
    terminal.say("")


def _moment(recording: dict[str, Any]) -> str:
    return str(np.datetime64(recording["start_ns"] // SECOND + (recording["utc_offset_s"] or 0), "s")).replace("T", " ")


def _line(channel: dict[str, Any]) -> tuple[object, ...]:
    shares = (f"{channel[name]:.1%}" for name in ("clipped", "flat"))
    numbers = ("-" if channel[name] is None else channel[name] for name in ("minimum", "median", "maximum"))
    return (
        channel["name"],
        channel["modality"],
        channel["placement"],
        channel["unit"],
        channel["rate_hz"],
        f"{channel['valid_share']:.1%}",
        channel["gaps"],
        *shares,
        *numbers,
    )


def _remarks(recording: dict[str, Any]) -> Iterator[str]:
    yield from (f"events: {count} {kind}" for kind, count in recording["events"].items())
    yield from (f"{name}: {value}" for name, value in recording["facts"].items())
    yield from (f"{reason}: {samples:,} samples" for reason, samples in recording["quality"].items())
    yield from (f"note: {note}" for note in recording["notes"])
