"""Freezing of gait on two people, either of them once the teacher and once the test.

    python docs/results/freezing.py > docs/results/freezing_202611.md        (reads WEARFM_DATA; a quarter of an hour)
    python docs/results/freezing.py quick                                    (a minute; the figures mean nothing)

Everything that is chosen, the threshold and the gate, is chosen on trials of the training person, each scored by a detector
that has not seen it. Nothing looks at the test person before the end.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from wearfm.datasets import DATASETS
from wearfm.evaluation.episodes import Tally, Watch, effective_latency_s, tally, threshold_for
from wearfm.evaluation.intervals import Interval, compare, interval, resample
from wearfm.evaluation.metrics import METRICS, Outcome
from wearfm.nn.draws import Draws
from wearfm.recipes.lift_pd import LiftPD, paper
from wearfm.signals.movement import Gate, activity, freeze_index
from wearfm.signals.recording import SECOND, Recording
from wearfm.signals.spans import Spans
from wearfm.signals.statistics import statistics
from wearfm.store import Store
from wearfm.training import TrainingConfig, train
from wearfm.windows.batch import Batch
from wearfm.windows.hop import every, hop
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load
from wearfm.windows.view import View

DATA = Path(os.environ.get("WEARFM_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
IS_QUICK = sys.argv[1:] == ["quick"]
EPOCHS, STEPS, SEEDS, DRAWN = (1, 5, 1, 100) if IS_QUICK else (50, 150, 3, 2000)
DENSE_S, TEST_HOP_S = 0.25, 1.0
FREEZING_S = 1.0  # a window is freezing if a second of it is: six of one person's ten episodes last two seconds or less
FALSE_ALARMS_PER_H = 60.0  # one a minute: fewer cannot be told from none in the minutes there are
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Fit = Callable[[Ints, Ints], Callable[[Ints], Floats]]  # rows and their labels -> scorer of rows


def movements(name: str, *, placement: str = "") -> list[Recording]:
    """Return the recordings of a data set with their accelerometers only, at one place if there are several."""
    dataset = DATASETS[name]
    return [
        replace(r, channels=tuple(c for c in r.channels if c.modality == "acc" and placement in c.placement))
        for r in dataset.recordings(DATA / dataset.folder)
    ]


@dataclass(frozen=True, kw_only=True, eq=False)
class Trials:
    """All dense windows of both people. batch: their samples, (N, 3, T). labels: (N,) 1 freezing. person: (N,) names."""

    index: WindowIndex
    batch: Batch
    labels: Ints
    person: NDArray[np.str_]
    episodes: dict[int, Spans]

    @classmethod
    def of(cls, store: Store) -> Trials:
        """Return the windows of a store, one each quarter of a second."""
        index = WindowIndex.build(store, paper_input(), stride_s=DENSE_S)
        frozen = [store.events(row.id, "freezing") for row in store.recordings()]
        episodes = {code: Spans.of(np.stack((e.onset_ns, e.onset_ns + e.duration_ns), axis=1)) for code, e in enumerate(frozen)}
        frozen_s = np.zeros(len(index))
        for code, spans in episodes.items():
            own = index.recording == code
            frozen_s[own] = spans.covered(index.start_ns[own], round(index.contract.window_s * SECOND)) / SECOND
        names = np.array(index.participants)
        labels = (frozen_s >= FREEZING_S - 1e-6).astype(np.int64)
        return cls(
            index=index,
            batch=load(store, index, np.arange(len(index))),
            labels=labels,
            person=names[index.participant],
            episodes=episodes,
        )

    def rows(self, chosen: NDArray[np.bool_], *, hop_s: float = TEST_HOP_S) -> Ints:
        """Return windows at one hop among the chosen ones."""
        return np.flatnonzero(chosen)[every(self.index.select(chosen), hop_s=hop_s)]

    def hopped(self, chosen: NDArray[np.bool_], *, training: str) -> Ints:
        """Return windows at the hops that balance the classes among the chosen ones, all of the training person."""
        return np.flatnonzero(chosen)[
            hop(self.index.select(chosen), self.labels[chosen], training=[training], common_s=TEST_HOP_S)
        ]

    def watch(self, rows: Ints) -> Watch:
        """Return the windows and the episodes of their trials; trials are numbered anew."""
        return Watch.of(self.index.select(rows), self.episodes)


def paper_input():
    """Return the windows that the method eats."""
    return LiftPD(paper()).input


def pretrain(store: Store, *, without: str, run: Path) -> LiftPD:
    """Return the encoder after masked-value prediction on everybody but the test person."""
    recipe = LiftPD(paper(), seed=0)
    people = sorted({row.participant for row in store.recordings()} - {without})
    config = TrainingConfig(
        seed=0, epochs=EPOCHS, batch_size=256, learning_rate=1e-3, validation_share=0.0, checkpoint_every=10_000
    )
    train(recipe, View(store, participants=people), config=config, run=run)
    return recipe.eval()


def explained(recipe: LiftPD, batch: Batch) -> float:
    """Return the share of the power of blotted-out samples that the guess explains."""
    with torch.no_grad():
        return float(recipe.eval().loss(batch, Draws(seed=0)).parts["explained"])


def logistic(features: Floats) -> Fit:
    """Return a detector by logistic regression with weights that balance the classes; its penalty is not tuned."""

    def fit(rows: Ints, labels: Ints) -> Callable[[Ints], Floats]:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000))
        model.fit(features[rows], labels)
        return lambda tested: model.decision_function(features[tested])

    return fit


def network(recipe: LiftPD, batch: Batch, *, encoder_rate: float, seed: int) -> Fit:
    """Return a detector by a linear head on the encoder, both trained with class-weighted cross-entropy."""

    def fit(rows: Ints, labels: Ints) -> Callable[[Ints], Floats]:
        model = LiftPD(recipe.config, seed=seed)
        if encoder_rate < 1:
            model.load_state_dict(recipe.state_dict())
        generator = torch.Generator().manual_seed(seed)
        head = torch.nn.utils.skip_init(torch.nn.Linear, model.embedding_size, 2)
        torch.nn.init.xavier_uniform_(head.weight, generator=generator)
        torch.nn.init.zeros_(head.bias)
        weight = torch.tensor(len(labels) / (2 * np.bincount(labels, minlength=2)), dtype=torch.float32)
        groups = [{"params": model.encoder.parameters(), "lr": 1e-3 * encoder_rate}, {"params": head.parameters(), "lr": 1e-3}]
        optimiser = torch.optim.AdamW(groups, weight_decay=0.05)
        model.train()
        for _ in range(STEPS):
            pick = torch.randint(len(rows), (64,), generator=generator).numpy()
            loss = torch.nn.functional.cross_entropy(
                head(model.features(batch.select(torch.from_numpy(rows[pick])))), torch.from_numpy(labels[pick]), weight=weight
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return lambda tested: network_scores(model.eval(), head, batch.select(torch.from_numpy(tested)))

    return fit


def network_scores(model: LiftPD, head: torch.nn.Linear, batch: Batch) -> Floats:
    """Return the log-odds of freezing."""
    with torch.no_grad():
        logits = head(model.features(batch))
    return (logits[:, 1] - logits[:, 0]).double().numpy()


def together(fits: list[Fit]) -> Fit:
    """Return the detector that takes the mean of several log-odds."""

    def fit(rows: Ints, labels: Ints) -> Callable[[Ints], Floats]:
        scorers = [each(rows, labels) for each in fits]
        return lambda tested: np.mean([scorer(tested) for scorer in scorers], axis=0)

    return fit


def embedded(recipe: LiftPD, batch: Batch) -> Floats:
    """Return the embeddings of all windows."""
    with torch.no_grad():
        return recipe.embed(batch).vector.double().numpy()


def handmade(batch: Batch) -> Floats:
    """Return sixteen statistics of every axis."""
    stream = batch.streams["acc"]
    columns = [
        statistics(stream.signal[:, axis].numpy(), stream.valid[:, axis].numpy(), rate_hz=stream.rate_hz) for axis in range(3)
    ]
    return np.concatenate(columns, axis=1)


def own_scale(features: Floats, person: NDArray[np.str_]) -> Floats:
    """Return features standardised over all windows of the person they belong to, without labels."""
    scaled = np.empty_like(features)
    for name in np.unique(person):
        own = features[person == name]
        scaled[person == name] = (own - own.mean(axis=0)) / np.maximum(own.std(axis=0), 1e-9)
    return scaled


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """A detector on the test person. alarm: (N,) of the windows of `watch`. score: (N,)."""

    score: Floats
    alarm: NDArray[np.bool_]
    counts: Tally
    outcome: Outcome


def judge(trials: Trials, fit: Fit, *, teacher: str, pupil: str, is_hopped: bool) -> Judged:
    """Train on one person, choose the threshold there out of fold by trial, judge on the other."""
    mine = trials.person == teacher

    def taught(chosen: NDArray[np.bool_]) -> Callable[[Ints], Floats]:
        rows = trials.hopped(chosen, training=teacher) if is_hopped else trials.rows(chosen)
        return fit(rows, trials.labels[rows])

    parts = []
    for code in np.unique(trials.index.recording[mine]).tolist():
        left = trials.index.recording == code
        rows = trials.rows(left)
        parts.append((rows, taught(mine & ~left)(rows)))
    rows, scores = (np.concatenate(part) for part in zip(*parts, strict=True))
    threshold = threshold_for(trials.watch(rows), scores, false_alarms_per_h=FALSE_ALARMS_PER_H)
    tested = trials.rows(trials.person == pupil)
    score, watch = taught(mine)(tested), trials.watch(tested)
    outcome = Outcome(
        labels=trials.labels[tested],
        prediction=score,
        person=watch.recording,
        fold=watch.recording * 0,
        persons=watch.recordings,
    )
    return Judged(score=score, alarm=score >= threshold, counts=tally(watch, score >= threshold), outcome=outcome)


def detectors(trials: Trials, recipe: LiftPD) -> dict[str, tuple[Fit, bool]]:
    """Return name -> (detector, whether its training windows hop by class)."""
    batch, stream = trials.batch, trials.batch.streams["acc"]
    index = freeze_index(stream.signal.numpy(), stream.valid.numpy(), rate_hz=stream.rate_hz)
    untrained, trained = embedded(LiftPD(paper(), seed=1).eval(), batch), embedded(recipe, batch)

    def grown(encoder_rate: float) -> Fit:
        return together([network(recipe, batch, encoder_rate=encoder_rate, seed=seed) for seed in range(SEEDS)])

    return {
        "freeze index, nothing learned": (lambda _rows, _labels: lambda tested: np.log(index[tested] + 1e-6), False),
        "statistics + logistic": (logistic(handmade(batch)), False),
        "statistics + logistic, hops by class": (logistic(handmade(batch)), True),
        "untrained network + logistic": (logistic(untrained), False),
        "pretrained network + logistic": (logistic(trained), False),
        "pretrained network + logistic, hops by class": (logistic(trained), True),
        "network from scratch": (grown(1.0), False),
        "network from scratch, hops by class": (grown(1.0), True),
        "pretrained, fine-tuned": (grown(0.1), False),
        "pretrained, fine-tuned, hops by class": (grown(0.1), True),
        "statistics + logistic, each person's own scale *": (logistic(own_scale(handmade(batch), trials.person)), False),
        "pretrained network + logistic, each person's own scale *": (logistic(own_scale(trained, trials.person)), False),
    }


COMPARED = (
    ("pretrained, fine-tuned, hops by class", "network from scratch, hops by class"),
    ("pretrained, fine-tuned, hops by class", "pretrained, fine-tuned"),
    ("network from scratch, hops by class", "network from scratch"),
    ("pretrained network + logistic", "untrained network + logistic"),
    ("pretrained, fine-tuned, hops by class", "statistics + logistic"),
    ("pretrained, fine-tuned, hops by class", "freeze index, nothing learned"),
)


def table(found: dict[str, Judged]) -> list[str]:
    """Return the figures of every detector on one test person."""
    head = ["detector", "AUROC", "average precision", "episodes found", "mean delay s", "false alarms /h"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for name, judged in found.items():
        trials = judged.outcome.persons
        times = resample(trials, replicates=DRAWN, seed=0)
        cells = [shown(interval(METRICS[metric], judged.outcome, counts=times)) for metric in ("auroc", "average_precision")]
        drawn = judged.counts.intervals(unit=np.arange(trials), replicates=DRAWN, seed=0)
        hits = f"{judged.counts.found.sum():.0f} of {judged.counts.episodes.sum():.0f}"
        cells += [hits, shown(drawn["delay_s"]), shown(drawn["false_alarms_per_h"])]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def differences(found: dict[str, Judged]) -> list[str]:
    """Return by how much the AUROC of the first of two detectors is larger, on the same windows."""
    lines = []
    for first, second in COMPARED:
        one, other = found[first].outcome, found[second].outcome
        times = resample(one.persons, replicates=DRAWN, seed=0)
        gap = compare(METRICS["auroc"], one, other, counts=times)
        lines.append(f"- *{first}* minus *{second}*: {gap.value:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})")
    return lines


def shown(found: Interval) -> str:
    """Return a figure with its interval."""
    return "none" if np.isnan(found.value) else f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def moved(batch: Batch) -> Floats:
    """Return the activity of every window."""
    stream = batch.streams["acc"]
    return activity(stream.signal.numpy(), stream.valid.numpy())


@dataclass(frozen=True, kw_only=True, eq=False)
class Day:
    """People who sit, stand, lie and walk. moved: (N,) g, once a second. recording: (N,). label: (N,) what they do."""

    moved: Floats
    recording: Ints
    label: NDArray[np.str_]

    @classmethod
    def of(cls, store: Store) -> Day:
        """Return the people of HAPT with their phones at the waist."""
        people = View(store, participants=[r.participant for r in store.recordings() if r.participant.startswith("hapt")])
        index = WindowIndex.build(people, paper_input(), stride_s=TEST_HOP_S)
        batches = [load(people, index, np.arange(first, min(first + 2048, len(index)))) for first in range(0, len(index), 2048)]
        middle = index.start_ns + round(index.contract.window_s * SECOND / 2)
        label = np.full(len(index), "between", dtype="<U24")
        for code, row in enumerate(people.recordings()):
            for _, onset, length, name, _ in store.events(row.id, "activity").rows():
                label[(index.recording == code) & (middle >= onset) & (middle < onset + length)] = name
        return cls(moved=np.concatenate([moved(batch) for batch in batches]), recording=index.recording, label=label)


def gates(trials: Trials, day: Day, teacher: str) -> dict[str, Gate]:
    """Return name -> gate, none of which has seen the test person."""
    rows = trials.rows((trials.person == teacher) & (trials.labels == 1), hop_s=DENSE_S)
    return {
        "95 % of the teacher's freezing": Gate(on=float(np.quantile(moved(trials.batch)[rows], 0.05))),
        "95 % of people who stand (HAPT) *": Gate(on=float(np.quantile(day.moved[day.label == "standing"], 0.95))),
    }


def gated(trials: Trials, judged: Judged, chosen: dict[str, Gate], day: Day, *, pupil: str) -> list[str]:
    """Return what gates save and lose on the test person's trials, and what they would save in a day."""
    rows = trials.rows(trials.person == pupil)
    watch, frozen = trials.watch(rows), trials.labels[rows] == 1
    head = [
        "gate opens above",
        "mg",
        "duty",
        "freezing windows slept through",
        "episodes found",
        "false alarms /h",
        "duty on HAPT",
    ]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    free = judged.counts
    cells = ["nothing: always open", "0", "1.00", "0%", f"{free.found.sum():.0f}"]
    lines.append(f"| {' | '.join([*cells, format(free.figures()['false_alarms_per_h'], '.0f'), '1.00'])} |")
    for name, gate in chosen.items():
        is_open, by_day = gate.decide(moved(trials.batch)[rows], watch.recording), gate.decide(day.moved, day.recording)
        behind = tally(watch, judged.alarm, is_open=is_open)
        shares = [f"{behind.figures()['duty']:.2f}", f"{(~is_open[frozen]).mean():.0%}", f"{behind.found.sum():.0f}"]
        rates = [f"{behind.figures()['false_alarms_per_h']:.0f}", f"{by_day.mean():.2f}"]
        lines.append(f"| {' | '.join([name, f'{gate.on * 1000:.0f}', *shares, *rates])} |")
    return lines


