import pytest

from wearfm.evaluation.intervals import Difference, Interval
from wearfm.evaluation.metrics import METRICS
from wearfm.evaluation.verdict import Comparison, number, sentence

SCORE = Interval(value=0.81, low=0.7, high=0.9)


def against(name, value, low, high):
    return Comparison(against=name, difference=Difference(value=value, low=low, high=high, p=0.1), p_holm=0.2)


def test_what_is_not_beaten_is_said_first():
    text = sentence(METRICS["auroc"], "", SCORE, [against("the mean", 0.3, 0.2, 0.4), against("statistics", 0.01, -0.02, 0.04)])
    first, second = text.split(". It ")
    assert first == "Does not beat statistics (+0.01, −0.02 to +0.04); beats the mean by 0.30 (0.20 to 0.40)"
    assert second == "reaches AUROC 0.81 (0.70 to 0.90)."


def test_what_is_worse_is_called_worse():
    assert sentence(METRICS["auroc"], "", SCORE, [against("age", -0.1, -0.2, -0.05)]).startswith("Is worse than age (−0.10")


def test_an_error_wears_its_unit():
    score = Interval(value=8.4, low=7.0, high=10.2)
    assert sentence(METRICS["mae"], "years", score, []) == "It reaches mean absolute error 8.40 years (7.00 to 10.2)."


@pytest.mark.parametrize(
    ("low", "high", "standing"),
    [(0.01, 0.2, "better"), (-0.1, 0.1, "no better"), (0.0, 0.1, "no better"), (-0.2, -0.1, "worse")],
)
def test_only_an_interval_that_excludes_zero_decides(low, high, standing):
    assert against("x", 0.0, low, high).standing == standing


def test_an_undefined_interval_beats_nothing():
    assert against("x", 0.5, float("nan"), float("nan")).standing == "no better"


@pytest.mark.parametrize(
    ("value", "text"), [(0.8123, "0.81"), (12.34, "12.3"), (123.4, "123"), (-0.5, "−0.50"), (float("nan"), "–")]
)
def test_numbers_have_the_digits_a_reader_needs(value, text):
    assert number(value) == text
