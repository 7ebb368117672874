"""Resolution: how a task's score depends on the sampling rate, on how much of a person was recorded, and on how many people.

    store ─┬─ resampled to each rate ───────────────────▶ embed ─┐
           └─ as it is ─▶ embed ─┬─ so many minutes a teacher ────┼─▶ judge on the same people everywhere ─▶ curves
                                 └─ so many teachers, some draws ─┘

The judged people and their windows are the same at every point, so that points differ by one thing only: what is judged
and taught at a lower rate, or by whom and how long it was taught. Every point is kept and taken up again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wearfm.embeddings.extract import Cut, embed
from wearfm.embeddings.handmade import NAME as HANDMADE
from wearfm.embeddings.handmade import statistics_table
from wearfm.embeddings.table import EmbeddingTable
from wearfm.errors import BadConfiguration
from wearfm.evaluation.evaluate import evaluate
from wearfm.evaluation.task import Rows, StoreTruth, Task
from wearfm.preparation import prepare_recordings, silent
from wearfm.recipes.base import Recipe, at_window
from wearfm.recipes.weights import weight_hash
from wearfm.signals.recording import Channel, Recording
from wearfm.signals.resample import resample_channel
from wearfm.store import Store
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import usable
from wearfm.windows.people import same_persons
from wearfm.windows.split import folds

Axis = Literal["rate_hz", "minutes", "participants"]
AXES: dict[Axis, str] = {
    "rate_hz": "sampling rate, Hz",
    "minutes": "signal of each teacher, minutes",
    "participants": "people who teach",
}
Keep = Literal["spread", "first"]
FEWEST_TEACHERS = 3  # a probe's penalty is chosen on people left out of them
Watch = Callable[[int, int, str], None]  # done, total, what


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What to look at, and how. rates_hz, minutes, participants: the points of each axis; the whole is always one more.

    modalities: what may be looked at. window_s: seconds of a window; windows touch. keep: which minutes of a teacher:
    "spread" evenly over the recording, or the "first", as if it had ended then. draws: of teachers, for each number of them.
    test_share: of the people, who are judged at every point.
    """

    modalities: tuple[str, ...]
    window_s: float
    rates_hz: tuple[float, ...] = ()
    minutes: tuple[float, ...] = ()
    participants: tuple[int, ...] = ()
    keep: Keep = "spread"
    draws: int = 3
    test_share: float = 0.4
    bootstrap: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low in (("rates_hz", 0.0), ("minutes", 0.0), ("participants", FEWEST_TEACHERS - 1)):
            wrong = [value for value in getattr(self, name) if not value > low]
            if wrong:
                raise BadConfiguration(f"{name} {wrong[0]:g} must be more than {low:g}; raise it")
        if not 0.1 <= self.test_share <= 0.8:
            raise BadConfiguration(f"test_share {self.test_share:g} must be between 0.1 and 0.8")
        if self.draws < 1 or not self.window_s > 0:
            raise BadConfiguration(f"draws {self.draws} and window_s {self.window_s:g} must be positive")

    @property
    def contract(self) -> InputContract:
        """What a window is for hand-made statistics: at the rate that the store has."""
        streams = tuple(Stream(modality=name, rate_hz=None) for name in self.modalities)
        return InputContract(streams=streams, window_s=self.window_s)


@dataclass(frozen=True, kw_only=True)
class Point:
    """The score of one model at one place of an axis, with the 95 % interval over the judged people.

    draw: which of the drawn groups of teachers. judged, teachers: people. metric: name of the score.
    """

    axis: Axis
    value: float
    draw: int
    model: str
    metric: str
    score: float
    low: float
    high: float
    judged: int
    teachers: int


@dataclass(frozen=True, kw_only=True)
class _Place:
    """One place of an axis: at which rate the store is read, and whose windows teach; None for as it is."""

    axis: Axis
    value: float
    draw: int = 0
    rate_hz: float | None = None
    minutes: float | None = None
    teachers: int | None = None


def study_resolution(
    store: Store,
    task: Task,
    grid: Grid,
    *,
    models: Mapping[str, Recipe],
    folder: Path,
    watch: Watch = silent,
) -> list[Point]:
    """Return the points of all axes, and keep them in `folder/points`; hand-made statistics stand beside the models.

    models: name -> pretrained recipe, none for hand-made statistics alone. BadConfiguration if there are too few people.
    """
    test, teachers = _sides(store, task, grid)
    places = list(_places(store, grid, len(teachers)))
    bench = _Bench(store, task, grid, models, folder, test, teachers)
    found: list[Point] = []
    for done, place in enumerate(places, start=1):
        found += bench.points(place)
        watch(done, len(places), f"{place.axis} {place.value:g}")
    return found


