"""wearfm inspect: what is in a file or a folder of recordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from wearfm.cli import terminal
from wearfm.errors import BadConfiguration, BadRecording, UnknownFormat
from wearfm.readers import find, read
from wearfm.signals.recording import Channel, Recording


@dataclass(frozen=True, kw_only=True)
class Options:
    """Show what is in recordings: channels, rates, spans, gaps, ranges, events, and what the reader did."""

    path: Annotated[Path, tyro.conf.Positional]
    """A recording, or a folder of recordings."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb; 1 if a file was refused."""
    options = terminal.parse(Options, "inspect", words)
    if not options.path.exists():
        raise BadConfiguration(f"{options.path} does not exist; name a file or a folder")
    sources = find(options.path)
    described: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    for source in sources:
        try:
            described += [describe(recording) for recording in read(source)]
        except (BadRecording, UnknownFormat) as error:
            refused.append({"source": str(source), "reason": str(error)})
    if len(sources) == 1 and refused:
        raise BadConfiguration(refused[0]["reason"])
    if options.json:
        terminal.emit({"recordings": described, "refused": refused})
    else:
        _show(described, refused)
    return 1 if refused else 0


def describe(recording: Recording) -> dict[str, Any]:
    """Return what is in a recording as plain values."""
    return {
        "participant": recording.participant,
        "recording": recording.name,
        "source": recording.source,
        "device": recording.device,
        "clock": recording.clock,
        "start_ns": recording.start_ns,
        "duration_s": recording.duration_s,
        "channels": [_describe_channel(channel) for channel in recording.channels],
        "events": dict(Counter(recording.events.kind.tolist())),
        "facts": dict(recording.facts),
        "quality": recording.quality.reasons(),
        "notes": list(recording.quality.notes),
    }


def _describe_channel(channel: Channel) -> dict[str, Any]:
    values = channel.physical()[channel.mask()]
    return {
        "name": channel.name,
        "modality": channel.modality,
        "placement": channel.placement,
        "unit": channel.unit,
        "rate_hz": channel.rate_hz,
        "duration_s": channel.duration_s,
        "dtype": str(channel.samples.dtype),
        "valid_share": channel.valid.total / max(len(channel.samples), 1),
        "gaps": len(channel.valid.complement(len(channel.samples))),
        "minimum": float(values.min()) if len(values) else None,
        "median": float(np.median(values)) if len(values) else None,
        "maximum": float(values.max()) if len(values) else None,
    }


def _show(described: list[dict[str, Any]], refused: list[dict[str, str]]) -> None:
    for recording in described:
        title = f"{recording['participant']} / {recording['recording']}  {terminal.duration(recording['duration_s'])}"
        terminal.table(
            f"{title}  clock: {recording['clock']}",
            ("channel", "modality", "placement", "unit", "rate Hz", "valid", "gaps", "min", "median", "max"),
            [
                (
                    c["name"],
                    c["modality"],
                    c["placement"],
                    c["unit"],
                    c["rate_hz"],
                    f"{c['valid_share']:.1%}",
                    c["gaps"],
                    *("-" if c[k] is None else c[k] for k in ("minimum", "median", "maximum")),
                )
                for c in recording["channels"]
            ],
        )
        for kind, count in recording["events"].items():
            terminal.say(f"  events: {count} {kind}")
        for reason, samples in recording["quality"].items():
            terminal.say(f"  {reason}: {samples} samples")
        for note in recording["notes"]:
            terminal.say(f"  note: {note}")
        terminal.say("")
    for refusal in refused:
        terminal.say(f"refused: {refusal['reason']}")
