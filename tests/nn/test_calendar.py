"""The calendar against Python's own, and the day as a circle."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import torch

from wearfm.nn.calendar import CALENDAR_ROWS, DAY, SECOND, calendar_fields, calendar_waves, date, midnights, time_of_day

EPOCH = datetime(1970, 1, 1)


def ns(*moments: datetime) -> torch.Tensor:
    return torch.tensor([(moment - EPOCH) // timedelta(microseconds=1) * 1000 for moment in moments])


def test_dates_are_those_of_the_gregorian_calendar() -> None:
    days = [EPOCH + timedelta(days=day, hours=day % 24, minutes=day % 60) for day in range(-40_000, 60_000, 13)]
    days += [datetime(2000, 2, 29), datetime(1900, 3, 1), datetime(2100, 2, 28, 23, 59), datetime(2023, 12, 31, 23, 59, 59)]
    local = ns(*days)
    year, month, day = date(local)
    assert list(zip(year.tolist(), month.tolist(), day.tolist(), strict=True)) == [(d.year, d.month, d.day) for d in days]
    assert calendar_fields(local).tolist() == [[d.month, d.day, d.weekday(), d.hour, d.minute] for d in days]


def test_the_time_of_day_is_a_circle() -> None:
    noon, night = datetime(2023, 11, 17, 12), datetime(2023, 11, 17, 23, 59, 59, 999999)
    one = time_of_day(ns(noon, noon + timedelta(days=40), night, noon - timedelta(hours=12)), harmonics=4)
    assert one.shape == (4, 8)
    assert torch.equal(one[0], one[1])
    torch.testing.assert_close(one[2], one[3], rtol=0, atol=1e-6)  # the last microsecond before midnight, and midnight
    quarter = time_of_day(ns(datetime(2023, 11, 17, 6)), harmonics=2)[0]
    torch.testing.assert_close(quarter, torch.tensor([1.0, 0.0, 0.0, -1.0]), rtol=0, atol=1e-6)


def test_each_harmonic_is_its_sine_and_cosine() -> None:
    moment = datetime(2024, 2, 29, 17, 31, 7)
    seconds = 17 * 3600 + 31 * 60 + 7
    angles = [2 * math.pi * order * seconds / 86_400 for order in range(1, 17)]
    expected = [math.sin(angle) for angle in angles] + [math.cos(angle) for angle in angles]
    torch.testing.assert_close(time_of_day(ns(moment), harmonics=16)[0], torch.tensor(expected))


def test_midnights_are_counted_from_the_first_moment() -> None:
    late = 23 * 3600 * SECOND
    rows = torch.tensor([[late, late + 3600 * SECOND, late + DAY, late + DAY + 3600 * SECOND], [0, 1, 2, 3]]) - 5 * DAY
    assert midnights(rows).tolist() == [[0, 1, 1, 2], [0, 0, 0, 0]]


def test_calendar_waves_are_five_rows_summed() -> None:
    moment, size = datetime(2025, 7, 4, 9, 45), 6
    expected = torch.zeros(size, dtype=torch.float64)
    for number in (7, 4, 4, 9, 45):  # July, the 4th, a Friday, 9:45
        for i in range(size // 2):
            angle = number / 10000 ** (2 * i / size)
            expected[i] += math.sin(angle)
            expected[size // 2 + i] += math.cos(angle)
    torch.testing.assert_close(calendar_waves(ns(moment), size=size)[0], expected.float())


def test_every_field_stays_inside_its_table() -> None:
    fields = calendar_fields(torch.arange(0, 366 * DAY, 7 * 3600 * SECOND + 59 * SECOND))
    assert (fields >= 0).all()
    assert (fields < torch.tensor(CALENDAR_ROWS)).all()
