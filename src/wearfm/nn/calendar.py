"""Where a moment stands in the day and in the calendar, as numbers that a network can add to its tokens.

Times are int64 nanoseconds since 1970-01-01 00:00 on the wearer's own wall clock: zone and daylight saving are resolved
before they come here. Nothing is learned.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from wearfm.nn.positions import sincos

SECOND = 1_000_000_000  # nanoseconds
DAY = 86_400 * SECOND
CALENDAR_ROWS = (13, 32, 7, 24, 60)  # month and day of the month count from 1, weekday from Monday = 0, hour, minute


def time_of_day(local_ns: Tensor, *, harmonics: int) -> Tensor:
    """Return sines and cosines of the time of day, (...) int64 -> (..., 2 * harmonics) float32.

    sin(2 pi h t / 86 400 s) for h = 1 .. harmonics, then the cosines: midnight joins midnight, and the h-th pair tells
    moments apart that lie 24 / h hours from each other.
    """
    share = (local_ns % DAY).double() / DAY  # of the day that is over
    order = torch.arange(1, harmonics + 1, dtype=torch.float64, device=local_ns.device)
    angles = 2 * math.pi * share[..., None] * order
    return torch.cat([angles.sin(), angles.cos()], dim=-1).float()


def midnights(local_ns: Tensor) -> Tensor:
    """Return how many midnights have passed since the first moment of each row, (B, N) int64 -> (B, N) int64."""
    day = torch.div(local_ns, DAY, rounding_mode="floor")
    return day - day[:, :1]


def date(local_ns: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return year, month (1 .. 12) and day of the month (1 .. 31) of moments in the Gregorian calendar, each int64.

    Years are taken to begin in March, so that the leap day ends them; 400 of them have 146 097 days. Howard Hinnant 2013
    (chrono-compatible low-level date algorithms).
    """
    days = torch.div(local_ns, DAY, rounding_mode="floor") + 719_468  # since 0000-03-01
    era, day_of_era = _divide(days, 146_097)
    leap_days = day_of_era // 1_460 - day_of_era // 36_524 + day_of_era // 146_096
    year_of_era = (day_of_era - leap_days) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    month = (month_from_march + 2) % 12 + 1
    year = 400 * era + year_of_era + (month <= 2).long()
    return year, month, day_of_year - (153 * month_from_march + 2) // 5 + 1


def calendar_fields(local_ns: Tensor) -> Tensor:
    """Return month, day of the month, weekday, hour and minute of moments, (...) int64 -> (..., 5) int64."""
    days, in_day = _divide(local_ns, DAY)
    _, month, day = date(local_ns)
    hour, in_hour = _divide(in_day, 3600 * SECOND)
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    return torch.stack([month, day, weekday, hour, in_hour // (60 * SECOND)], dim=-1)


def calendar_waves(local_ns: Tensor, *, size: int) -> Tensor:
    """Return the sum of five fixed tables, one for each calendar field, (...) int64 -> (..., size) float32.

    Row n of a table holds sines and cosines of n 10000^(-2 i / size), as after Zhou et al. 2021 (arXiv:2012.07436). The
    sum does not keep the fields apart for certain; that is as published.
    """
    longest = np.arange(max(CALENDAR_ROWS), dtype=np.float64)
    table = torch.tensor(sincos(longest, size), dtype=torch.float32, device=local_ns.device)
    return table[calendar_fields(local_ns)].sum(dim=-2)  # (..., 5, size) -> (..., size)


def _divide(number: Tensor, by: int) -> tuple[Tensor, Tensor]:
    """Return quotient and remainder, rounded down, so that remainders are not negative."""
    return torch.div(number, by, rounding_mode="floor"), number % by
