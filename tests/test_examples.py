"""The examples run as they stand, and say what they promise."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
CASES = {
    "arrow_of_time": (("4",), "does it run backwards?"),
    "days_with_gaps": (("4",), "in hidden afternoons of strangers"),
    "disease_risk": ((), "risk table:"),
    "distil_ppg_into_acc": (("4",), "pulse found from acceleration"),
    "embed_with_normwear": ((), "between people"),
    "evaluate_a_table": ((), "report.html"),
    "fill_in_minutes": (("4",), "linear interpolation"),
    "hazards_of_a_night": (("4",), "a risk that knows the heart rate itself"),
    "hybrid_pretraining": (("4",), "next beat off by"),
    "levels_of_a_pulse": (("4",), "training mean"),
    "polarity_of_a_pulse": (("4",), "find themselves when turned over"),
    "pretrain_contrastive": (("4",), "recognised after training"),
    "pulse_in_two_stages": (("4",), "heart rates of nearest strangers differ"),
    "raw_to_minutes": ((), "days of 1440 minutes"),
    "read_any_file": ((), "samples"),
    "reconstruct_spectrograms": (("4",), "hidden amplitudes, network: off by"),
    "relative_contrast": (("4",), "order kept among strangers"),
    "signals_of_half_a_minute": (("2",), "strangers' hearts that find their breath"),
    "simulate_a_cohort": ((), "heart rate error"),
    "sleep_across_channels": (("4",), "strangers' hearts that found a brain as deep asleep"),
    "sleep_from_a_day": (("4",), "balanced accuracy of sleep and wake"),
    "watch_for_freezing": ((), "false alarms an hour"),
    "week_of_activity": (("20",), "where the network looks"),
    "weeks_of_behaviour": (("4",), "weeks of strangers recognised after training"),
}


def test_every_example_is_run_and_short() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(CASES)
    assert max(path.read_text().count("\n") for path in EXAMPLES.glob("*.py")) < 100


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CASES))
def test_an_example_says_what_it_promises(name: str) -> None:
    arguments, promise = CASES[name]
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert promise in done.stdout
