from itertools import pairwise

import pytest

from wearfm.evaluation.learning import MOST_POINTS, Learning, learned

LINES = [
    {"step": 10, "loss": 2.0, "effective_rank": 7.5, "nce": 2.0},
    {"step": 10, "val_loss": 2.5},
    {"step": 20, "loss": 1.0, "effective_rank": 9.0, "nce": 1.0},
]


def test_curves_are_the_quantities_of_the_log_at_their_steps() -> None:
    learning = learned("a", LINES)
    assert learning.values == {"loss": ((10, 2.0), (20, 1.0)), "effective_rank": ((10, 7.5), (20, 9.0))}


def test_long_curves_are_thinned_and_keep_their_end() -> None:
    points = learned("a", [{"step": step, "loss": float(step)} for step in range(1, 1002)]).values["loss"]
    assert len(points) <= MOST_POINTS
    assert points[-1] == (1001, 1001.0)
    assert {b - a for (a, _), (b, _) in pairwise(points)} == {6}


@pytest.mark.parametrize(("ranks", "passed"), [((9.0, 8.0), True), ((9.0, 1.3), False), ((1.2, 1.9), False)])
def test_a_run_that_lost_its_dimensions_is_called_collapsed(ranks: tuple[float, ...], passed: bool) -> None:
    check = Learning(model="a", values={"effective_rank": tuple(enumerate(ranks))}).check()
    assert check is not None
    assert check.passed is passed
    assert check.value == ranks[-1]
    assert check.text.endswith("it has collapsed") is not passed


def test_nothing_is_claimed_where_nobody_watched() -> None:
    assert learned("a", [{"step": 1, "loss": 1.0}]).check() is None
