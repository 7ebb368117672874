"""From a raw recording to minutes: one channel a feature, once a minute, on whole minutes of the recording's clock.

    ECG, PPG or IBI events ──> heart      ACC x, y, z ──> motion, activity      EDA, TEMP, altitude ──> skin
                                 └── at rest <──┘                       ready minute data ──> as they are

Where a recording has several sensors of a kind, one is chosen. Of heart signals ECG, then the intervals that a device
reports (of the E4 they cover more minutes than ours from the same light, with the same error), then PPG, then pressure, and
of several channels the one whose normal intervals cover most; of accelerometers the wrist's, then the first with three axes;
of the rest the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from wearfm.errors import BadConfiguration
from wearfm.signals.door import admit
from wearfm.signals.minutes import activity, heart, motion, skin
from wearfm.signals.minutes.column import Column, Columns
from wearfm.signals.minutes.features import MINUTE_FEATURES, MINUTE_HZ
from wearfm.signals.minutes.grid import ByMinute, Indices, Mask, MinuteGrid, by_minute
from wearfm.signals.minutes.ready import Minutely, is_epochs, is_ready, to_minutes
from wearfm.signals.peaks import LOWEST_RATE_HZ
from wearfm.signals.quality_record import ChannelQuality, Finding, Quality
from wearfm.signals.recording import SECOND, Channel, Recording
from wearfm.signals.resample import resample_channel
from wearfm.signals.spans import Spans
from wearfm.signals.units import modality

SLOWEST_ACC_HZ = 10.0  # below, a step has fewer than four samples
LONGEST_DAYS = 1000
_HEART = ("ecg", "ibi", "ppg", "pressure")  # in the order of preference


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """What came of a recording. missing: feature -> why the recording does not have it, for every feature that it lacks."""

    recording: Recording
    missing: Mapping[str, str]


@dataclass(kw_only=True)
class _Found:
    """What was found so far. columns: derived. missing: feature -> why not. notes: which sensors were taken."""

    columns: Columns = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def lack(self, group: str, why: str) -> None:
        """Say why the features of a sensor are not there."""
        self.missing.update({name: why for name, feature in MINUTE_FEATURES.items() if feature.group == group})


@dataclass(frozen=True, kw_only=True, eq=False)
class _Moved:
    """What the heart needs to know of movement. still: (M,) minutes. step_ns: (K,) when steps were taken, ascending."""

    still: Mask
    step_ns: Indices


def minutes(recording: Recording) -> Recording:
    """Return the minute features of a recording: same participant, name, clock, facts and events; nothing is ever NaN.

    A recording of minute features returns as it is. BadConfiguration if not one feature can be derived.
    """
    return derive_minutes(recording).recording


def derive_minutes(recording: Recording) -> Derivation:
    """Return the minute features of a recording, and why those that it lacks are not there."""
    ready = [channel for channel in recording.channels if is_ready(channel)]
    if ready and len(ready) == len(recording.channels):
        return Derivation(recording=recording, missing=_absent(ready, {}))
    entries = {entry.name: entry for entry in recording.quality.channels}
    made = [(channel, entries.get(channel.name, _plain(channel))) for channel in ready]
    epochs, refused = _epochs(recording)
    made += [(each.channel, each.quality) for each in epochs]
    grid, found = _extent(recording), _Found()
    _derive(recording, grid, found)
    found.missing |= refused
    there = {channel.modality for channel, _ in made}
    made += [_channel(name, found.columns[name], grid) for name in MINUTE_FEATURES if name in found.columns.keys() - there]
    if not made:
        kinds = ", ".join(sorted({channel.modality for channel in recording.channels})) or "no channel"
        raise BadConfiguration(f"recording {recording.name!r} has {kinds}; no minute feature can be derived from that")
    channels = tuple(channel for channel, _ in made)
    missing = _absent(channels, found.missing)
    notes = (*recording.quality.notes, *found.notes, *_told(missing))
    result = replace(
        recording,
        channels=channels,
        source=f"minutes of {recording.source}",
        quality=Quality(channels=tuple(entry for _, entry in made), notes=notes),
    )
    return Derivation(recording=result, missing=missing)


def _epochs(recording: Recording) -> tuple[list[Minutely], dict[str, str]]:
    """Return the finer epochs of minute features as minutes, and which features could not be brought there, and why."""
    made, refused = [], {}
    for channel in filter(is_epochs, recording.channels):
        try:
            made.append(to_minutes(channel))
        except BadConfiguration as error:
            refused[channel.modality] = str(error)
    return made, refused


def _derive(recording: Recording, grid: MinuteGrid, found: _Found) -> None:
    """Add the columns of every sensor that the recording has."""
    moved = _movement(recording, grid, found)
    _heart(recording, grid, found, moved)
    for kind, group, figures in (
        ("eda", "eda", skin.conductance),
        ("temp", "temp", skin.temperature),
        ("altitude", "alt", skin.altitude),
    ):
        channel = _first(recording, kind)
        if channel is None:
            found.lack(group, f"no {kind} channel")
        elif channel.rate_hz < 2 * MINUTE_HZ:
            found.lack(group, f"{kind} at {channel.rate_hz:g} Hz; a minute needs two samples")
        else:
            found.columns |= figures(_cut(channel, grid))
            found.notes.append(f"{group}: from {channel.name!r}")


def _heart(recording: Recording, grid: MinuteGrid, found: _Found, moved: _Moved | None) -> None:
    """Add what the beats say, and at rest if it is known when that was."""
    pulse = _pulse(recording, found, np.zeros(0, dtype=np.int64) if moved is None else moved.step_ns)
    if pulse is None:
        return
    rate = heart.rate(pulse, grid)
    found.columns |= {"hr": rate} | heart.variability(pulse, grid)
    if moved is None:
        found.missing["hr_at_rest"] = "no accelerometer that tells rest from movement"
    else:
        found.columns["hr_at_rest"] = heart.rate_at_rest(rate, moved.still)


def _pulse(recording: Recording, found: _Found, step_ns: Indices) -> heart.Pulse | None:
    """Return the beats of the first kind of heart signal that has a normal interval, else of the first kind there is."""
    chosen: tuple[str, heart.Pulse] | None = None
    for kind in _HEART:
        pulses = _pulses(recording, kind, step_ns)
        if not pulses:
            continue
        best = max(pulses.items(), key=lambda item: item[1].covered_s)  # the first of equals
        chosen = best if chosen is None or best[1].covered_s > 0 else chosen
        if best[1].covered_s > 0:
            break
    if chosen is None:
        found.lack("ppg", _why_no_beats(recording))
        return None
    found.notes.append(f"heart: from {chosen[0]}")
    return chosen[1]


def _pulses(recording: Recording, kind: str, step_ns: Indices) -> dict[str, heart.Pulse]:
    """Return name -> beats of every channel of a kind that is fast enough; those that could be steps are left out of light."""
    if kind == "ibi":
        reported = len(recording.events.of_kind(kind)) > 0
        stop_ns = _extent_ns(recording)[1]
        return {"the intervals of the device": heart.from_events(recording.events, stop_ns=stop_ns)} if reported else {}
    pulses = {}
    for channel in recording.channels:
        if channel.modality == kind and channel.rate_hz >= _least_hz(kind):
            pulse = heart.from_channel(channel)
            pulses[f"{kind} {channel.name!r}"] = pulse if kind == "ecg" else heart.apart_from_steps(pulse, step_ns)
    return pulses


def _least_hz(kind: str) -> float:
    return LOWEST_RATE_HZ["ecg" if kind == "ecg" else "pulse"]


def _why_no_beats(recording: Recording) -> str:
    for channel in recording.channels:
        if channel.modality in _HEART:
            return f"{channel.modality} at {channel.rate_hz:g} Hz; beats need {_least_hz(channel.modality):g} Hz"
    return "no ECG, PPG, pressure or inter-beat intervals"


def _movement(recording: Recording, grid: MinuteGrid, found: _Found) -> _Moved | None:
    """Add what the accelerometer says, and return what the heart needs of it; None without an accelerometer."""
    axes = _three_axes(recording)
    if axes is None:
        found.lack("acc", "no accelerometer with axes x, y and z")
        return None
    if axes[0].rate_hz < SLOWEST_ACC_HZ:
        found.lack("acc", f"acc at {axes[0].rate_hz:g} Hz; movement needs {SLOWEST_ACC_HZ:g} Hz")
        return None
    found.notes.append(f"movement: from {', '.join(repr(axis.name) for axis in axes)}")
    valid = axes[0].valid & axes[1].valid & axes[2].valid
    found.columns |= motion.level(*(_cut(replace(axis, valid=valid), grid) for axis in axes))
    slow = [resample_channel(replace(axis, valid=valid), motion.WORK_HZ) for axis in axes]
    samples, there = np.stack([axis.physical() for axis in slow]), slow[0].mask()  # (3, T), (T,)
    edges = grid.edges(axes[0].start_ns, rate_hz=motion.WORK_HZ)
    moved = motion.dynamic(samples, there, edges)
    columns, principal = motion.directions(moved)
    count, step = activity.counts(samples, there, edges), activity.step_samples(samples, there)
    found.columns |= columns | motion.rhythm(principal, moved) | {"acc_kurtosis": motion.peakedness(moved)}
    found.columns |= {
        "counts": count, "acc_sleep": activity.sleep_index(count), "steps": activity.steps(step, there, edges),
    }  # fmt: skip
    return _Moved(still=moved.still, step_ns=axes[0].start_ns + np.round(step * (SECOND / motion.WORK_HZ)).astype(np.int64))


def _three_axes(recording: Recording) -> tuple[Channel, Channel, Channel] | None:
    """Return x, y and z of one accelerometer: the wrist's, else the first; None if none has all three alike."""
    by_place: dict[tuple[str, float, int, int], dict[str, Channel]] = {}
    for channel in recording.channels:
        if channel.modality == "acc":
            alike = (channel.placement, channel.rate_hz, channel.start_ns, len(channel.samples))
            by_place.setdefault(alike, {}).setdefault(channel.axis, channel)
    whole = [axes for axes in by_place.values() if axes.keys() >= {"x", "y", "z"}]
    whole.sort(key=lambda axes: axes["x"].placement != "wrist")
    return (whole[0]["x"], whole[0]["y"], whole[0]["z"]) if whole else None