def by_activity(gate: Gate, day: Day) -> str:
    """Return the duty cycle of a gate in each activity, in words."""
    is_open = gate.decide(day.moved, day.recording)
    names = [name for name in np.unique(day.label).tolist() if name != "between" and " to " not in name]
    return ", ".join(f"{name} {is_open[day.label == name].mean():.2f}" for name in names)


def latencies(recipe: LiftPD, batch: Batch) -> tuple[float, float]:
    """Return the median seconds of the network and of the gate's statistic for one window, on one thread."""
    one = batch.select(slice(0, 1))

    def median(act: Callable[[Batch], object]) -> float:
        spent = []
        for _ in range(200):
            begun = time.perf_counter()
            act(one)
            spent.append(time.perf_counter() - begun)
        return float(np.median(spent))

    torch.set_num_threads(1)
    with torch.no_grad():
        return median(recipe.embed), median(moved)


def circumstances() -> list[str]:
    """Return hardware, software and commit."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), ": unknown")
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return [
        f"- hardware: {cpu.split(':')[1].strip()}, {os.cpu_count()} cores, {platform.system()}",
        f"- commit: {commit}; python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}",
    ]


def section(trials: Trials, day: Day, recipe: LiftPD, *, teacher: str, pupil: str) -> list[str]:
    """Return what one direction comes to."""
    found = {}
    for name, (fit, is_hopped) in detectors(trials, recipe).items():
        found[name] = judge(trials, fit, teacher=teacher, pupil=pupil, is_hopped=is_hopped)
        sys.stderr.write(f"{teacher} {name}: {METRICS['auroc'](found[name].outcome):.3f}\n")
    mine, theirs = trials.person == teacher, trials.rows(trials.person == pupil)
    tested = trials.batch.select(torch.from_numpy(theirs))
    hopped = np.bincount(trials.labels[trials.hopped(mine, training=teacher)], minlength=2)
    plain = np.bincount(trials.labels[trials.rows(mine)], minlength=2)
    chosen = gates(trials, day, teacher)
    still = list(chosen.values())[-1]
    model_s, gate_s = latencies(recipe, tested)
    duty = float(still.decide(day.moved, day.recording).mean())
    latency_s = effective_latency_s(duty=duty, model_s=model_s, gate_s=gate_s)
    middle_mg = {name: 1000 * np.median(moved(trials.batch)[trials.person == name]) for name in (teacher, pupil)}
    return [
        f"## Taught by {teacher}, tested on {pupil}",
        "",
        f"Training windows: {plain[0]} walking and {plain[1]} freezing at a hop of {TEST_HOP_S:g} s, {hopped[0]} and"
        f" {hopped[1]} with hops by class. Test windows: {len(theirs)}, of which {trials.labels[theirs].sum()} freeze."
        f" Of what was blotted out of the test person's windows the pretrained network explains"
        f" {explained(recipe, tested):.0%} of the power."
        f" Median activity of a window: teacher {middle_mg[teacher]:.0f} mg, test person {middle_mg[pupil]:.0f} mg.",
        "",
        *table(found),
        "",
        "Differences in AUROC on the same windows:",
        "",
        *differences(found),
        "",
        "Opportunistic gate before *pretrained, fine-tuned, hops by class*, on the test person's trials:",
        "",
        *gated(trials, found["pretrained, fine-tuned, hops by class"], chosen, day, pupil=pupil),
        "",
        f"Duty cycle of the last gate in HAPT: {by_activity(still, day)}. The network takes {model_s * 1e3:.2f} ms and the gate"
        f" {gate_s * 1e3:.2f} ms a window on one thread: behind this gate {latency_s * 1e3:.2f} ms on average.",
        "",
    ]


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        fog, everybody = Store.create(folder / "fog"), Store.create(folder / "all")
        walks = movements("stanford_fog", placement="lower back")
        fog.commit(walks)
        everybody.commit([*walks, *movements("hapt"), *movements("motionsense")])
        trials = Trials.of(fog)
        people = sorted(set(trials.person.tolist()))
        day, lines = Day.of(everybody), []
        for teacher, pupil in (people, people[::-1]):
            recipe = pretrain(everybody, without=pupil, run=folder / teacher.replace(":", " "))
            lines += section(trials, day, recipe, teacher=teacher, pupil=pupil)
    sys.stdout.write("\n".join([*preface(trials), *lines]))


def preface(trials: Trials) -> list[str]:
    """Return the head of the page."""
    watch = trials.watch(trials.rows(np.ones(len(trials.labels), dtype=bool)))
    return [
        "# Freezing of gait: LIFT-PD against its controls, on two people",
        "",
        "`python docs/results/freezing.py`",
        "",
        *circumstances(),
        f"- data: Stanford imu-fog-detection, lower back, {len(watch.episode)} episodes in {watch.recordings} trials of"
        f" two people, {watch.hours().sum() * 60:.0f} minutes; pretraining besides:"
        " HAPT (21 people, waist) and MotionSense (7, pocket)",
        f"- windows of 4 s, freezing if {FREEZING_S:g} s of them is; judged once a second; thresholds for at most"
        f" {FALSE_ALARMS_PER_H:g} false alarms an hour on trials of the training person that the detector had not seen",
        "- intervals: 95 %, bootstrap over the trials of **one** person. Two people prove nothing about people: a third could"
        " turn any order below around. With three trials an interval has only a handful of values to choose from. This page"
        " shows that the machinery runs, and how the controls fare beside it.",
        f"- networks: mean of {SEEDS} seeds' log-odds, {STEPS} steps, batch 64, AdamW 1e-3, the encoder at 0.1 of it where"
        f" pretrained ({EPOCHS} epochs, batch 256); nothing was tuned",
        "- rows with a * were added after the others had been seen, to find out what their failure is due to",
        "",
    ]


if __name__ == "__main__":
    main()
