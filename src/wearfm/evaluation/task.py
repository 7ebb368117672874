"""A task: one question to data, with its label, its metric, and what was published about it.

Task ── question, data set, kind, level
  ├── label(rows, truth)   one label a window, missing ones "" or NaN
  ├── metric               the headline figure, a key of `metrics.METRICS`
  └── published            what others reported, and whether their protocol is ours
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.evaluation.metrics import METRICS
from wearfm.signals.recording import Events, Fact

if TYPE_CHECKING:
    from wearfm.store import Store

Kind = Literal["binary", "multiclass", "regression"]
Level = Literal["window", "recording", "participant"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Windows, by who and when. participant, recording: (N,) text. start_ns: (N,) int64. duration_s: (N,) float64."""

    participant: NDArray[np.str_]
    recording: NDArray[np.str_]
    start_ns: NDArray[np.int64]
    duration_s: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.participant)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Rows:
        """Return the chosen rows."""
        return Rows(
            participant=self.participant[rows],
            recording=self.recording[rows],
            start_ns=self.start_ns[rows],
            duration_s=self.duration_s[rows],
        )

    def recordings(self) -> Iterator[tuple[str, str, NDArray[np.int64]]]:
        """Yield every (participant, recording) with the numbers of its rows, in sorted order."""
        if len(self) == 0:
            return
        order = np.lexsort((self.recording, self.participant))
        person, session = self.participant[order], self.recording[order]
        starts = np.flatnonzero(np.concatenate(([True], (person[1:] != person[:-1]) | (session[1:] != session[:-1]))))
        for rows in np.split(order, starts[1:]):
            yield str(self.participant[rows[0]]), str(self.recording[rows[0]]), np.sort(rows)


class Truth(Protocol):
    """Where labels come from."""

    def facts(self, participant: str, recording: str) -> Mapping[str, Fact]:
        """Return what is known of a recording and its participant."""

    def events(self, participant: str, recording: str, kind: str) -> Events:
        """Return the events of one kind of a recording."""


class StoreTruth:
    """Labels from the facts and events that a store keeps."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recordings = {(row.participant, row.name): row for row in store.recordings()}

    @property
    def known(self) -> set[tuple[str, str]]:
        """(participant, recording) of everything in the store."""
        return set(self._recordings)

    def facts(self, participant: str, recording: str) -> Mapping[str, Fact]:
        """Return what is known of a recording and its participant; nothing for one that the store does not have."""
        row = self._recordings.get((participant, recording))
        return {} if row is None else row.facts

    def events(self, participant: str, recording: str, kind: str) -> Events:
        """Return the events of one kind of a recording; none for one that the store does not have."""
        row = self._recordings.get((participant, recording))
        return Events.of() if row is None else self._store.events(row.id, kind)


Label = Callable[[Rows, Truth], NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Published:
    """A figure from the literature, to stand beside ours.

    metric: a key of `metrics.METRICS`. value: on that metric's scale (AUROC 0.76, not 76). matches: whether data, split
    and probe are ours, so that the figures may be compared; why_not: if they may not, in one clause.
    """

    model: str
    metric: str
    value: float
    protocol: str
    matches: bool
    why_not: str = ""

    def __post_init__(self) -> None:
        if not self.matches and not self.why_not:
            raise BadConfiguration(f"published figure of {self.model!r} does not match our protocol; say why in why_not")


@dataclass(frozen=True, kw_only=True)
class Task:
    """One question to data.

    name: short, unique. question: one plain sentence. unit: of the label, "" for classes. level: windows are averaged up
    to it before the probe. metric: headline. classes: names in order, () to take what the data have (multiclass only).
    positive: the class whose probability is scored (binary only). demographics: names of facts that the demographics
    baseline may use; never the label itself. min_participants: with fewer labelled people the task is not answered.
    """

    name: str
    question: str
    dataset: str
    kind: Kind
    label: Label
    metric: str
    unit: str = ""
    level: Level = "window"
    classes: tuple[str, ...] = ()
    positive: str = ""
    demographics: tuple[str, ...] = ()
    min_participants: int = 6
    citation: str = ""
    published: tuple[Published, ...] = ()

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise UnknownName("metric", self.metric, METRICS)
        if self.kind not in METRICS[self.metric].kinds:
            kinds = " or ".join(METRICS[self.metric].kinds)
            raise BadConfiguration(
                f"task {self.name!r} is {self.kind}, but {self.metric} judges {kinds} tasks; choose another metric"
            )
        if self.kind == "binary" and (len(self.classes) != 2 or self.positive not in self.classes):
            raise BadConfiguration(
                f"task {self.name!r} has classes {self.classes} and positive {self.positive!r};"
                " a binary task needs two classes, one of them positive"
            )
        if self.min_participants < 3:
            raise BadConfiguration(
                f"task {self.name!r} accepts {self.min_participants} participants; three folds need at least 3"
            )
