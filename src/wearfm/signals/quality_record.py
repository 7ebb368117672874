"""The quality record: what a reader kept, masked, dropped, inserted and repaired, and why; the counts add up.

For every channel two laws hold and are checked on construction:

    samples in the source   = kept + masked + dropped
    samples in the channel  = kept + masked + inserted
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Literal

from wearfm.errors import BadConfiguration

Action = Literal["masked", "dropped", "inserted", "repaired"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing a reader did to samples of a channel.

    masked: in the channel, but not valid. dropped: in the source, but not in the channel. inserted: in the channel as
    part of a gap, not in the source. repaired: kept, but with a changed value or time; counted besides.
    """

    action: Action
    samples: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class ChannelQuality:
    """What became of the samples of one channel.

    source: number of samples in the file. kept: number that are valid. unit: that of the source; the channel's own is the
    modality's.
    """

    name: str
    source: int
    kept: int
    findings: tuple[Finding, ...] = ()
    unit: str = ""

    def __post_init__(self) -> None:
        if self.source != self.kept + self.count("masked") + self.count("dropped"):
            raise BadConfiguration(
                f"channel {self.name!r}: {self.source} samples read, but {self.kept} kept + {self.count('masked')} masked"
                f" + {self.count('dropped')} dropped; every sample needs a fate"
            )

    def count(self, action: Action) -> int:
        """Return the number of samples with that fate."""
        return sum(finding.samples for finding in self.findings if finding.action == action)

    @property
    def length(self) -> int:
        """The number of samples that the channel must have."""
        return self.kept + self.count("masked") + self.count("inserted")


@dataclass(frozen=True, kw_only=True)
class Quality:
    """The record of a whole recording. notes: anything that concerns the file and not single samples."""

    channels: tuple[ChannelQuality, ...] = ()
    notes: tuple[str, ...] = ()

    def reasons(self) -> dict[str, int]:
        """Return samples per "action: reason", largest first."""
        counts: dict[str, int] = defaultdict(int)
        for channel in self.channels:
            for finding in channel.findings:
                counts[f"{finding.action}: {finding.reason}"] += finding.samples
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain lists, dicts, numbers and text."""
        return {
            "channels": [
                {
                    "name": channel.name,
                    "source": channel.source,
                    "kept": channel.kept,
                    "unit": channel.unit,
                    "findings": [[finding.action, finding.samples, finding.reason] for finding in channel.findings],
                }
                for channel in self.channels
            ],
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Quality:
        """Return the record that `to_json` wrote."""
        return cls(
            channels=tuple(
                ChannelQuality(
                    name=row["name"],
                    source=row["source"],
                    kept=row["kept"],
                    findings=tuple(Finding(action=a, samples=n, reason=r) for a, n, r in row["findings"]),
                    unit=row.get("unit", ""),
                )
                for row in plain["channels"]
            ),
            notes=tuple(plain["notes"]),
        )