def resampled(recording: Recording, rate_hz: float) -> Recording:
    """Return a recording whose faster channels are at a lower rate, band-limited; totals and slower channels stay."""
    channels = tuple(_slower(channel, rate_hz) for channel in recording.channels)
    notes = (*recording.quality.notes, f"channels above {rate_hz:g} Hz were resampled to it")
    return replace(recording, channels=channels, quality=replace(recording.quality, channels=(), notes=notes))


def _slower(channel: Channel, rate_hz: float) -> Channel:
    if channel.rate_hz <= rate_hz * (1 + 1e-9) or not usable(channel.modality, channel.rate_hz, rate_hz):
        return channel
    return resample_channel(channel, rate_hz)


class _Bench:
    """Embeds and judges; tables of one rate are made once."""

    def __init__(
        self,
        store: Store,
        task: Task,
        grid: Grid,
        models: Mapping[str, Recipe],
        folder: Path,
        test: Sequence[str],
        teachers: Sequence[str],
    ) -> None:
        self.store, self.task, self.grid, self.models, self.folder = store, task, grid, models, folder
        self.test, self.teachers = test, teachers
        self._made: tuple[float | None, Store, dict[str, EmbeddingTable]] | None = None
        (folder / "points").mkdir(parents=True, exist_ok=True)

    def points(self, place: _Place) -> list[Point]:
        """Return the points of all models at one place, from the folder if they are there."""
        path = self.folder / "points" / f"{place.axis}-{place.value:g}-{place.draw}-{self._key(place)}.json"
        if path.exists():
            return [Point(**plain) for plain in json.loads(path.read_text())]
        store, tables = self._tables(place.rate_hz)
        chosen = self._chosen(place)
        report = evaluate(
            {name: table.select(self._rows(table, place, chosen)) for name, table in tables.items()},
            [self.task],
            store=store,
            test=self.test,
            seed=self.grid.seed,
            bootstrap=self.grid.bootstrap,
            few_shot=0,
        )
        (result,) = report.results
        if result.unanswered:
            raise BadConfiguration(f"{place.axis} {place.value:g}: {result.unanswered}")
        points = [
            Point(
                axis=place.axis,
                value=place.value,
                draw=place.draw,
                model=score.model,
                metric=result.metric,
                score=score.interval.value,
                low=score.interval.low,
                high=score.interval.high,
                judged=result.participants,
                teachers=len(chosen),
            )
            for score in result.scores
        ]
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps([asdict(point) for point in points], indent=1))
        temporary.replace(path)
        return points

    def _key(self, place: _Place) -> str:
        """Return what decides a point, as a short hash."""
        names = ("modalities", "window_s", "keep", "test_share", "bootstrap", "seed")
        grid = {name: getattr(self.grid, name) for name in names}
        own = [
            self.store.fingerprint(),
            self.task.name,
            grid,
            {name: weight_hash(recipe) for name, recipe in self.models.items()},
            asdict(place),
        ]
        return hashlib.sha256(json.dumps(own).encode()).hexdigest()[:12]

    def _tables(self, rate_hz: float | None) -> tuple[Store, dict[str, EmbeddingTable]]:
        if self._made is None or self._made[0] != rate_hz:
            store = self.store if rate_hz is None else self._at_rate(rate_hz)
            self._made = (rate_hz, store, self._embed(store))
        return self._made[1], self._made[2]

    def _at_rate(self, rate_hz: float) -> Store:
        path = self.folder / "stores" / f"{rate_hz:g}_hz"
        people = {*self.test, *self.teachers}
        some = (self.store.read(row.id) for row in self.store.recordings() if row.participant in people)
        prepare_recordings((resampled(each, rate_hz) for each in some), path)
        return Store.open(path)

    def _embed(self, store: Store) -> dict[str, EmbeddingTable]:
        cut = Cut(participants=[*self.test, *self.teachers], modalities=self.grid.modalities)
        tables = {name: embed(at_window(recipe, self.grid.window_s), store, cut=cut) for name, recipe in self.models.items()}
        return {**tables, HANDMADE: statistics_table(store, self.grid.contract, cut=cut)}

    def _chosen(self, place: _Place) -> list[str]:
        """Return who teaches at a place: the first of an order that the draw decides, so that larger groups hold smaller."""
        if place.teachers is None:
            return list(self.teachers)
        order = np.random.default_rng([self.grid.seed, place.draw]).permutation(len(self.teachers))
        return [self.teachers[number] for number in order[: place.teachers].tolist()]

    def _rows(self, table: EmbeddingTable, place: _Place, chosen: Sequence[str]) -> NDArray[np.bool_]:
        """Return which rows take part: all of the judged people, and of the teachers what the place leaves them."""
        taught = np.isin(table.participant, chosen)
        if place.minutes is not None:
            taught &= self._kept(table, chosen, max(1, round(60 * place.minutes / self.grid.window_s)))
        return np.asarray(np.isin(table.participant, self.test) | taught)

    def _kept(self, table: EmbeddingTable, chosen: Sequence[str], count: int) -> NDArray[np.bool_]:
        keep = np.zeros(len(table), dtype=bool)
        for name in chosen:
            rows = np.flatnonzero(table.participant == name)
            rows = rows[np.lexsort((table.start_ns[rows], table.recording[rows]))]
            places = np.arange(len(rows)) if self.grid.keep == "first" else np.linspace(0, len(rows) - 1, count).round()
            keep[rows[places[:count].astype(np.int64)]] = True
        return keep


