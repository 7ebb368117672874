"""Makers of labels: from facts about people and from events in time.

Each returns a function (rows, truth) -> (N,) labels. A missing label is NaN among numbers and "" among classes; the
evaluation drops and counts such rows, and never fills them in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.evaluation.task import Label, Rows, Truth
from wearfm.signals.recording import SECOND, Events, Fact
from wearfm.signals.spans import Spans


def fact(name: str) -> Label:
    """Return a label that is a fact of the recording: numbers if all known values are numbers, else text."""

    def label(rows: Rows, truth: Truth) -> NDArray[Any]:
        values = _facts(name, rows, truth)
        if any(isinstance(value, str) for value in values):
            return np.array(["" if value is None else _text(value) for value in values], dtype=np.str_)
        return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)

    return label


def fact_above(name: str, threshold: float) -> Label:
    """Return the label "yes" where a numeric fact is above the threshold, "no" where it is not."""

    def label(rows: Rows, truth: Truth) -> NDArray[Any]:
        values = np.array([_number(name, value) for value in _facts(name, rows, truth)], dtype=np.float64)
        return np.where(np.isnan(values), "", np.where(values > threshold, "yes", "no"))

    return label


def fact_in(name: str, mapping: Mapping[Fact, str]) -> Label:
    """Return a label that renames the values of a fact; values outside the mapping are missing."""

    def label(rows: Rows, truth: Truth) -> NDArray[Any]:
        return np.array(
            [mapping.get(value, "") if value is not None else "" for value in _facts(name, rows, truth)], dtype=np.str_
        )

    return label


def event_label(kind: str, *, min_share: float = 0.5, mapping: Mapping[str, str] | None = None) -> Label:
    """Return the label of the events that cover most of the window.

    "" where the winner covers less than `min_share` of the window. mapping: renames labels before counting; labels
    outside it do not count. Ties go to the label that comes first in sorted order.
    """
    if not 0 < min_share <= 1:
        raise BadConfiguration(f"min_share={min_share} must be above 0 and at most 1")

    def label(rows: Rows, truth: Truth) -> NDArray[Any]:
        result = np.full(len(rows), "", dtype=object)
        for participant, recording, numbers in rows.recordings():
            events = truth.events(participant, recording, kind)
            names = np.array(
                [name if mapping is None else mapping.get(name, "") for name in events.label.tolist()], dtype=np.str_
            )
            result[numbers] = _winner(events, names, rows.select(numbers), min_share)
        return result.astype(np.str_)

    return label


def event_mean(kind: str) -> Label:
    """Return the mean value of the events in the window, weighted by overlap; events without duration weigh the same.

    Events whose value is NaN do not count; a window without any event is missing.
    """

    def label(rows: Rows, truth: Truth) -> NDArray[Any]:
        result = np.full(len(rows), np.nan)
        for participant, recording, numbers in rows.recordings():
            events = truth.events(participant, recording, kind)
            events = events.select(np.isfinite(events.value))
            if len(events):
                result[numbers] = _overlap_mean(events, rows.select(numbers))
        return result

    return label


def event_match(kind: str) -> Label:
    """Return the value of the event that matches the window best: the largest intersection over union.

    Events that match equally well are averaged. For references of 8 s every 2 s, a window of 8 s that starts with a
    reference has that reference's value, a longer window the mean of the references inside it. Events whose value is
    NaN or that have no duration do not count; a window that meets no event is missing.
    """

    def label(rows: Rows, truth: Truth) -> NDArray[Any]:
        result = np.full(len(rows), np.nan)
        for participant, recording, numbers in rows.recordings():
            events = truth.events(participant, recording, kind)
            events = events.select(np.isfinite(events.value) & (events.duration_ns > 0))
            if len(events):
                result[numbers] = _best_match(events, rows.select(numbers))
        return result

    return label


def event_present(kind: str, names: Collection[str]) -> Label:
    """Return the label "yes" where an event of these names begins in the window, "no" where none does.

    A recording without any event of the kind was not annotated: its windows have no label.
    """

    def label(rows: Rows, truth: Truth) -> NDArray[Any]:
        result = np.full(len(rows), "", dtype=object)
        for participant, recording, numbers in rows.recordings():
            events = truth.events(participant, recording, kind)
            if len(events):
                onset = events.onset_ns[np.isin(events.label, sorted(names))]
                result[numbers] = np.where(_begin_inside(onset, rows.select(numbers)), "yes", "no")
        return result.astype(np.str_)

    return label


def of_dataset(dataset: str, label: Label) -> Label:
    """Return the label for the participants of one data set, named "<dataset>:<id>"; others have none.

    A store may hold several data sets that know the same fact, taken in different ways.
    """

    def only(rows: Rows, truth: Truth) -> NDArray[Any]:
        inside = np.char.startswith(rows.participant.astype(np.str_), f"{dataset}:")
        found = label(rows.select(inside), truth)
        missing = np.nan if found.dtype.kind == "f" else ""
        result = np.full(len(rows), missing, dtype=found.dtype)
        result[inside] = found
        return result

    return only


def _facts(name: str, rows: Rows, truth: Truth) -> list[Fact | None]:
    values: list[Fact | None] = [None] * len(rows)
    for participant, recording, numbers in rows.recordings():
        value = truth.facts(participant, recording).get(name)
        if value is None or value == "" or (isinstance(value, float) and np.isnan(value)):
            continue
        for number in numbers.tolist():
            values[number] = value
    return values


def _text(value: Fact) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _number(name: str, value: Fact | None) -> float:
    if isinstance(value, str):
        raise BadConfiguration(f"fact {name!r} is {value!r}; a threshold needs a number: use fact_in for text")
    return np.nan if value is None else float(value)


def _winner(events: Events, names: NDArray[np.str_], rows: Rows, min_share: float) -> NDArray[np.object_]:
    """Return the label that covers most of each window."""
    known = sorted(set(names.tolist()) - {""})
    if not known:
        return np.full(len(rows), "", dtype=object)
    share = np.stack([_covered(events.select(names == name), rows) for name in known])  # (labels, N)
    best = share.argmax(axis=0)
    enough = share[best, np.arange(len(rows))] >= min_share - 1e-9
    return np.where(enough, np.array(known, dtype=object)[best], "")


def _covered(events: Events, rows: Rows) -> NDArray[np.float64]:
    """Return the share of each window that the events cover, overlaps counted once."""
    spans = Spans.of(np.stack((events.onset_ns, events.onset_ns + events.duration_ns), axis=1))
    length = np.rint(rows.duration_s * SECOND).astype(np.int64)
    covered = np.zeros(len(rows))
    for each in np.unique(length).tolist():
        chosen = length == each
        covered[chosen] = spans.covered(rows.start_ns[chosen], each) / max(each, 1)
    return covered


def _best_match(events: Events, rows: Rows) -> NDArray[np.float64]:
    """Return the mean value of the events with the largest intersection over union with each window."""
    onset, offset = events.onset_ns, events.onset_ns + events.duration_ns
    longest = int(events.duration_ns.max())
    stop = rows.start_ns + np.rint(rows.duration_s * SECOND).astype(np.int64)
    found = np.full(len(rows), np.nan)
    for number, (first, last) in enumerate(zip(rows.start_ns.tolist(), stop.tolist(), strict=True)):
        near = slice(np.searchsorted(onset, first - longest), np.searchsorted(onset, last))
        shared = np.minimum(offset[near], last) - np.maximum(onset[near], first)
        share = shared / (np.maximum(offset[near], last) - np.minimum(onset[near], first))
        if len(share) and share.max() > 0:
            found[number] = events.value[near][share >= share.max() - 1e-9].mean()
    return found


def _begin_inside(onset: NDArray[np.int64], rows: Rows) -> NDArray[np.bool_]:
    """Return whether an onset lies in each half-open window; onset: sorted."""
    stop = rows.start_ns + np.rint(rows.duration_s * SECOND).astype(np.int64)
    return np.searchsorted(onset, stop, side="left") > np.searchsorted(onset, rows.start_ns, side="left")


def _overlap_mean(events: Events, rows: Rows) -> NDArray[np.float64]:
    """Return the overlap-weighted mean value in every window, by differences of running integrals."""
    zero = int(events.onset_ns[0])
    start = (rows.start_ns - zero) / SECOND
    stop = start + rows.duration_s
    onset = (events.onset_ns - zero) / SECOND
    offset = onset + events.duration_ns / SECOND
    pointlike = not np.any(events.duration_ns)
    integral = _counted if pointlike else _integrated
    weight = integral(stop, onset, offset, np.ones(len(onset))) - integral(start, onset, offset, np.ones(len(onset)))
    level = events.value.mean()  # centred, so that the difference of integrals keeps its digits
    value = integral(stop, onset, offset, events.value - level) - integral(start, onset, offset, events.value - level)
    present = weight > 1e-6
    return np.where(present, level + value / np.where(present, weight, 1.0), np.nan)


def _counted(
    time: NDArray[np.float64], onset: NDArray[np.float64], _offset: NDArray[np.float64], value: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the sum of the values of events before each time."""
    total: NDArray[np.float64] = np.concatenate(([0.0], np.cumsum(value)))
    return total[np.searchsorted(onset, time, side="left")]


def _integrated(
    time: NDArray[np.float64], onset: NDArray[np.float64], offset: NDArray[np.float64], value: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the integral of value over event time up to each time: sum of v (t - on)+ minus sum of v (t - off)+."""
    return _ramps(time, onset, value) - _ramps(time, offset, value)


def _ramps(time: NDArray[np.float64], corner: NDArray[np.float64], slope: NDArray[np.float64]) -> NDArray[np.float64]:
    order = np.argsort(corner, kind="stable")
    slopes = np.concatenate(([0.0], np.cumsum(slope[order])))
    moments = np.concatenate(([0.0], np.cumsum(slope[order] * corner[order])))
    place = np.searchsorted(corner[order], time, side="right")
    return np.asarray(slopes[place] * time - moments[place], dtype=np.float64)
