"""What really happened, as events: beats, heart rate, rhythm, activity, sleep, stress, responses, artefacts, gaps.

kind       label                                      duration      value
beat       sinus, premature, af                       0             interval that ends with it, s
hr         ""                                         60 s          60 / mean interval, per min; none below two beats
rhythm     sinus, af                                  span          NaN
activity   sleep, rest, walking, exercise, stress     span          share of heart rate reserve asked for
sleep      light, deep, rem                           span          NaN
stress     ""                                         span          NaN
scr        ""                                         0             height, uS
artefact   motion, loose_strap                        span          NaN
gap        charging, watch_radio, patch_radio         span          NaN
tremor     ""                                         span          frequency, Hz
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wearfm.signals.recording import SECOND, Events
from wearfm.signals.spans import Spans
from wearfm.synthetic.day import ACTIVITIES, REST, STAGES, STRESS, Schedule, sleep_stages
from wearfm.synthetic.missing import Missing
from wearfm.synthetic.participant import Participant
from wearfm.synthetic.rhythm import BEAT_KINDS, Beats

Numbers = NDArray[np.float64]


class Truth:
    """Collects events in seconds of the session and gives them out sorted, in nanoseconds of the recording's clock."""

    def __init__(self, *, start_ns: int, session_s: float) -> None:
        self.start_ns = start_ns
        self.session_s = session_s
        self._parts: list[Events] = []

    def add(
        self, kind: str, onset_s: Numbers, duration_s: Numbers | float, label: str | Sequence[str], value: Numbers | float
    ) -> None:
        """Add N events; a scalar stands for all of them. Events are cut to the session; those outside are left out."""
        onset = np.asarray(onset_s, dtype=np.float64)
        stop = np.minimum(onset + duration_s, self.session_s)
        inside = (onset < self.session_s) & ((stop > 0) | (onset == 0))
        onset, stop = np.maximum(onset[inside], 0.0), stop[inside]
        first_ns = np.round(onset * SECOND).astype(np.int64)
        self._parts.append(
            Events(
                kind=np.full(len(onset), kind),
                onset_ns=self.start_ns + first_ns,
                duration_ns=np.round(stop * SECOND).astype(np.int64) - first_ns,
                label=np.broadcast_to(np.asarray(label, dtype=np.str_), inside.shape)[inside],
                value=np.broadcast_to(np.asarray(value, dtype=np.float64), inside.shape)[inside],
            )
        )

    def add_spans(self, kind: str, spans: Numbers, label: str | Sequence[str] = "", value: Numbers | float = np.nan) -> None:
        """Add (N, 2) spans of seconds."""
        self.add(kind, spans[:, 0], spans[:, 1] - spans[:, 0], label, value)

    def events(self) -> Events:
        """Return all of them, by onset, then kind, then label."""
        whole = Events(
            **{
                field: np.concatenate([getattr(part, field) for part in self._parts])
                for field in ("kind", "onset_ns", "duration_ns", "label", "value")
            }
        )
        return whole.select(np.lexsort((whole.label, whole.kind, whole.onset_ns)))


def tell_day(truth: Truth, schedule: Schedule, person: Participant) -> None:
    """Add activity, sleep, stress and tremor."""
    spans = np.array([(bout.start_s, bout.stop_s) for bout in schedule.bouts])
    names = [ACTIVITIES[bout.activity] for bout in schedule.bouts]
    truth.add_spans("activity", spans, names, np.array([bout.effort for bout in schedule.bouts]))
    stages = list(sleep_stages(schedule))
    truth.add_spans("sleep", _pairs([row[1:] for row in stages]), [STAGES[row[0]] for row in stages])
    truth.add_spans("stress", _pairs([(bout.start_s, bout.stop_s) for bout in schedule.of(STRESS)]))
    if person.tremor_hz:
        shaking = schedule.of(REST) + schedule.of(STRESS)
        truth.add_spans("tremor", _pairs([(bout.start_s, bout.stop_s) for bout in shaking]), "", person.tremor_hz)


def tell_heart(truth: Truth, beats: Beats) -> None:
    """Add beats, heart rate per minute and rhythm."""
    inside = (beats.times_s >= 0) & (beats.times_s < truth.session_s)
    times, rr = beats.times_s[inside], beats.rr_s[inside]
    truth.add("beat", times, 0.0, np.array(BEAT_KINDS)[beats.kind[inside]].tolist(), rr)
    minutes = int(np.ceil(truth.session_s / 60))
    minute = (times // 60).astype(np.int64)
    count = np.bincount(minute, minlength=minutes)
    total = np.bincount(minute, weights=rr, minlength=minutes)
    enough = count >= 2
    truth.add(
        "hr",
        np.asarray(60.0 * np.flatnonzero(enough), dtype=np.float64),
        60.0,
        "",
        np.asarray(60 * count[enough] / total[enough], dtype=np.float64),
    )
    edges = np.clip(np.concatenate(([0.0], beats.af_spans.ravel(), [truth.session_s])), 0, truth.session_s)
    spans = np.stack((edges[:-1], edges[1:]), axis=1)  # sinus and fibrillation in turn
    labels = np.array(["sinus", "af"])[np.arange(len(spans)) % 2]
    real = spans[:, 1] > spans[:, 0]
    truth.add_spans("rhythm", spans[real], labels[real].tolist())


def tell_missing(truth: Truth, missing: Missing) -> None:
    """Add gaps and loose straps."""
    truth.add_spans("gap", missing.charging, "charging")
    truth.add_spans("gap", missing.watch_radio, "watch_radio")
    truth.add_spans("gap", missing.patch_radio, "patch_radio")
    truth.add_spans("artefact", missing.loose, "loose_strap")


def tell_artefacts(truth: Truth, drowned: NDArray[np.bool_]) -> None:
    """Add the spans of whole seconds in which movement has more power than the pulse; drowned: (seconds,)."""
    truth.add_spans("artefact", Spans.from_mask(drowned).bounds.astype(np.float64), "motion")


def _pairs(rows: Sequence[tuple[float, ...]]) -> Numbers:
    return np.array(rows, dtype=np.float64).reshape(-1, 2)