def _sides(store: Store, task: Task, grid: Grid) -> tuple[list[str], list[str]]:
    """Return who is judged and who teaches, whole people with a label."""
    people = _labelled(store, task, grid)
    persons = same_persons(store)
    if len({persons[name] for name in people}) < 5:
        raise BadConfiguration(
            f"{len(people)} participants with a label of {task.name}; curves need at least 5: add recordings"
        )
    k = max(2, min(10, len(people)))
    fold = folds(people, k=k, seed=grid.seed, persons=persons)
    tested = fold < max(1, round(grid.test_share * k))
    return [p for p, t in zip(people, tested, strict=True) if t], [p for p, t in zip(people, tested, strict=True) if not t]


def _labelled(store: Store, task: Task, grid: Grid) -> list[str]:
    """Return the participants of whom a window has a label."""
    _, index = Cut(modalities=grid.modalities).index(store, grid.contract, reader=HANDMADE)
    who = np.array(index.participants)[index.participant]
    rows = Rows(
        participant=who,
        recording=np.array(index.recordings)[index.recording],
        start_ns=index.start_ns,
        duration_s=np.full(len(index), grid.window_s),
    )
    labels = task.label(rows, StoreTruth(store))
    known = ~np.isnan(labels) if labels.dtype.kind == "f" else labels != ""
    return sorted(set(who[known].tolist()))


def _places(store: Store, grid: Grid, teachers: int) -> Iterator[_Place]:
    """Yield all places; the whole is the last of every axis that has points."""
    table = store.channels()
    native = float(table.rate_hz[np.isin(table.modality, grid.modalities)].max(initial=0.0))
    if native == 0:
        raise BadConfiguration(f"the store has no {' or '.join(grid.modalities)}; `wearfm store info` shows what it has")
    if grid.rates_hz:
        lower = sorted(rate for rate in grid.rates_hz if rate < native)
        yield from (_Place(axis="rate_hz", value=rate, rate_hz=rate) for rate in lower)
        yield _Place(axis="rate_hz", value=native)
    if grid.minutes:
        whole = _longest_minutes(store, grid)
        yield from (_Place(axis="minutes", value=some, minutes=some) for some in sorted(grid.minutes) if some < whole)
        yield _Place(axis="minutes", value=whole)
    if grid.participants:
        for count in sorted({min(count, teachers) for count in grid.participants} | {teachers}):
            draws = grid.draws if count < teachers else 1
            yield from (_Place(axis="participants", value=count, draw=draw, teachers=count) for draw in range(draws))


def _longest_minutes(store: Store, grid: Grid) -> float:
    """Return the minutes of signal of the person who has most, gaps included."""
    table = store.channels()
    owner = {row.id: row.participant for row in store.recordings()}
    longest: dict[int, float] = {}
    for recording, kind, seconds in zip(table.recording.tolist(), table.modality, table.length / table.rate_hz, strict=True):
        if kind in grid.modalities:
            longest[recording] = max(longest.get(recording, 0.0), float(seconds))
    people: dict[str, float] = {}
    for recording, seconds in longest.items():
        people[owner[recording]] = people.get(owner[recording], 0.0) + seconds
    return round(max(people.values()) / 60, 2)


def summarise(points: Sequence[Point]) -> list[dict[str, Any]]:
    """Return one row for each axis, value and model: the mean over draws, the widest interval, the spread of the draws."""
    groups: dict[tuple[Axis, float, str], list[Point]] = {}
    for point in points:
        groups.setdefault((point.axis, point.value, point.model), []).append(point)
    return [
        {
            "axis": axis,
            "value": value,
            "model": model,
            "metric": some[0].metric,
            "score": float(np.mean([point.score for point in some])),
            "low": min(point.low for point in some),
            "high": max(point.high for point in some),
            "least": min(point.score for point in some),
            "most": max(point.score for point in some),
            "draws": len(some),
            "teachers": some[0].teachers,
            "judged": some[0].judged,
        }
        for (axis, value, model), some in groups.items()
    ]
