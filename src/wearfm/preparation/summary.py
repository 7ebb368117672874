"""What came of a preparation: every source has a fate, every sample is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from wearfm.signals.recording import Recording

Progress = Callable[[int, int, str], None]  # done, total, what was done last


def silent(done: int, total: int, label: str) -> None:
    """Take no note."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts that add up over recordings.

    signal_s: seconds of signal, summed over channels. kept, masked, dropped, inserted, repaired: samples, as in
    `ChannelQuality`. findings: samples per "action: reason".
    """

    recordings: int = 0
    channels: int = 0
    signal_s: float = 0.0
    kept: int = 0
    masked: int = 0
    dropped: int = 0
    inserted: int = 0
    repaired: int = 0
    findings: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, recording: Recording) -> Tally:
        """Count one recording."""
        actions: Counter[str] = Counter()
        for channel in recording.quality.channels:
            for finding in channel.findings:
                actions[finding.action] += finding.samples
        lost = sum(len(channel.samples) - channel.valid.total for channel in recording.channels)
        return cls(
            recordings=1,
            channels=len(recording.channels),
            signal_s=sum(channel.duration_s for channel in recording.channels),
            kept=sum(channel.valid.total for channel in recording.channels),
            masked=lost - actions["inserted"],
            dropped=actions["dropped"],
            inserted=actions["inserted"],
            repaired=actions["repaired"],
            findings=Counter(recording.quality.reasons()),
        )

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Tally:
        """Return the counts that `to_json` wrote."""
        return cls(**{**plain, "findings": Counter(plain["findings"])})

    def __add__(self, other: Tally) -> Tally:
        return Tally(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})

    def to_json(self) -> dict[str, Any]:
        """Return the counts as a plain dict."""
        return {each.name: getattr(self, each.name) for each in fields(self)} | {
            "findings": dict(sorted(self.findings.items()))
        }


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A source, or a recording of it, that is not in the store, and why."""

    source: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What came of one source.

    outcome: "prepared"; "skipped" if an earlier run had prepared it, unchanged since; "refused" if it could not be read to
    its end. format: what it was recognised as, "" for nothing. companions: names of files that belong to it. reason: why
    it was refused, "" otherwise. tally: of its recordings in the store, those before a fault too.
    """

    source: str
    outcome: Literal["prepared", "skipped", "refused"]
    format: str = ""
    companions: tuple[str, ...] = ()
    reason: str = ""
    tally: Tally = field(default_factory=Tally)

    def to_json(self) -> dict[str, Any]:
        """Return the fate as plain values."""
        return {
            "source": self.source,
            "outcome": self.outcome,
            "format": self.format,
            "companions": list(self.companions),
            "reason": self.reason,
            "recordings": self.tally.recordings,
            "channels": self.tally.channels,
            "hours": self.tally.signal_s / 3600,
        }


@dataclass(frozen=True, kw_only=True)
class PreparationSummary:
    """What came of a preparation.

    prepared: sources that were read to their end. skipped: sources that an earlier run had prepared, unchanged since.
    refused: sources that could not be read to their end; what stood before the fault is kept. tally: counts over the
    recordings of this run. sources: what came of each, in their order; () for recordings that were made elsewhere.
    """

    prepared: int = 0
    skipped: int = 0
    refused: tuple[Refusal, ...] = ()
    tally: Tally = field(default_factory=Tally)
    sources: tuple[Fate, ...] = ()

    @classmethod
    def of(cls, fates: Sequence[Fate]) -> PreparationSummary:
        """Add up what came of every source."""
        return cls(
            prepared=sum(fate.outcome == "prepared" for fate in fates),
            skipped=sum(fate.outcome == "skipped" for fate in fates),
            refused=tuple(Refusal(source=fate.source, reason=fate.reason) for fate in fates if fate.outcome == "refused"),
            tally=total(fate.tally for fate in fates if fate.outcome != "skipped"),
            sources=tuple(fates),
        )

    @property
    def reasons(self) -> dict[str, int]:
        """Refused sources per reason, most frequent first."""
        return dict(Counter(refusal.reason for refusal in self.refused).most_common())

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain dicts, lists, numbers and text."""
        return {
            "prepared": self.prepared,
            "skipped": self.skipped,
            "refused": [{"source": each.source, "reason": each.reason} for each in self.refused],
            "reasons": self.reasons,
            "tally": self.tally.to_json(),
            "sources": [fate.to_json() for fate in self.sources],
        }


def total(tallies: Iterable[Tally]) -> Tally:
    """Return the sum."""
    return sum(tallies, start=Tally())
