"""What each part of the hybrid is good for: python docs/results/hybrid.py WORK > docs/results/hybrid_202611.md.

Four networks that differ in their weights only see the same pairs of real PPG, in the same order, for equal steps: three fifths
of the people of BIDMC and PPG-BP. What they know is asked of the others. WORK keeps the store, the runs and the tables;
WEARFM_DATA names the folder of the data sets.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from make import circumstances, figure

from wearfm.datasets import DATASETS
from wearfm.embeddings.controls import controls
from wearfm.embeddings.extract import Cut, embed_to
from wearfm.evaluation.evaluate import evaluate
from wearfm.evaluation.tasks import TASKS
from wearfm.nn.draws import Draws
from wearfm.preparation import prepare_recordings
from wearfm.recipes.base import at_window
from wearfm.recipes.hybrid import Hybrid, HybridConfig, small
from wearfm.store import Store
from wearfm.study import split_people
from wearfm.training import TrainingConfig, fit
from wearfm.training.data import Data
from wearfm.training.distributed import joined
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import Loader
from wearfm.windows.pairs import SameParticipant
from wearfm.windows.split import Split
from wearfm.windows.view import View

SETS, SEEDS, STEPS, PAIRS = ("bidmc", "ppg_bp"), (0, 1), 200, 32
WINDOW_S, STRIDE_S = 8.0, 4.0
BASE = replace(small(), window_s=WINDOW_S, apart_s=WINDOW_S, min_valid=0.25)  # PPG-BP has 2.1 s at a time: the rest is a gap
LEARNERS: dict[str, HybridConfig] = {
    "reconstruction": replace(BASE, contrast_weight=0.0),
    "contrast": replace(BASE, reconstruction_weight=0.0),
    "hybrid": BASE,
    "hybrid + pretext": replace(BASE, corruption_weight=0.2, beat_weight=0.5),
}
QUESTIONS = {  # data set -> seconds of a window, tasks
    "bidmc": (WINDOW_S, ("bidmc_heart_rate",)),
    "ppg_bp": (2.0, ("ppg_bp_hypertension", "ppg_bp_age", "ppg_bp_systolic")),
}


def main(work: Path) -> None:
    """Prepare, pretrain, judge, print the page."""
    torch.set_num_threads(1)
    data = Path(os.environ.get("WEARFM_DATA", "../shared/data"))
    for name in SETS:
        prepare_recordings(DATASETS[name].recordings(data / DATASETS[name].folder), work / "store")
    reports: dict[str, list[dict[str, Any]]] = defaultdict(list)
    lines = []
    with Store.open(work / "store") as store:
        split = split_people(store, seed=0)
        for seed in SEEDS:
            models = {name: pretrain(name, config, store, split, work, seed) for name, config in LEARNERS.items()}
            for dataset in QUESTIONS:
                reports[dataset].append(judge(models, dataset, store, work, seed))
            lines.append(held_out(models["hybrid + pretext"], store, split, seed))
        everything = LEARNERS["hybrid + pretext"]
        both = {"untrained": Hybrid(everything, seed=0), f"after {STEPS} steps": models["hybrid + pretext"]}
        forces = {name: pulls(model, store, split) for name, model in both.items()}
    sys.stdout.write(page(reports, lines, forces, minutes=time.process_time() / 60))


def pretrain(name: str, config: HybridConfig, store: Store, split: Split, work: Path, seed: int) -> Hybrid:
    """Return a network after its steps; all networks of a seed start alike and see the same windows in the same order."""
    recipe, view = Hybrid(config, seed=seed), View(store, participants=split.train, modalities=["ppg"])
    index = recipe.survey(view, WindowIndex.build(view, recipe.input, stride_s=STRIDE_S))
    plan = SameParticipant(index, seed=seed, apart_s=WINDOW_S)  # also for those that need no pairs
    loader = Loader(store=view, index=index, plan=plan, batch_size=PAIRS)
    training = TrainingConfig(seed=seed, steps=STEPS, batch_size=PAIRS, learning_rate=1e-3, warmup_steps=10, log_every=50)
    run = work / "runs" / f"{name.replace(' ', '')}-{seed}"
    with joined(training) as place:
        summary = fit(recipe, Data(train=loader, split=split), config=training, run=run, place=place)
    told = {key: round(value, 3) for key, value in summary.metrics.items() if isinstance(value, float)}
    print(f"{name}, seed {seed}: {told}", file=sys.stderr, flush=True)
    return recipe.eval()


def judge(models: dict[str, Hybrid], dataset: str, store: Store, work: Path, seed: int) -> dict[str, Any]:
    """Return the report on one data set: all networks, hand-made statistics, random weights, demographics, the mean."""
    window_s, tasks = QUESTIONS[dataset]
    people = frozenset(row.participant for row in store.recordings() if row.participant.startswith(f"{dataset}:"))
    cut = Cut(stride_s=window_s, participants=people, modalities=("ppg",))
    tables = {
        name: embed_to(work / "tables" / f"{dataset}-{name}-{seed}.parquet", at_window(model, window_s), store, cut=cut)
        for name, model in list(models.items())[::-1]
    }
    tables |= controls(next(iter(tables.values())), store, seed=seed + 100)
    report = evaluate(tables, [TASKS[name] for name in tasks], store=store, seed=0, few_shot=0)
    plain: dict[str, Any] = json.loads(json.dumps(report.to_json()))
    return plain


@torch.no_grad()
def held_out(model: Hybrid, store: Store, split: Split, seed: int) -> str:
    """Return how the pretext tasks go with people whom the network has not seen: a row of a table."""
    view = View(store, participants=split.test, modalities=["ppg"])
    index = model.survey(view, WindowIndex.build(view, model.input, stride_s=STRIDE_S))
    loader = Loader(store=view, index=index, plan=SameParticipant(index, seed=seed, apart_s=WINDOW_S), batch_size=PAIRS)
    parts = [model.loss(batch, Draws(seed, step)).parts for step, batch in enumerate(loader.epoch(0))]
    wait_s = index.targets["next_beat_s"][np.isfinite(index.targets["next_beat_s"])]
    constant_s = float(np.abs(wait_s - np.median(wait_s)).mean())

    def mean(name: str) -> float:
        known = [float(part["beat_known"]) if name == "beat_error_s" else 1.0 for part in parts]
        return float(np.average([float(part[name]) for part in parts], weights=known))

    figures = (mean("reconstruction"), mean("contrast"), mean("corruption_accuracy"), mean("beat_error_s"), constant_s)
    return f"| {seed} | " + " | ".join(f"{value:.3f}" for value in figures) + f" | {mean('beat_known'):.0%} |"


def pulls(model: Hybrid, store: Store, split: Split) -> dict[str, float]:
    """Return the norm of the gradient with which each part, weighted, pulls at the encoder: mean over three batches."""
    config, found = model.config, {}
    view = View(store, participants=split.train, modalities=["ppg"])
    index = model.survey(view, WindowIndex.build(view, model.input, stride_s=STRIDE_S))
    loader = Loader(store=view, index=index, plan=model.plan(index, seed=0), batch_size=PAIRS)
    batches = [batch for batch, _ in zip(loader.epoch(0), range(3), strict=False)]
    for part, weight in config.weights.items():
        model.config = replace(config, **{f"{name}_weight": weight * (name == part) for name in config.weights})
        norms = []
        for step, batch in enumerate(batches):
            model.zero_grad()
            model.loss(batch, Draws(0, step)).total.backward()
            gradients = [p.grad.square().sum() for p in model.encoder.parameters() if p.grad is not None]
            norms.append(float(torch.stack(gradients).sum().sqrt()))
        found[part] = float(np.mean(norms))
    model.config = config
    return found


def page(
    reports: dict[str, list[dict[str, Any]]], lines: list[str], forces: dict[str, dict[str, float]], *, minutes: float
) -> str:
    """Return the page: circumstances, a table of all models, one of the pretext tasks, one of how hard each part pulls."""
    first = next(iter(reports.values()))[0]
    models = list(dict.fromkeys(s["model"] for each in reports.values() for r in each[0]["results"] for s in r["scores"]))
    head = [
        "# python docs/results/hybrid.py WORK",
        "",
        circumstances(first),
        f"- {STEPS} steps of {PAIRS} pairs, preset `small` at {WINDOW_S:g} s, one thread; {minutes:.1f} CPU minutes in all",
        f"- value and interval of seed 0; in brackets the value of seed {', '.join(map(str, SEEDS[1:]))}: the spread of"
        " pretraining alone, on the same split",
        "",
        "| task | metric | judged on | " + " | ".join(models) + " |",
        "|---|---|---|" + "---|" * len(models),
    ]
    rows = [row(each, number, models) for each in reports.values() for number in range(len(each[0]["results"]))]
    words = [f"- **{r['task']}**: {r['verdict'] or r['unanswered']}" for each in reports.values() for r in each[0]["results"]]
    told = [
        "",
        "## In words, seed 0",
        "",
        *words,
        "",
        "## Pretext tasks, on people not seen",
        "",
        "Corruption: five kinds, chance 0.2. Next beat: mean absolute error; the constant is the median wait of these people.",
        "",
        "| seed | reconstruction | contrast, nats | corruption told | next beat, s | constant, s | beat known in |",
        "|---|---|---|---|---|---|---|",
        *lines,
        "",
        "## How hard each part pulls at the encoder",
        "",
        "Norm of the weighted gradient on the encoder's parameters, last seed, three batches.",
        "",
        "| | " + " | ".join(next(iter(forces.values()))) + " |",
        "|---|" + "---|" * len(next(iter(forces.values()))),
        *(f"| {name} | " + " | ".join(f"{value:.2f}" for value in force.values()) + " |" for name, force in forces.items()),
    ]
    return "\n".join(head + rows + told) + "\n"


def row(each: list[dict[str, Any]], number: int, models: list[str]) -> str:
    """Return one task's row: every model's figure with its interval, and what the other seeds give."""
    results = [report["results"][number] for report in each]
    scores = [{score["model"]: score["interval"] for score in result["scores"]} for result in results]
    cells = [cell([score[model] for score in scores]) if model in scores[0] else "" for model in models]
    result = results[0]
    people = f"{result['participants']} people, {result['rows']} {result['level']}s; {result['teachers']} more teach"
    return f"| {result['task']} | {result['metric']} {result['unit']} | {people} | " + " | ".join(cells) + " |"


def cell(intervals: list[dict[str, float]]) -> str:
    """Return the figure of the first seed and the values of the others."""
    others = ", ".join(f"{interval['value']:.3g}" for interval in intervals[1:])
    return f"{figure(intervals[0])} [{others}]"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
