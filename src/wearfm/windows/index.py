"""The window index: every window of a store that fits an input contract, and why the rest does not.

    store ──build──▶ rows (recording, start) + per recording the channels of each modality + skipped seconds by reason

Rows are sorted by participant, recording name and start, whatever the order in which a store was filled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.spans import Spans
from wearfm.signals.units import MODALITIES
from wearfm.store import ChannelTable, RecordingRow
from wearfm.windows.contract import ANY, InputContract, Stream
from wearfm.windows.source import Source

SECOND = 1_000_000_000
UNDATED = -(2**63)  # wall-clock time of a recording whose clock or zone is not known
Tail = Literal["drop", "overlap"]


@dataclass(frozen=True, eq=False)
class ByParticipant:
    """Windows grouped by participant. windows: (N,) row numbers; participant p owns windows[first[p] : first[p] + count[p]]."""

    windows: NDArray[np.int64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Where a modality's channels lie in the store.

    channel: (R, C) channel ids of every recording, -1 where it has fewer than C. rate_hz, start_ns: (R, C) of those channels.
    """

    channel: NDArray[np.int64]
    rate_hz: NDArray[np.float64]
    start_ns: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowIndex:
    """All windows that fit a contract.

    participants: (people,) ids. recordings: (R,) names. participant_of: (R,) code of each recording's participant.
    layouts: modality -> Layout. recording, start_ns: (N,) the windows. timeline: (N,) times that can be compared
    within a participant, nanoseconds. local_shift_ns: (R,) what makes wall-clock time of a recording's time, UNDATED where
    that is not known. skipped: reason -> seconds of signal that no window covers. targets: name -> (N, ...) labels.
    """

    contract: InputContract
    participants: tuple[str, ...]
    recordings: tuple[str, ...]
    participant_of: NDArray[np.int64]
    layouts: Mapping[str, Layout]
    recording: NDArray[np.int64]
    start_ns: NDArray[np.int64]
    timeline: NDArray[np.int64]
    local_shift_ns: NDArray[np.int64]
    skipped: Mapping[str, float]
    targets: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        store: Source,
        contract: InputContract,
        *,
        stride_s: float | None = None,
        tail: Tail = "drop",
    ) -> WindowIndex:
        """Return the windows of a store.

        stride_s: seconds from one window to the next; None for windows that touch. tail: what becomes of a recording's
        end that is shorter than a window: "drop" counts it as skipped, "overlap" adds a last window that ends with
        the recording. A recording shorter than one window gives one window whose missing end is not valid, if the
        contract's min_valid allows. For some participants or modalities only, give a `View` of the store.
        """
        stride = contract.window_s if stride_s is None else stride_s
        if not (contract.window_s > 0 and stride > 0):
            raise BadConfiguration(f"window_s={contract.window_s:g}, stride_s={stride:g}; both must be positive")
        if contract.align_s is not None and stride % contract.align_s:
            raise BadConfiguration(
                f"stride_s={stride:g}; windows start at multiples of {contract.align_s:g} s: use one of them"
            )
        rows = list(store.recordings())
        table = store.channels()
        finder = _Finder(table, store.spans(), contract, stride_ns=round(stride * SECOND), tail=tail)
        shift_ns = np.array([_local_shift(row) for row in rows], dtype=np.int64)
        dated = np.array([row.clock != "relative" for row in rows], dtype=bool)
        unknown = np.where(dated, 0, round(contract.align_from_s * SECOND))  # a recording without a date begins the grid
        known = np.where(shift_ns == UNDATED, unknown, shift_ns)
        starts = [finder.windows(row.id, shift_ns=int(shift)) for row, shift in zip(rows, known, strict=True)]
        people = sorted({row.participant for row in rows})
        code = {name: number for number, name in enumerate(people)}
        participant_of = np.array([code[row.participant] for row in rows], dtype=np.int64)
        recording = np.repeat(np.arange(len(rows)), [len(s) for s in starts])
        start_ns = np.concatenate(starts) if starts else np.zeros(0, dtype=np.int64)
        return cls(
            contract=contract,
            participants=tuple(people),
            recordings=tuple(row.name for row in rows),
            participant_of=participant_of,
            layouts=_layouts(table, contract, [row.id for row in rows]),
            recording=recording,
            start_ns=start_ns,
            timeline=_timeline(recording, start_ns, participant_of, dated),
            local_shift_ns=shift_ns,
            skipped=dict(finder.skipped),
        )

    def __len__(self) -> int:
        return len(self.recording)

    @property
    def participant(self) -> NDArray[np.int64]:
        """(N,) participant code of every window."""
        return self.participant_of[self.recording]

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> WindowIndex:
        """Return the index with the chosen windows only."""
        return replace(
            self,
            recording=self.recording[rows],
            start_ns=self.start_ns[rows],
            timeline=self.timeline[rows],
            targets={name: target[rows] for name, target in self.targets.items()},
        )

    def local_ns(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return when some windows start on the wall clock of their wearers, (B,) int64; UNDATED where that is not known."""
        shift = self.local_shift_ns[self.recording[rows]]
        return np.where(shift == UNDATED, UNDATED, self.start_ns[rows] + np.where(shift == UNDATED, 0, shift))

    def with_targets(self, **targets: NDArray[Any]) -> WindowIndex:
        """Return the index with labels of its windows, name -> (N, ...); batches carry them as `targets`."""
        for name, target in targets.items():
            assert len(target) == len(self), f"{name}: {len(target)} labels for {len(self)} windows"
        return replace(self, targets={**self.targets, **targets})

    def of_participants(self, names: Collection[str]) -> WindowIndex:
        """Return the index with the windows of some participants only."""
        wanted = np.array([name in names for name in self.participants], dtype=bool)
        return self.select(wanted[self.participant] if len(self) else np.zeros(0, dtype=bool))

    def by_participant(self) -> ByParticipant:
        """Return the windows grouped by participant, each group in the order of time; people without windows are left out."""
        return self._by_participant

    @cached_property
    def _by_participant(self) -> ByParticipant:
        order = np.lexsort((self.timeline, self.participant))
        _, first, count = np.unique(self.participant[order], return_index=True, return_counts=True)
        return ByParticipant(order, first.astype(np.int64), count.astype(np.int64))


class _Finder:
    """Finds the windows of one recording after the other and keeps account of what is skipped."""

    def __init__(
        self, table: ChannelTable, spans: Mapping[int, Spans], contract: InputContract, *, stride_ns: int, tail: Tail
    ) -> None:
        self.contract = contract
        self.stride_ns = stride_ns
        self.window_ns = round(contract.window_s * SECOND)
        self.align_ns = None if contract.align_s is None else round(contract.align_s * SECOND)
        self.align_from_ns = round(contract.align_from_s * SECOND)
        self.tail = tail
        self.table = table
        self.spans = spans
        self.skipped: dict[str, float] = defaultdict(float)
        self._rows: dict[int, list[int]] = defaultdict(list)
        for row, recording in enumerate(self.table.recording.tolist()):
            self._rows[recording].append(row)

    def windows(self, recording: int, *, shift_ns: int) -> NDArray[np.int64]:
        """Return the starts of a recording's windows, nanoseconds. shift_ns: wall-clock time minus the recording's."""
        rows = self._wanted(recording)
        if not rows:
            return np.zeros(0, dtype=np.int64)
        first, last = self._extent(rows)
        starts = self._grid(first, last) if self.align_ns is None else self._aligned(first, last, shift_ns)
        share = self._share_valid(rows, starts)
        good = share >= self.contract.min_valid - 1e-9
        bad = int((~good).sum())
        if bad:
            self.skipped[f"less than {self.contract.min_valid:.0%} of the window valid"] += bad * self._step_s(last - first)
        return starts[good]

    def _step_s(self, length_ns: int) -> float:
        return min(self.stride_ns, self.window_ns, length_ns) / SECOND

    def _wanted(self, recording: int) -> list[int]:
        """Return the table rows of the channels that the contract asks for; [] and a reason if a stream is missing."""
        table, rows = self.table, self._rows[recording]
        wanted: list[int] = []
        seconds = max((table.length[row] / table.rate_hz[row] for row in rows), default=0.0)
        for stream in self.contract.streams:
            found = self._found(stream, rows)
            if len(found) < (stream.channels or 1):
                if stream.is_optional:
                    continue
                need = f"{stream.channels} {stream.modality} channels" if stream.channels else f"{stream.modality}"
                self.skipped[f"recording without {need}"] += float(seconds)
                return []
            wanted += found[: stream.channels]
        if not wanted:
            self.skipped["recording without any stream that is asked for"] += float(seconds)
        return wanted

    def _found(self, stream: Stream, rows: list[int]) -> list[int]:
        """Return the table rows of the channels that can stand in for a stream; totals only at the very rate."""
        table = self.table
        found = [row for row in rows if stream.modality in (ANY, table.modality[row])]
        good = [row for row in found if usable(str(table.modality[row]), float(table.rate_hz[row]), stream.rate_hz)]
        for row in set(found) - set(good):
            reason = f"{table.modality[row]} at {table.rate_hz[row]:g} Hz: totals cannot be resampled"
            self.skipped[reason] += float(table.length[row] / table.rate_hz[row])
        return good

    def _extent(self, rows: list[int]) -> tuple[int, int]:
        """Return the time that all needed channels share or, where none is needed for itself, that any of them covers."""
        table = self.table
        needed = {stream.modality for stream in self.contract.streams if not stream.is_optional} - {ANY}
        if needed and not any(stream.modality == ANY for stream in self.contract.streams):
            rows = [row for row in rows if table.modality[row] in needed]
        starts = table.start_ns[rows]
        stops = starts + np.round(table.length[rows] * (SECOND / table.rate_hz[rows])).astype(np.int64)
        if not needed or any(stream.modality == ANY for stream in self.contract.streams):
            return int(starts.min()), int(stops.max())
        first, last = int(starts.max()), int(stops.min())
        lost = (int(stops.max()) - int(starts.min())) - max(last - first, 0)
        if lost > 0:
            self.skipped["not covered by every channel"] += lost / SECOND
        return first, last

    def _grid(self, first: int, last: int) -> NDArray[np.int64]:
        """Return candidate starts in [first, last)."""
        if last <= first:
            return np.zeros(0, dtype=np.int64)
        room = last - first - self.window_ns
        slack = 1_000_000  # 1 ms: a recording may end within a sample of a full window
        if room < -slack:
            return np.array([first], dtype=np.int64)
        starts = first + np.arange(0, max(room, 0) + slack + 1, self.stride_ns, dtype=np.int64)
        rest = last - (int(starts[-1]) + self.window_ns)
        if rest > slack and self.tail == "overlap":
            return np.append(starts, last - self.window_ns)
        if rest > slack:
            self.skipped["end of the recording, shorter than a window"] += rest / SECOND
        return starts

    def _aligned(self, first: int, last: int, shift_ns: int) -> NDArray[np.int64]:
        """Return candidate starts on the wall clock's grid, the first at or before `first`, the last before `last`."""
        if last <= first:
            return np.zeros(0, dtype=np.int64)
        assert self.align_ns is not None
        zero = self.align_from_ns - shift_ns
        start = (first - zero) // self.align_ns * self.align_ns + zero
        return np.arange(start, last, self.stride_ns, dtype=np.int64)

    def _share_valid(self, rows: list[int], starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the share of valid samples of each window, averaged over the channels."""
        share = np.zeros(len(starts))
        for row in rows:
            rate = float(self.table.rate_hz[row])
            length = round(self.contract.window_s * rate)
            at = np.round((starts - self.table.start_ns[row]) * (rate / SECOND)).astype(np.int64)
            share += self.spans[int(self.table.id[row])].covered(at, length) / max(length, 1)
        return share / len(rows)


def _layouts(table: ChannelTable, contract: InputContract, recordings: list[int]) -> dict[str, Layout]:
    place = {recording: number for number, recording in enumerate(recordings)}
    found: dict[str, list[list[int]]] = {}
    limit = {stream.modality: stream.channels for stream in contract.streams}
    wanted_hz = {stream.modality: stream.rate_hz for stream in contract.streams}
    for row, (recording, kind) in enumerate(zip(table.recording.tolist(), table.modality.tolist(), strict=True)):
        if recording not in place or (kind not in limit and ANY not in limit):
            continue
        if not usable(kind, float(table.rate_hz[row]), wanted_hz.get(kind, wanted_hz.get(ANY))):
            continue
        if kind not in found:  # setdefault would make the lists anew for every channel
            found[kind] = [[] for _ in recordings]
        rows = found[kind][place[recording]]
        cap = limit.get(kind, limit.get(ANY))
        if cap is None or len(rows) < cap:
            rows.append(row)
    return {kind: _layout(table, rows) for kind, rows in sorted(found.items())}


def _layout(table: ChannelTable, rows: list[list[int]]) -> Layout:
    width = max(len(r) for r in rows)
    at = np.full((len(rows), width), -1, dtype=np.int64)
    for number, chosen in enumerate(rows):
        at[number, : len(chosen)] = chosen
    there = at >= 0
    return Layout(
        channel=np.where(there, table.id[at], -1),
        rate_hz=np.where(there, table.rate_hz[at], np.nan),
        start_ns=np.where(there, table.start_ns[at], 0),
    )


def usable(modality: str, rate_hz: float, wanted_hz: float | None) -> bool:
    """Return whether a channel can be read at a rate: totals (steps, counts) cannot be resampled, everything else can."""
    if wanted_hz is None or modality not in MODALITIES or not MODALITIES[modality].is_total:
        return True
    return abs(rate_hz / wanted_hz - 1) < 1e-6


def _local_shift(row: RecordingRow) -> int:
    """Return wall-clock time minus the recording's time, nanoseconds; UNDATED if clock or zone is not known."""
    if row.clock == "local":
        return 0
    return UNDATED if row.clock == "relative" or row.utc_offset_s is None else row.utc_offset_s * SECOND


def _timeline(
    recording: NDArray[np.int64], start_ns: NDArray[np.int64], participant_of: NDArray[np.int64], dated: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return times that can be compared within a participant: recordings without a date are set far apart, in order."""
    if dated.all() or len(recording) == 0:
        return start_ns
    first = np.searchsorted(participant_of, participant_of, side="left")  # recordings are sorted by participant
    rank = np.arange(len(participant_of)) - first
    apart = (2**62) // (int(rank.max()) + 1)
    shift = np.where(dated, 0, rank * apart)
    return np.asarray(start_ns + shift[recording], dtype=np.int64)
