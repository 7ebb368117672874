"""A column of minutes: one feature's values, and in which minutes they can be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wearfm.signals.minutes.grid import Array, Mask

LEAST_SHARE = 0.5  # of a minute that must be measured for a mean, a slope or a shape; our choice
WHOLE_SHARE = 59 / 60  # of a minute that must be measured for a total: what was not measured was not counted; our choice


@dataclass(frozen=True, kw_only=True, eq=False)
class Column:
    """One feature.

    values: (M,), without meaning where not good. good: (M,) minutes with enough measured signal. rule: what the other
    minutes lack, as a reason.
    """

    values: Array
    good: Mask
    rule: str


Columns = dict[str, Column]


def half_measured(values: Array, share: Array) -> Column:
    """Return a column of what needs half of a minute. share: (M,) of it that was measured."""
    return Column(values=values, good=np.asarray(share >= LEAST_SHARE), rule="less than half of the minute measured")


def wholly_measured(values: Array, share: Array) -> Column:
    """Return a column of totals. share: (M,) of the minute that was measured."""
    return Column(values=values, good=np.asarray(share >= WHOLE_SHARE), rule="a total of a minute that was not wholly measured")
