"""kill -9 at any moment of a training run costs only open work: what is committed loads, and the end is the same bits."""

import sys
from pathlib import Path

import pytest

from tests.killing import kill_at_random, num_kills, run_to_end
from tests.toy import Toy
from tests.training.killed import STEPS
from wearfm.recipes.weights import weight_hash
from wearfm.training import load
from wearfm.training.checkpoint import checkpoints
from wearfm.training.durable import verify_folder
from wearfm.training.log import read_log


@pytest.mark.kill
@pytest.mark.slow
def test_a_killed_run_resumes_to_the_bits_of_an_undisturbed_one(tmp_path: Path) -> None:
    def command(run: Path) -> list[str]:
        return [sys.executable, "-m", "tests.training.killed", str(run)]

    def final_hash(run: Path) -> str:
        assert checkpoints(run)[-1].name == f"step-{STEPS:08d}"
        return weight_hash(load(run, recipes={"toy": Toy}))

    work_s = run_to_end(command(tmp_path / "undisturbed"))
    expected = final_hash(tmp_path / "undisturbed")
    runs = [tmp_path / "0"]

    def inspect(number: int) -> None:
        found = checkpoints(runs[-1])
        for folder in found:
            verify_folder(folder)
        if found and found[-1].name == f"step-{STEPS:08d}":
            runs.append(tmp_path / str(len(runs)))

    tries = num_kills()
    landed = kill_at_random(lambda _: command(runs[-1]), tries=tries, seed=11, work_s=work_s, after_each=inspect)
    assert landed > tries // 3
    run_to_end(command(runs[-1]))
    for run in runs:
        assert final_hash(run) == expected
        assert [line["step"] for line in read_log(run / "log.jsonl") if "loss" in line] == list(range(1, STEPS + 1))
    # A kill behind the last commit may leave the checkpoint that was being removed; whoever opens the run next sweeps it.
    assert all(len(checkpoints(run)) in (2, 3) for run in runs[:-1])
    assert len(checkpoints(runs[-1])) == 2
    assert not list((runs[-1] / "checkpoints").glob(".unfinished*"))
