"""What an accelerometer at the wrist learns of the heart from a frozen pulse encoder, on people that nobody has seen.

    python docs/results/distil.py > docs/results/distil_202611.md        (reads WEARFM_DATA; a quarter of an hour on one core)
    python docs/results/distil.py FOLDER > ...                           (keeps store and runs there, and goes on from them)
    python docs/results/distil.py quick                                  (a minute; the figures mean nothing)

One split by person for everything: encoders, heads, probes and the supervised network learn from the same people. Nothing
was tuned: one seed, one set of settings, chosen before the first figure was seen.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from wearfm.datasets import DATASETS
from wearfm.distilling import distil
from wearfm.embeddings.controls import controls
from wearfm.embeddings.extract import Cut, embed
from wearfm.embeddings.table import EmbeddingTable
from wearfm.evaluation.evaluate import evaluate
from wearfm.evaluation.labels import event_mean, of_dataset
from wearfm.evaluation.report import TaskResult
from wearfm.evaluation.retrieval import retrieve
from wearfm.evaluation.task import Rows, Task, Truth
from wearfm.evaluation.tasks import TASKS
from wearfm.finetuning import lessons
from wearfm.recipes.apple_contrastive import AppleContrastive, ContrastiveConfig, small
from wearfm.recipes.base import Recipe
from wearfm.recipes.distillation import Distillation, Teaching
from wearfm.recipes.method import Method
from wearfm.recipes.supervised import Supervised
from wearfm.store import Store
from wearfm.study import split_people
from wearfm.training import TrainingConfig, load, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load as load_batch
from wearfm.windows.motion import measure_motion
from wearfm.windows.view import View

DATA = Path(os.environ.get("WEARFM_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
IS_QUICK = sys.argv[1:] == ["quick"]
STEPS, DRAWN = (4, 100) if IS_QUICK else (300, 1000)
STRIDE_S = {"troika": 2.0, "stress_predict": 120.0 if IS_QUICK else 24.0}  # from one judged window to the next
POOL, DRAWS = 100, 100
PULSE = small()
MOTION = replace(PULSE, modality="acc", channels=3)
NARROW = replace(MOTION, width=48)  # a fifth of the weights, the same 128 numbers
TEACHING = Teaching(still_g=None, hidden_size=256, projection_size=64)
PLAIN = replace(TEACHING, teacher_augmentation=0.0, student_augmentation=0.0)
STILL = replace(TEACHING, still_g=0.03)

STRESS_RATE = Task(
    name="stress_predict_heart_rate",
    question="What heart rate did the wristband report?",
    dataset="stress_predict",
    kind="regression",
    unit="1/min",
    level="window",
    label=of_dataset("stress_predict", event_mean("hr")),
    metric="mae",
)


def _either(rows: Rows, truth: Truth) -> NDArray[np.float64]:
    """Return the heart rate, whichever data set a window is of."""
    found = [task.label(rows, truth) for task in (TASKS["troika_heart_rate"], STRESS_RATE)]
    return np.where(np.isfinite(found[0]), found[0], found[1])


BOTH = replace(STRESS_RATE, name="heart_rate", dataset="troika, stress_predict", label=_either)


def store_at(folder: Path) -> Store:
    """Return a store with the wrist's pulse and acceleration of both data sets."""
    if folder.exists():
        return Store.open(folder)
    store = Store.create(folder)
    for name in STRIDE_S:
        dataset = DATASETS[name]
        for each in dataset.recordings(DATA / dataset.folder):
            channels = tuple(c for c in each.channels if c.modality in ("ppg", "acc"))
            store.commit([replace(each, channels=channels)])
    return store


def training(batch_size: int) -> TrainingConfig:
    """Return the settings of every run; no validation side, because nothing is chosen."""
    return TrainingConfig(
        seed=0, steps=STEPS, batch_size=batch_size, optimiser="adam", learning_rate=3e-3, weight_decay=1e-5,
        warmup_steps=STEPS // 20, validation_share=0.0, log_every=25, workers=0, checkpoint_every=10_000,
    )  # fmt: skip


