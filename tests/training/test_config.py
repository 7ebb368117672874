"""Settings that cannot work are refused before anything is computed, with a remedy."""

from dataclasses import fields

import pytest

from wearfm.errors import BadConfiguration
from wearfm.training.config import HOW, TrainingConfig


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": None}, "exactly one of the two"),
        ({"epochs": 2}, "exactly one of the two"),
        ({"steps": 0}, "steps=0 must be at least 1"),
        ({"steps": -5}, "steps=-5 must be at least 1"),
        ({"batch_size": 0}, "batch_size=0 must be at least 1"),
        ({"batch_size": 10, "accumulate": 4}, "not a multiple of accumulate=4 x 1 processes; use 8"),
        ({"learning_rate": 0.0}, "learning_rate=0.0 must be positive"),
        ({"learning_rate": float("inf")}, "learning_rate=inf must be positive and finite"),
        ({"clip_norm": -1.0}, "clip_norm=-1.0 must be positive"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1 must not be negative"),
        ({"betas": (0.9, 1.0)}, r"betas=\(0.9, 1.0\) must be two numbers in \[0, 1\)"),
        ({"ema": 1.0}, "ema=1.0 must be between 0 and 1"),
        ({"validation_share": 0.7}, r"validation_share=0.7 must be in \[0, 0.5\]"),
        ({"schedule": "exponential"}, "schedule='exponential' is not known; choose one of cosine, linear, constant, step"),
        ({"schedule": "step"}, "needs step_every"),
        ({"precision": "fp16"}, "choose one of fp32, bf16"),
        ({"strategy": "dp"}, "choose one of none, ddp, fsdp2"),
        ({"optimiser": "sgd"}, "choose one of adamw, adam"),
        ({"keep": 0}, "keep=0 must be at least 1"),
        ({"workers": -1}, "workers=-1 must not be negative"),
    ],
)
def test_an_impossible_setting_is_named_with_its_rule_and_remedy(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        TrainingConfig(**{"seed": 0, "steps": 10, "batch_size": 8, **changes})


def test_processes_divide_the_batch_or_are_refused() -> None:
    config = TrainingConfig(seed=0, steps=1, batch_size=12, accumulate=2)
    assert config.part_size(world=3) == 2
    with pytest.raises(BadConfiguration, match="accumulate=2 x 4 processes; use 8"):
        config.part_size(world=4)


def test_epochs_count_whole_batches() -> None:
    assert TrainingConfig(seed=0, epochs=3).total_steps(7) == 21
    assert TrainingConfig(seed=0, steps=5).total_steps(7) == 5


def test_seeds_of_different_purposes_and_runs_differ_and_fit_31_bits() -> None:
    seeds = [TrainingConfig(seed=seed, steps=1).derived_seed(name) for seed in (0, 1) for name in ("a", "b")]
    assert len(set(seeds)) == 4
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_every_setting_is_either_what_a_run_computes_or_how() -> None:
    config = TrainingConfig(seed=0, steps=1)
    names = {field.name for field in fields(config)}
    assert names > HOW
    assert config.numbers().keys() == names - HOW
    assert config.to_json()["betas"] == [0.9, 0.95]
