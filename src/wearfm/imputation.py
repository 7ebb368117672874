"""Imputation: a masked recipe fills in what is hidden from it, on people whom it has never seen.

store ── who was seen? ──▶ teachers: means, spreads and neighbours for the baselines
                      └──▶ judged people: hide ─▶ recipe and baselines fill in ─▶ errors ─▶ report
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from wearfm.embeddings.extract import Cut, layout_code
from wearfm.errors import BadConfiguration, LeakyScheme
from wearfm.evaluation.generative import DEFAULTS, Background, GenerativeReport, Hiding, Judge, Origin, Windows, window_key
from wearfm.evaluation.provenance import versions
from wearfm.recipes import RECIPES
from wearfm.recipes.base import Masked, Recipe
from wearfm.recipes.weights import weight_hash
from wearfm.windows.batch import Batch
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load
from wearfm.windows.people import same_persons
from wearfm.windows.source import Source
from wearfm.windows.split import folds, pseudonym

Progress = Callable[[int, int, str], None]  # done, total, what
_FOLDS = 5
_TEST_FOLDS = (0, 1)  # where the weights have seen nobody: two fifths of the people are judged, the others teach
_LEAST_PEOPLE = 3


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a method is judged. All numbers are ours."""

    tasks: tuple[Hiding, ...] = DEFAULTS
    seed: int = 0  # of what is hidden, who is judged and the intervals
    bootstrap: int = 1000  # resamples of people behind every interval
    neighbours: int = 5  # of the baseline "nearest neighbours"
    windows: int = 2000  # judged at most, dealt evenly over people and over their time
    training_windows: int = 2000  # that the baselines learn from, dealt likewise
    bank_mb: int = 256  # memory for the windows among which neighbours are sought
    batch_size: int = 64  # windows at once: speed and memory, not results
    stride_s: float | None = None  # seconds from window to window; None for windows that touch
    examples: int = 3  # windows to draw for each task


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Who stands where. teachers, judged: participants. left_out: how many are neither. person: participant -> person."""

    teachers: frozenset[str]
    judged: frozenset[str]
    left_out: int
    person: Mapping[str, str]


def impute(
    recipe: Recipe,
    store: Source,
    *,
    train: Collection[str] | None = None,
    test: Collection[str] | None = None,
    settings: Settings | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    command: str = "",
) -> GenerativeReport:
    """Judge how well a masked recipe fills in hidden values, beside six simple methods.

    train: participants that teach the baselines; None for those whom the weights have seen, or if there are none for three
    fifths of all. test: participants to judge; None for everybody else. LeakyScheme if one of them was seen, or stands on
    both sides under two ids. Memory does not grow with the store.
    """
    started, chosen = time.perf_counter(), settings or Settings()
    if not isinstance(recipe, Masked):
        able = ", ".join(sorted(name for name, each in RECIPES.items() if issubclass(each, Masked)))
        raise BadConfiguration(f"{recipe.name} fills nothing in; use weights of a masked method: {able}")
    sides = choose_sides(recipe, store, train=train, test=test, seed=chosen.seed)
    run = _Run(recipe, store, sides, chosen, torch.device(device), progress)
    was_training = recipe.training
    recipe.to(run.device).eval()
    try:
        judge = run.judge(run.background())
    finally:
        recipe.train(was_training)
    own = run.judged
    return GenerativeReport(
        model=recipe.name,
        answers=judge.answers(bootstrap=chosen.bootstrap),
        people=judge.persons,
        teachers=len({sides.person[name] for name in sides.teachers}),
        left_out=sides.left_out,
        windows=len(own.rows),
        available=len(own.index),
        training_windows=judge.background.windows,
        window_s=recipe.input.window_s,
        spreads=judge.background.spreads,
        skipped=own.index.skipped,
        settings={key: value for key, value in asdict(chosen).items() if key not in ("tasks", "batch_size")},
        weight_hash=weight_hash(recipe),
        store_fingerprint=store.fingerprint(),
        versions=versions(),
        wall_s=time.perf_counter() - started,
        command=command,
    )


def choose_sides(
    recipe: Recipe, store: Source, *, train: Collection[str] | None, test: Collection[str] | None, seed: int
) -> Sides:
    """Return who teaches the baselines and who is judged; see `impute`."""
    person = same_persons(store)
    strangers = [name for name in (*(train or ()), *(test or ())) if name not in person]
    if strangers:
        raise BadConfiguration(f"participant {strangers[0]!r} is not in the store; `wearfm store recordings` lists who is")
    seen = {person[name] for name in person if pseudonym(name) in recipe.seen}
    leaked = sorted(name for name in test or () if person[name] in seen)
    if leaked:
        raise LeakyScheme(f"participant {leaked[0]!r} was seen by the weights and {len(leaked) - 1} more; judge others")
    teachers = _teachers(person, seen, train=train, test=test, seed=seed)
    taught = {person[name] for name in teachers}
    both = sorted(name for name in test or () if person[name] in taught)
    if both:
        raise LeakyScheme(f"participant {both[0]!r} teaches the baselines and is judged; keep a person on one side")
    judged = set(test) if test is not None else {name for name in person if person[name] not in seen | taught}
    people = {person[name] for name in judged}
    if len(people) < _LEAST_PEOPLE or not teachers:
        raise BadConfiguration(
            f"{len(people)} people to judge and {len(taught)} to teach the baselines; at least {_LEAST_PEOPLE} and 1 are"
            " needed whom the weights have not seen: add recordings, or hold people out of pretraining"
        )
    left_out = len(set(person.values()) - people - taught)
    return Sides(teachers=frozenset(teachers), judged=frozenset(judged), left_out=left_out, person=person)


def _teachers(
    person: Mapping[str, str], seen: set[str], *, train: Collection[str] | None, test: Collection[str] | None, seed: int
) -> set[str]:
    """Return the participants that teach the baselines."""
    if train is not None:
        return set(train)
    if test is not None:
        judged = {person[name] for name in test}
        return {name for name in person if person[name] not in judged}
    if seen:
        return {name for name in person if person[name] in seen}
    names = sorted(person)
    if len(set(person.values())) < 2:
        return set()
    fold = folds(names, k=_FOLDS, seed=seed, persons=dict(person))
    return {name for name, number in zip(names, fold.tolist(), strict=True) if number not in _TEST_FOLDS}


@dataclass(frozen=True, eq=False)
class _Part:
    """Some windows of some people. rows: (N,) of the index, in its order."""

    source: Source
    index: WindowIndex
    rows: NDArray[np.int64]

    def batches(self, size: int) -> Iterator[tuple[NDArray[np.int64], Batch]]:
        """Yield runs of windows whose recordings have the same channels."""
        shape = layout_code(self.index)[self.index.recording[self.rows]]
        for run in np.split(self.rows, np.flatnonzero(np.diff(shape)) + 1):
            for first in range(0, len(run), size):
                rows = run[first : first + size]
                yield rows, load(self.source, self.index, rows)


class _Run:
    """One recipe on the two sides of one store."""

    def __init__(
        self,
        recipe: Masked,
        store: Source,
        sides: Sides,
        settings: Settings,
        device: torch.device,
        progress: Progress | None,
    ) -> None:
        self.recipe, self.sides, self.settings, self.device = recipe, sides, settings, device
        self.teaching = self._part(store, sides.teachers, settings.training_windows)
        self.judged = self._part(store, sides.judged, settings.windows)
        self._progress, self._done = progress, 0

    def background(self) -> Background:
        """Return what the baselines learn from the teachers."""
        background = Background(total=len(self.teaching.rows), bank_bytes=self.settings.bank_mb * 2**20)
        for rows, batch in self.teaching.batches(self.settings.batch_size):
            background.add(self._windows(batch.to(self.device)))
            self._count(len(rows))
        return background

    def judge(self, background: Background) -> Judge:
        """Return the judge after it has seen all windows of the judged people."""
        index, person = self.judged.index, self.sides.person
        names = sorted({person[index.participants[code]] for code in np.unique(index.participant[self.judged.rows])})
        code = np.array([names.index(person[name]) if person[name] in names else -1 for name in index.participants])
        settings = self.settings
        judge = Judge(
            self.recipe.name,
            tuple(dict.fromkeys(settings.tasks)),
            background,
            persons=len(names),
            seed=settings.seed,
            neighbours=settings.neighbours,
            examples=settings.examples,
        )
        shown = np.isin(np.arange(len(index)), _middle(index, self.judged.rows))
        for rows, loaded in self.judged.batches(settings.batch_size):
            batch = loaded.to(self.device)
            origin = Origin(key=_keys(index, rows), person=code[index.participant[rows]], shown=shown[rows])
            judge.add(self._windows(batch), origin, partial(self._fill, batch))
            self._count(len(rows))
        return judge

    def _fill(self, batch: Batch, hidden: NDArray[np.bool_]) -> NDArray[np.float32]:
        with torch.inference_mode():
            guess = self.recipe.fill(batch, torch.from_numpy(hidden).to(self.device))
        filled: NDArray[np.float32] = guess.float().cpu().numpy()
        return filled

    def _windows(self, batch: Batch) -> Windows:
        with torch.inference_mode():
            series = self.recipe.series(batch)
        return Windows(
            values=series.values.float().cpu().numpy(),
            valid=series.valid.cpu().numpy(),
            names=series.names,
            units=series.units,
            step_s=series.step_s,
            block=series.block,
        )

    def _part(self, store: Source, people: Collection[str], most: int) -> _Part:
        cut = Cut(stride_s=self.settings.stride_s, participants=people)
        view, index = cut.index(store, self.recipe.input, reader=self.recipe.name)
        return _Part(view, index, spread_evenly(index, most))

    def _count(self, windows: int) -> None:
        self._done += windows
        if self._progress is not None:
            self._progress(self._done, len(self.teaching.rows) + len(self.judged.rows), "windows")


def spread_evenly(index: WindowIndex, most: int) -> NDArray[np.int64]:
    """Return at most about `most` windows, as many of each person and spread over their time, in the order of the index."""
    table = index.by_participant()
    quota = max(1, most // max(len(table.first), 1))
    chosen = [
        table.windows[first + ((np.arange(min(quota, count)) + 0.5) * count / min(quota, count)).astype(np.int64)]
        for first, count in zip(table.first.tolist(), table.count.tolist(), strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def _middle(index: WindowIndex, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the middle one of each person's windows: nobody picks what is shown."""
    participant = index.participant[rows]
    own = [rows[participant == code] for code in np.unique(participant)]
    return np.array([each[len(each) // 2] for each in own], dtype=np.int64)


def _keys(index: WindowIndex, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the key of each window, (B,)."""
    recording = index.recording[rows]
    keys = [
        window_key(index.participants[index.participant_of[number]], index.recordings[number], start)
        for number, start in zip(recording.tolist(), index.start_ns[rows].tolist(), strict=True)
    ]
    return np.array(keys, dtype=np.int64)