def say(what: str) -> None:
    """Print what is done now, and when."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def pretrained(config: ContrastiveConfig, taught: View, run: Path) -> Recipe:
    """Return an encoder after participant-level contrastive learning on its own sensor."""
    say(f"pretrain on {config.modality}")
    recipe = AppleContrastive(config, seed=0)
    train(recipe, View(taught, modalities=[config.modality]), config=training(48), run=run)
    return recipe.eval()


def students(teacher: Recipe, taught: View, folder: Path) -> dict[str, Distillation]:
    """Return the distillations, with their heads."""
    found = {}
    for name, config, teaching in (
        ("distilled", MOTION, TEACHING),
        ("distilled, no augmentation", MOTION, PLAIN),
        ("distilled, still windows only", MOTION, STILL),
        ("distilled, a fifth of the weights", NARROW, TEACHING),
    ):
        say(name)
        method = Method(name="apple_contrastive", config=config)
        made = distil(teacher, taught, method, run=folder / name, training=training(96), teaching=teaching)
        whole = load(made.summary.checkpoint)
        assert isinstance(whole, Distillation)
        found[name] = whole
    return found


def supervised(store: Store, test: frozenset[str], run: Path) -> Recipe:
    """Return a network of the same build that learns the heart rate from acceleration alone, with labels."""
    say("supervised")
    empty = AppleContrastive(MOTION, seed=0)
    lesson = lessons(empty, store, BOTH, seed=0, test=test)
    spread = {"label_mean": float(lesson.labels.mean()), "label_std": float(lesson.labels.std())}
    recipe = Supervised.on_top_of(empty, seed=0, classes=(), encoder_rate=1.0, **spread)
    train(recipe, store, config=training(96), run=run, index=lesson.index)
    return recipe.eval()


def judged(task: Task, models: dict[str, Recipe], store: Store, test: frozenset[str]) -> TaskResult:
    """Return the figures of one data set; the distilled student is compared with all others."""
    say(f"judge {task.name}")
    people = [row.participant for row in store.recordings() if row.participant.startswith(f"{task.dataset}:")]
    cut = Cut(stride_s=STRIDE_S[task.dataset], participants=people)
    tables: dict[str, EmbeddingTable] = {name: embed(model, store, cut=cut) for name, model in models.items()}
    tables |= controls(tables["distilled"], store, seed=1)
    report = evaluate(
        tables, [task], store=store, bootstrap=DRAWN, few_shot=0, predictions={"supervised, acceleration"}, test=test
    )
    return report.results[0]


def retrieved(found: dict[str, Distillation], store: Store, test: frozenset[str]) -> list[str]:
    """Return how well the pulse of a window is found from its acceleration, on stress_predict people that nobody has seen."""
    say("retrieval")
    strangers = View(store, participants=[name for name in test if name.startswith("stress_predict:")])
    lines = ["| student | 100 windows of | top-1 | mean rank | top-1, the other way |", "|---|---|---|---|---|"]
    for name, recipe in found.items():
        index = WindowIndex.build(strangers, recipe.input)
        rows = np.arange(0, len(index), 4 if IS_QUICK else 1)
        pairs = [recipe.projections(load_batch(strangers, index, part)) for part in np.array_split(rows, len(rows) // 256 + 1)]
        query, candidate = (torch.cat(side).numpy() for side in zip(*pairs, strict=True))
        owner = index.participant[rows]
        own = [owner == person for person in np.unique(owner).tolist()]
        for pool, chosen in (("all people", [owner >= 0]), ("one person at a time", own)):
            ways = [retrieve(query[each], candidate[each], pool=POOL, seed=0, draws=DRAWS // len(chosen)) for each in chosen]
            tops = [way.forward.top[1] for way in ways]
            first, spread, chance = np.mean([(top.mean, top.std, top.chance) for top in tops], axis=0)
            rank, back = np.mean([(way.forward.mean_rank.mean, way.backward.top[1].mean) for way in ways], axis=0)
            lines.append(f"| {name} | {pool} | {first:.3f} ± {spread:.3f} (chance {chance:.3f}) | {rank:.1f} | {back:.3f} |")
    return lines


def table(result: TaskResult) -> list[str]:
    """Return the errors of one task, and how much smaller the distilled student's is."""
    unit = f"{result.participants} people judged, {result.teachers} teach the probes; {result.rows} windows"
    gaps = {each.against: each.difference for each in result.comparisons}
    lines = [
        f"{unit}.",
        "",
        "| what | numbers | error 1/min | Pearson | the distilled student's advantage |",
        "|---|---|---|---|---|",
    ]
    for score in result.scores:
        size, gap = score.interval, gaps.get(score.model)
        by = "" if gap is None else f"{gap.value:+.2f} ({gap.low:+.2f} to {gap.high:+.2f})"
        error = f"{size.value:.2f} ({size.low:.2f} to {size.high:.2f})"
        lines.append(f"| {score.model} | {score.features} | {error} | {score.others['pearson']:+.2f} | {by} |")
    return lines


