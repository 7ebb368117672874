"""The judge: hides, asks every method, and keeps account; it never sees a model, only guesses.

windows ─hide─▶ what is visible ─▶ fill (the judged method) and six baselines ─▶ errors by task, method, series, person
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.evaluation.generative.background import Background, Windows
from wearfm.evaluation.generative.hiding import Hiding, hide
from wearfm.evaluation.generative.imputers import Seen, imputers
from wearfm.evaluation.generative.report import Answer, Restored, Score, SeriesScore
from wearfm.evaluation.generative.tally import MAE, RMSE, Tally, bounded, difference
from wearfm.evaluation.intervals import holm, resample
from wearfm.evaluation.verdict import Comparison

Floats = NDArray[np.float64]
Fill = Callable[[NDArray[np.bool_]], NDArray[np.floating]]  # hidden (B, C, T) -> guesses everywhere, (B, C, T)


@dataclass(frozen=True, kw_only=True, eq=False)
class Origin:
    """Where B windows come from. key: (B,) see `hiding.window_key`. person: (B,) codes. shown: (B,) whether to draw it."""

    key: NDArray[np.int64]
    person: NDArray[np.int64]
    shown: NDArray[np.bool_]


class Judge:
    """Judges one method beside the baselines. model: its name. persons: how many are judged. examples: to draw a task."""

    def __init__(
        self,
        model: str,
        hidings: Sequence[Hiding],
        background: Background,
        *,
        persons: int,
        seed: int,
        neighbours: int,
        examples: int,
    ) -> None:
        self.model, self.hidings, self.background = model, tuple(hidings), background
        self.persons, self.seed, self.examples = persons, seed, examples
        self.imputers = imputers(neighbours=neighbours)
        methods = (model, *self.imputers)
        self.tallies = {hiding: {name: Tally(persons=persons) for name in methods} for hiding in self.hidings}
        self.windows = dict.fromkeys(self.hidings, 0)
        self.units: dict[str, str] = {}
        self.shape: tuple[int, int] = (0, 0)  # blocks and most series of a window
        self.restored: dict[Hiding, list[Restored]] = {hiding: [] for hiding in self.hidings}

    def add(self, windows: Windows, origin: Origin, fill: Fill) -> None:
        """Put every task to some windows."""
        self.units.update(zip(windows.names, windows.units, strict=True))
        blocks = -(-windows.values.shape[2] // windows.block)
        self.shape = (blocks, max(self.shape[1], len(windows.names)))
        for hiding in self.hidings:
            hidden = hide(hiding, windows.valid, keys=origin.key, names=windows.names, block=windows.block, seed=self.seed)
            if (hidden & windows.valid).any():
                self._ask(hiding, windows, origin, hidden, fill)

    def _ask(self, hiding: Hiding, windows: Windows, origin: Origin, hidden: NDArray[np.bool_], fill: Fill) -> None:
        """Let every method fill in, and take in its errors."""
        visible, scored = windows.valid & ~hidden, hidden & windows.valid
        truth = windows.values.astype(np.float64)
        seen = Seen(values=np.where(visible, truth, 0.0), visible=visible, names=windows.names)
        guesses = {self.model: np.asarray(fill(hidden), dtype=np.float64)}
        guesses |= {name: imputer(seen, self.background) for name, imputer in self.imputers.items()}
        for name, guess in guesses.items():
            if not np.isfinite(guess[scored]).all():
                raise BadConfiguration(
                    f"{name} fills in values that are not finite; its weights may have diverged: train again"
                )
            error = guess - truth
            self.tallies[hiding][name].add(person=origin.person, names=windows.names, error=error, scored=scored)
        self.windows[hiding] += int(scored.any(axis=(1, 2)).sum())
        self._keep(hiding, windows, origin, hidden, guesses)

    def _keep(
        self, hiding: Hiding, windows: Windows, origin: Origin, hidden: NDArray[np.bool_], guesses: Mapping[str, Floats]
    ) -> None:
        """Keep one series of each window that is to be drawn, another one in each window."""
        kept = self.restored[hiding]
        scored = np.asarray((hidden & windows.valid).any(axis=2))  # (B, C)
        for row in np.flatnonzero(origin.shown & scored.any(axis=1)).tolist():
            if len(kept) == self.examples:
                return
            choices = np.flatnonzero(scored[row])
            place = int(choices[len(kept) * len(choices) // self.examples])
            truth = np.where(windows.valid[row, place], windows.values[row, place], np.nan).astype(np.float64)
            kept.append(
                Restored(
                    series=windows.names[place],
                    unit=windows.units[place],
                    step_s=windows.step_s,
                    truth=truth,
                    hidden=hidden[row, place],
                    guesses={name: guess[row, place].copy() for name, guess in guesses.items()},
                )
            )

    def answers(self, *, bootstrap: int) -> tuple[Answer, ...]:
        """Return what came out, with intervals over persons."""
        draws = resample(self.persons, replicates=bootstrap, seed=self.seed)
        return tuple(self._answer(hiding, draws) for hiding in self.hidings)

    def _answer(self, hiding: Hiding, draws: Floats) -> Answer:
        blocks, series = self.shape
        obstacle = hiding.obstacle(blocks=blocks, series=series)
        blank = Answer(name=hiding.name, kind=hiding.kind, ratio=hiding.ratio, title=hiding.title)
        if obstacle or not self.windows[hiding]:
            return replace(blank, unanswered=obstacle or "no window has a value to hide and another to see")
        tallies = self.tallies[hiding]
        scales = dict(zip(self.units, self.background.scales(list(self.units)).tolist(), strict=True))
        overall = {name: tally.normalised(scales) for name, tally in tallies.items()}
        if not overall[self.model].labels.any():
            return replace(blank, unanswered="none of the hidden series varies on the training side")
        scores = tuple(self._score(name, tally, scales, draws) for name, tally in tallies.items())
        rivals = [name for name in tallies if name != self.model]
        gaps = [difference(RMSE, overall[self.model], overall[name], draws) for name in rivals]
        adjusted = holm([gap.p for gap in gaps])
        comparisons = tuple(
            Comparison(against=n, difference=g, p_holm=p) for n, g, p in zip(rivals, gaps, adjusted, strict=True)
        )
        own = tallies[self.model]
        return replace(
            blank,
            people=int((own.count > 0).sum()),
            windows=self.windows[hiding],
            values=int(own.count.sum()),
            scores=scores,
            comparisons=comparisons,
            restored=tuple(self.restored[hiding]),
        )

    def _score(self, name: str, tally: Tally, scales: Mapping[str, float], draws: Floats) -> Score:
        series = tuple(
            SeriesScore(
                series=each,
                unit=self.units[each],
                values=int(tally.sums[each][0].sum()),
                mae=bounded(MAE, tally.absolute(each), draws),
                rmse=bounded(RMSE, tally.squared(each), draws),
            )
            for each in sorted(tally.sums)
            if tally.sums[each][0].any()
        )
        return Score(method=name, overall=bounded(RMSE, tally.normalised(dict(scales)), draws), series=series)
