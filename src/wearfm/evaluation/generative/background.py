"""What the training side knows: mean, spread and range of every series, and a bank of its windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """B windows of C simultaneous series.

    values: (B, C, T) float32 in physical units, 0 where not valid. valid: (B, C, T) bool. names, units: of the series.
    step_s: seconds from one value to the next. block: values in a row that a method hides together.
    """

    values: Floats
    valid: Mask
    names: tuple[str, ...]
    units: tuple[str, ...]
    step_s: float
    block: int = 1


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A series on the training side. count: values. mean, sd, low, high: in its unit; sd is 0 for a constant."""

    unit: str
    count: int
    mean: float
    sd: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Bank:
    """Windows of training people, standardised. z: (N, S, T) float32, 0 where not valid. valid: (N, S, T) bool."""

    z: Floats
    valid: Mask

    def blocks(self, places: NDArray[np.int64], *, most_bytes: int = 2**26) -> Iterator[tuple[Floats, Floats]]:
        """Yield the chosen series of some windows after the other as (n, C * T), values and 0/1 validity."""
        step = max(1, most_bytes // (8 * max(len(places), 1) * self.z.shape[2]))
        for first in range(0, len(self.z), step):
            part = slice(first, first + step)
            z, valid = self.z[part][:, places], self.valid[part][:, places]
            yield z.reshape(len(z), -1), valid.reshape(len(z), -1).astype(np.float32)


class Background:
    """Everything that the baselines learn from the training side, in one pass over its windows.

    total: how many windows will come. bank_bytes: what the bank may take; every n-th window goes in, so that it spreads
    evenly over all that come.
    """

    def __init__(self, *, total: int, bank_bytes: int) -> None:
        self._total, self._bank_bytes = total, bank_bytes
        self._series: dict[str, _Moments] = {}
        self._kept: list[Windows] = []
        self._seen = 0

    def add(self, windows: Windows) -> None:
        """Take in windows of the training side."""
        for number, (name, unit) in enumerate(zip(windows.names, windows.units, strict=True)):
            measured = windows.values[:, number][windows.valid[:, number]]
            self._series.setdefault(name, _Moments(unit)).add(measured.astype(np.float64))
        step = max(1, -(-self._total * 5 * windows.values[0].size // self._bank_bytes))
        chosen = np.arange(self._seen, self._seen + len(windows.values)) % step == 0
        if chosen.any():
            self._kept.append(_select(windows, chosen))
        self._seen += len(windows.values)

    @property
    def windows(self) -> int:
        """How many windows came."""
        return self._seen

    @cached_property
    def spreads(self) -> dict[str, Spread]:
        """Name -> what is known of a series; those without a single value are left out."""
        return {name: moments.spread() for name, moments in sorted(self._series.items()) if moments.count}

    def means(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Return the training mean of some series, (C,); 0 for one that the training side does not have."""
        return np.array([self.spreads[name].mean if name in self.spreads else 0.0 for name in names])

    def scales(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Return the training standard deviation of some series, (C,); NaN where there is none to divide by."""
        found = np.array([self.spreads[name].sd if name in self.spreads else 0.0 for name in names])
        return np.where(found > 0, found, np.nan)

    def places(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return where some series stand in the bank, (C,); -1 for one that the training side does not have."""
        order = {name: place for place, name in enumerate(self.spreads)}
        return np.array([order.get(name, -1) for name in names], dtype=np.int64)

    @cached_property
    def bank(self) -> Bank:
        """The kept windows, standardised."""
        names = list(self.spreads)
        if not names:
            raise BadConfiguration("the training side has no valid sample; give other people to train on")
        length = self._kept[0].values.shape[2]
        shape = (sum(len(each.values) for each in self._kept), len(names), length)
        z, valid = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=bool)
        mean, scale, first = self.means(names), self.scales(names), 0
        for each in self._kept:
            places = self.places(each.names)
            own, rows = places >= 0, slice(first, first + len(each.values))
            valid[rows, places[own]] = each.valid[:, own]
            standard = (each.values[:, own] - mean[places[own], None]) / scale[places[own], None]
            z[rows, places[own]] = np.where(each.valid[:, own], np.nan_to_num(standard), 0.0)
            first += len(each.values)
        return Bank(z=z, valid=valid)


class _Moments:
    """Running moments and range of one series; Chan, Golub & LeVeque 1979."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.count, self.mean, self.squares = 0, 0.0, 0.0
        self.low, self.high = np.inf, -np.inf

    def add(self, values: NDArray[np.float64]) -> None:
        if len(values) == 0:
            return
        total, apart = self.count + len(values), float(values.mean()) - self.mean
        self.squares += float(np.square(values - values.mean()).sum()) + apart**2 * self.count * len(values) / total
        self.mean += apart * len(values) / total
        self.count = total
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))

    def spread(self) -> Spread:
        sd = (self.squares / self.count) ** 0.5
        size = max(abs(self.low), abs(self.high))
        is_constant = sd <= 1e-6 * size  # what float32 resolves beside the level
        return Spread(
            unit=self.unit,
            count=self.count,
            mean=self.mean,
            sd=0.0 if is_constant else sd,
            low=float(self.low),
            high=float(self.high),
        )


def _select(windows: Windows, rows: Mask) -> Windows:
    return Windows(
        values=windows.values[rows],
        valid=windows.valid[rows],
        names=windows.names,
        units=windows.units,
        step_s=windows.step_s,
        block=windows.block,
    )
