"""What is hidden from every method: a pure function of the seed and of the window, never of the batch it comes in.

    random          blocks of every series, each series for itself     ▓▓··▓▓▓▓▓·▓▓▓
    interpolation   one stretch inside the window, in all series       ·····▓▓▓·····
    forecasting     the end of the window, in all series               ··········▓▓▓
    sensors         whole series, where a window has at least two      ▓▓▓▓▓▓▓▓▓▓▓▓▓

Stretches begin and end with blocks, so that a method that looks at whole blocks loses no more than the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.windows.counter import below, mix, text_key

Mask = NDArray[np.bool_]

TITLES: Mapping[str, str] = {
    "random": "Random imputation",
    "interpolation": "Temporal interpolation",
    "forecasting": "Forecasting",
    "sensors": "Sensor imputation",
}
_LEAST_BLOCKS = {"random": 2, "interpolation": 3, "forecasting": 2, "sensors": 1}


@dataclass(frozen=True, kw_only=True)
class Hiding:
    """One task. kind: a key of `TITLES`. ratio: share of the blocks, or of the series, that is hidden; at least one."""

    kind: str
    ratio: float

    def __post_init__(self) -> None:
        if self.kind not in TITLES:
            raise UnknownName("task", self.kind, TITLES)
        if not 0 < self.ratio < 1:
            raise BadConfiguration(f"ratio {self.ratio:g} of {self.kind} must lie between 0 and 1, 0.8 say")

    @property
    def name(self) -> str:
        """A short name for links and files."""
        return f"{self.kind}-{self.ratio:g}"

    @property
    def title(self) -> str:
        """The task in words, with its ratio."""
        return f"{TITLES[self.kind]}, {100 * self.ratio:.4g} % hidden"

    def obstacle(self, *, blocks: int, series: int) -> str:
        """Return why windows of so many blocks and series do not allow the task; "" if they do."""
        least = _LEAST_BLOCKS[self.kind]
        if blocks < least:
            return f"windows of {blocks} blocks have fewer than the {least} that it takes"
        return "windows have one series only, and two are needed" if self.kind == "sensors" and series < 2 else ""


DEFAULTS: tuple[Hiding, ...] = (
    Hiding(kind="random", ratio=0.3),
    Hiding(kind="random", ratio=0.8),
    Hiding(kind="interpolation", ratio=0.1),
    Hiding(kind="interpolation", ratio=0.3),
    Hiding(kind="forecasting", ratio=0.1),
    Hiding(kind="forecasting", ratio=0.3),
    Hiding(kind="sensors", ratio=0.3),
)


class _Chance(NamedTuple):
    """Numbers of B windows and C series. seed, purpose: of all of them. window: (B,) keys. series: (C,) keys."""

    seed: int
    purpose: int
    window: NDArray[np.int64]
    series: NDArray[np.int64]

    def of_series(self) -> NDArray[np.uint64]:
        """Return noise (B, C)."""
        return mix(self.seed, self.purpose, self.window[:, None], self.series)

    def of_blocks(self, blocks: int) -> NDArray[np.uint64]:
        """Return noise (B, C, N)."""
        return mix(self.seed, self.purpose, self.window[:, None, None], self.series[:, None], np.arange(blocks))

    def place(self, limit: int) -> NDArray[np.int64]:
        """Return one number below the limit for each window, (B,)."""
        return below(limit, self.seed, self.purpose, self.window)


def window_key(participant: str, recording: str, start_ns: int) -> int:
    """Return the number by which a window is known, wherever it stands in a store."""
    return text_key(f"{participant}\n{recording}\n{start_ns}")


def hide(hiding: Hiding, valid: Mask, *, keys: NDArray[np.int64], names: Sequence[str], block: int, seed: int) -> Mask:
    """Return which values are hidden, (B, C, T) bool; also some that were never measured: nobody can be asked for these.

    valid: (B, C, T) bool. keys: (B,) of the windows, see `window_key`. names: of the C series. block: values in a row
    that are hidden together; the last one may be shorter. Windows that do not allow the task have nothing hidden.
    """
    blocks = -(-valid.shape[2] // block)
    if hiding.obstacle(blocks=blocks, series=len(names)):
        return np.zeros_like(valid)
    series = np.array([text_key(name) for name in names], dtype=np.int64)
    chance = _Chance(seed, text_key(hiding.name), keys, series)
    chosen = _CHOOSE[hiding.kind](hiding.ratio, valid, blocks, chance)  # (B, C, N)
    return np.repeat(chosen, block, axis=2)[..., : valid.shape[2]]  # (B, C, N) -> (B, C, T)


def _random(ratio: float, valid: Mask, blocks: int, chance: _Chance) -> Mask:
    del valid
    return _smallest(chance.of_blocks(blocks), _count(ratio, blocks, most=blocks - 1))


def _interpolation(ratio: float, valid: Mask, blocks: int, chance: _Chance) -> Mask:
    length = int(_count(ratio, blocks, most=blocks - 2))
    first = 1 + chance.place(blocks - length - 1)  # (B,)
    after = np.arange(blocks) - first[:, None]  # (B, N)
    return _in_all_series((after >= 0) & (after < length), valid)


def _forecasting(ratio: float, valid: Mask, blocks: int, chance: _Chance) -> Mask:
    del chance
    seen = blocks - int(_count(ratio, blocks, most=blocks - 1))
    return _in_all_series(np.broadcast_to(np.arange(blocks) >= seen, (len(valid), blocks)), valid)


def _sensors(ratio: float, valid: Mask, blocks: int, chance: _Chance) -> Mask:
    present = valid.any(axis=2)  # (B, C)
    number = present.sum(axis=1)
    count = np.where(number >= 2, _count(ratio, number, most=number - 1), 0)  # (B,)
    noise = np.where(present, chance.of_series() >> np.uint64(1), np.uint64(2**64 - 1))
    return np.repeat(_smallest(noise, count[:, None])[..., None], blocks, axis=2)  # (B, C) -> (B, C, N)


_CHOOSE: Mapping[str, Callable[[float, Mask, int, _Chance], Mask]] = {
    "random": _random,
    "interpolation": _interpolation,
    "forecasting": _forecasting,
    "sensors": _sensors,
}


def _count(ratio: float, number: int | NDArray[np.int64], *, most: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the nearest whole number to a share, at least 1 and at most `most`."""
    return np.minimum(np.maximum(np.floor(ratio * np.asarray(number) + 0.5), 1), most).astype(np.int64)


def _smallest(noise: NDArray[np.uint64], count: NDArray[np.int64]) -> Mask:
    """Return where the `count` smallest numbers along the last axis are."""
    rank = noise.argsort(axis=-1, kind="stable").argsort(axis=-1, kind="stable")
    return np.asarray(rank < count)


def _in_all_series(chosen: Mask, valid: Mask) -> Mask:
    return np.repeat(chosen[:, None], valid.shape[1], axis=1)  # (B, N) -> (B, C, N)
