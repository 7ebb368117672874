import math

import pytest

from wearfm.training.config import TrainingConfig
from wearfm.training.schedule import learning_rate


def _rates(total: int, **changes: object) -> list[float]:
    config = TrainingConfig(**{"seed": 0, "steps": total, "learning_rate": 1.0, **changes})
    return [learning_rate(step, config=config, total=total) for step in range(total)]


def test_cosine_falls_along_half_a_period_to_its_final_share() -> None:
    assert _rates(4) == pytest.approx([0.5 * (1 + math.cos(math.pi * step / 4)) for step in range(4)])
    config = TrainingConfig(seed=0, steps=4, learning_rate=2.0, final_share=0.1)
    assert learning_rate(4, config=config, total=4) == pytest.approx(0.2)


def test_warm_up_rises_in_equal_steps_to_the_top() -> None:
    assert _rates(6, warmup_steps=3, schedule="constant") == [0.25, 0.5, 0.75, 1, 1, 1]


def test_step_halves_at_each_multiple() -> None:
    assert _rates(6, schedule="step", step_every=2) == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_a_warm_up_longer_than_the_run_is_all_there_is() -> None:
    assert _rates(2, warmup_steps=9) == pytest.approx([0.1, 0.2])


def test_linear_falls_by_equal_steps_to_its_final_share() -> None:
    assert _rates(4, schedule="linear", final_share=0.2) == pytest.approx([1.0, 0.8, 0.6, 0.4])