def stillness(store: Store) -> str:
    """Return how much the windows of both data sets move."""
    parts = []
    for name in STRIDE_S:
        people = [row.participant for row in store.recordings() if row.participant.startswith(f"{name}:")]
        view = View(store, participants=people)
        index = WindowIndex.build(view, AppleContrastive(MOTION).input)
        moved = measure_motion(view, index, modality="acc")
        parts.append(f"{name} {np.median(moved) * 1000:.0f} mg, {np.mean(moved <= 0.03):.0%} at most 30 mg")
    return "; ".join(parts)


def main(folder: Path) -> None:
    """Make the page."""
    torch.set_num_threads(1)
    say("read")
    store = store_at(folder / "store")
    split = split_people(store, seed=0)
    taught = View(store, participants=split.train)
    teacher = pretrained(PULSE, taught, folder / "teacher")
    alone = pretrained(MOTION, taught, folder / "alone")
    found = students(teacher, taught, folder)
    models: dict[str, Recipe] = {name: recipe.distilled() for name, recipe in found.items()}
    models["pretrained alone, acceleration"] = alone
    models["supervised, acceleration"] = supervised(store, split.test, folder / "supervised")
    models["teacher, on the pulse itself"] = teacher
    results = {
        name: judged(task, models, store, split.test)
        for name, task in (("Stress-Predict", STRESS_RATE), ("TROIKA", TASKS["troika_heart_rate"]))
    }
    print("# Distillation of a pulse encoder into an accelerometer encoder\n\n`python docs/results/distil.py`\n")
    print("\n".join(circumstances(store)))
    for name, result in results.items():
        print(f"\n## Heart rate, {name}\n\n" + "\n".join(table(result)))
    print("\n## Finding the pulse of a window from its acceleration, people of Stress-Predict that nobody has seen\n")
    print("\n".join(retrieved(found, store, split.test)))


def circumstances(store: Store) -> list[str]:
    """Return hardware, data and settings."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), ": unknown")
    sizes = [sum(p.numel() for p in config.encoder().parameters()) for config in (MOTION, NARROW)]
    return [
        f"- hardware: {cpu.split(':')[1].strip()}, one thread; {platform.system()}",
        f"- commit: {commit.stdout.strip()}; python {platform.python_version()}, torch {torch.__version__}",
        f"- data: {len({row.participant for row in store.recordings()})} people, pulse and three axes at the wrist; windows of"
        f" 8 s at 64 Hz; standard deviation of |acc|, median: {stillness(store)}",
        f"- encoders: `apple_contrastive` small, {sizes[0]:,} weights, the narrow one {sizes[1]:,}; {STEPS} steps, Adam 3e-3,"
        " 48 pairs a step alone, 96 windows distilled or supervised; heads 256 and 64, temperature 0.04",
        "- intervals: 95 %, bootstrap over the people judged; one seed, nothing was tuned",
        "- Stress-Predict's reference is the heart rate that the wristband derived from the very pulse that the teacher sees",
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary if IS_QUICK or len(sys.argv) < 2 else sys.argv[1]))