def _first(recording: Recording, kind: str) -> Channel | None:
    return next((channel for channel in recording.channels if channel.modality == kind and not is_ready(channel)), None)


def _cut(channel: Channel, grid: MinuteGrid) -> ByMinute:
    edges = grid.edges(channel.start_ns, rate_hz=channel.rate_hz)
    return by_minute(channel.physical(), channel.mask(), edges, rate_hz=channel.rate_hz)


def _extent_ns(recording: Recording) -> tuple[int, int]:
    """Return start and end of what was recorded: of the channels or, where there is none, of the intervals."""
    if recording.channels:
        return recording.start_ns, max(channel.stop_ns for channel in recording.channels)
    found = recording.events.of_kind("ibi")
    if len(found) == 0:
        return 0, 0
    return int(found.onset_ns[0]), int((found.onset_ns + found.duration_ns).max())


def _extent(recording: Recording) -> MinuteGrid:
    """Return the minutes of a recording; BadConfiguration if its channels lie years apart."""
    grid = MinuteGrid.over(*_extent_ns(recording))
    if grid.count > LONGEST_DAYS * 1440:
        raise BadConfiguration(
            f"recording {recording.name!r} spans {grid.count / 1440:.0f} days; at most {LONGEST_DAYS} are brought to minutes at"
            " once: correct the start of its channels, or split it"
        )
    return grid


