"""LSM-2 fills in Fitbit days with their real gaps: python docs/results/fitbit_days.py WORK > PAGE.

Steps and intensity a minute of 22 people (Fitabase), where unworn hours are gaps. Three fifths of the people to pretrain on and
to teach the baselines, the others to judge. WORK keeps store, run and the report with its pictures; WEARFM_DATA names the
folder of the data sets. Minutes on two cores.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from make import circumstances

from wearfm.datasets import DATASETS
from wearfm.imputation import impute
from wearfm.preparation import prepare_recordings
from wearfm.recipes import create
from wearfm.store import Store
from wearfm.study import split_people
from wearfm.training import TrainingConfig, load, train
from wearfm.windows.view import View

STEPS = 800


def main(work: Path) -> None:
    """Prepare, pretrain, fill in, print the page."""
    dataset = DATASETS["fitabase"]
    data = Path(os.environ.get("WEARFM_DATA", "../shared/data"))
    prepare_recordings(dataset.recordings(data / dataset.folder), work / "store")
    training = TrainingConfig(
        seed=0, steps=STEPS, batch_size=32, warmup_steps=STEPS // 20, validation_share=0.0, log_every=50, checkpoint_every=200
    )
    with Store.open(work / "store") as store:
        split = split_people(store, seed=0)
        recipe = create("lsm2", features=("steps", "intensity"))
        train(recipe, View(store, participants=split.train), config=training, run=work / "run", progress=follow)
        report = impute(load(work / "run"), store, train=split.train, test=split.test)
    report.write(work / "report")
    sys.stdout.write(page(report.to_json()))


def follow(line: Any) -> None:
    """Print how far pretraining is."""
    print(f"step {line['step']}: loss {line.get('loss', 0):.3g}", file=sys.stderr, flush=True)


def page(report: dict[str, Any]) -> str:
    """Return the page of a report on imputation."""
    answers = [answer for answer in report["answers"] if not answer["unanswered"]]
    methods = list(dict.fromkeys(score["method"] for answer in answers for score in answer["scores"]))
    lines = [
        "# LSM-2 on Fitbit days with their real gaps",
        "",
        f"`python docs/results/fitbit_days.py WORK`; {STEPS} steps of 32 days, preset `small`, features steps and intensity",
        "",
        circumstances({**report, "fingerprint": report["weight_hash"]}),
        f"- {report['people']} people judged on {report['windows']} days, {report['teachers']} others pretrained on and taught",
        "",
        "RMSE in standard deviations of the training side, over hidden minutes that were measured; 95 % interval by person.",
        "",
        "| task | " + " | ".join(methods) + " |",
        "|---|" + "---|" * len(methods),
    ]
    for answer in answers:
        scores = {score["method"]: score["overall"] for score in answer["scores"]}
        cells = [f"{s['value']:.2f} ({s['low']:.2f} to {s['high']:.2f})" for s in (scores[name] for name in methods)]
        lines.append(f"| {answer['title']} | " + " | ".join(cells) + " |")
    lines += ["", "## In words", ""] + [f"- **{answer['title']}**: {answer['verdict']}" for answer in answers]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
