"""On whom: participants and hours in a store, and what was dropped on the way, with reasons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from wearfm.store import Store


@dataclass(frozen=True, kw_only=True)
class Person:
    """One participant: recordings, hours on the clock, and hours in which at least half of the channels were valid."""

    participant: str
    recordings: int
    hours: float
    valid_share: float


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """Everybody in a store.

    channel_hours: modality -> hours of valid samples, summed over channels. dropped: reason -> channel hours that are
    masked, dropped or missing. joined: ids that hold the same raw data as another and count as one person.
    """

    people: tuple[Person, ...]
    channel_hours: Mapping[str, float]
    dropped: Mapping[str, float]
    joined: tuple[tuple[str, str], ...] = ()

    @property
    def hours(self) -> float:
        """Hours on the clock, all recordings."""
        return sum(person.hours for person in self.people)


def describe(store: Store, persons: Mapping[str, str]) -> Cohort:
    """Return what a store holds. persons: participant -> person."""
    channels, spans = store.channels(), store.spans()
    seconds = channels.length / np.maximum(channels.rate_hz, 1e-12)
    valid = np.array([spans[number].total for number in channels.id.tolist()]) / np.maximum(channels.rate_hz, 1e-12)
    longest: dict[int, float] = defaultdict(float)
    share: dict[int, list[float]] = defaultdict(list)
    for recording, whole, good in zip(channels.recording.tolist(), seconds.tolist(), valid.tolist(), strict=True):
        longest[recording] = max(longest[recording], whole)
        share[recording].append(good / max(whole, 1e-12))
    modality_s: dict[str, float] = defaultdict(float)
    for name, good in zip(channels.modality.tolist(), valid.tolist(), strict=True):
        modality_s[name] += good / 3600
    return Cohort(
        people=tuple(_people(store, longest, share)),
        channel_hours=dict(sorted(modality_s.items())),
        dropped=_dropped(store),
        joined=tuple(sorted((name, person) for name, person in persons.items() if name != person)),
    )


def _people(store: Store, seconds: Mapping[int, float], share: Mapping[int, list[float]]) -> list[Person]:
    of: dict[str, list[int]] = defaultdict(list)
    for row in store.recordings():
        of[row.participant].append(row.id)
    people = []
    for name, recordings in sorted(of.items()):
        total = sum(seconds.get(each, 0.0) for each in recordings)
        good = sum(seconds.get(each, 0.0) * float(np.mean(share.get(each) or [0.0])) for each in recordings)
        people.append(
            Person(participant=name, recordings=len(recordings), hours=total / 3600, valid_share=good / total if total else 0.0)
        )
    return people


def _dropped(store: Store) -> dict[str, float]:
    """Return reason -> channel hours, from the quality records, largest first."""
    channels = store.channels()
    keys = zip(channels.recording.tolist(), channels.name.tolist(), strict=True)
    rate = dict(zip(keys, channels.rate_hz.tolist(), strict=True))
    hours: dict[str, float] = defaultdict(float)
    for row in store.recordings():
        for channel in row.quality.channels:
            for finding in channel.findings:
                samples_per_hour = rate.get((row.id, channel.name), 0.0) * 3600
                if samples_per_hour:
                    hours[f"{finding.action}: {finding.reason}"] += finding.samples / samples_per_hour
    return dict(sorted(hours.items(), key=lambda item: -item[1]))