def _channel(name: str, column: Column, grid: MinuteGrid) -> tuple[Channel, ChannelQuality]:
    """Return a column as a channel, through the door, and what became of its minutes."""
    good = column.good & np.isfinite(column.values)
    entry = admit(
        np.where(good, column.values, _harmless(name)).astype(np.float32),
        name=name,
        modality_name=name,
        unit=modality(name).unit,
        rate_hz=MINUTE_HZ,
        start_ns=grid.first_ns,
    )
    valid = Spans.from_mask(entry.channel.mask() & good)
    lost = entry.channel.valid.total - valid.total
    findings = (
        (*entry.quality.findings, Finding(action="masked", samples=lost, reason=column.rule))
        if lost
        else entry.quality.findings
    )
    return (
        replace(entry.channel, samples=np.where(good, entry.channel.samples, np.float32(0)), valid=valid),
        replace(entry.quality, kept=valid.total, findings=findings),
    )


def _harmless(name: str) -> float:
    """Return a value that the door lets pass, for minutes that are masked for another reason."""
    return max(0.0, modality(name).low)


def _plain(channel: Channel) -> ChannelQuality:
    """Return the quality record of a channel that came without one."""
    lost = len(channel.samples) - channel.valid.total
    findings = (Finding(action="masked", samples=lost, reason="not valid in the source"),) if lost else ()
    return ChannelQuality(name=channel.name, source=len(channel.samples), kept=channel.valid.total, findings=findings)


def _absent(channels: Iterable[Channel], reasons: Mapping[str, str]) -> dict[str, str]:
    """Return every feature that no channel holds, with the reason."""
    there = {channel.modality for channel in channels}
    return {
        name: reasons.get(name, "only a device reports it" if feature.group == "device" else "not in the recording")
        for name, feature in MINUTE_FEATURES.items()
        if name not in there
    }


def _told(missing: Mapping[str, str]) -> Iterator[str]:
    """Yield one note for each reason, with the features that it concerns."""
    for why in dict.fromkeys(missing.values()):
        yield f"no {', '.join(name for name, reason in missing.items() if reason == why)}: {why}"
