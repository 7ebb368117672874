"""Draw the pictures of docs/guides/synthetic.md: `python docs/pictures/make_synthetic.py` from the repository root."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image
from scipy.signal import coherence

from wearfm.signals.recording import SECOND, Recording
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.synthetic.participant import expected_rmssd
from wearfm.synthetic.pulse import clean_pulse

HERE = Path(__file__).parent
SEED = 1
INK, BLUE, RED, GREY = "#222222", "#2b6cb0", "#c53030", "#9aa5b1"
ACTIVITY = {"sleep": "#c3d0ee", "rest": "#f2f2ee", "walking": "#cfe8cf", "exercise": "#f5c9a9", "stress": "#f3c6d3"}


def style() -> None:
    """Quiet axes, one size of type."""
    mpl.use("Agg")
    plt.rcParams.update(
        {
            "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": INK, "axes.titlesize": 10,
            "axes.titlelocation": "left", "figure.dpi": 100, "savefig.dpi": 100,
            "legend.frameon": False, "lines.linewidth": 0.9,
        }
    )  # fmt: skip


def save(figure: plt.Figure, name: str) -> None:
    """Write the picture beside this script."""
    figure.tight_layout()
    drawn = BytesIO()
    figure.savefig(drawn)
    Image.open(drawn).convert("RGB").quantize(48).save(HERE / name, optimize=True)
    plt.close(figure)


def seconds(recording: Recording, kind: str, label: str) -> NDArray[np.float64]:
    """Spans of one event kind and label, (N, 2) seconds of the session."""
    events = recording.events.of_kind(kind)
    events = events.select(events.label == label)
    onset = (events.onset_ns - recording.start_ns) / SECOND
    return np.stack((onset, onset + events.duration_ns / SECOND), axis=1)


def cut(recording: Recording, name: str, start_s: float, length_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times from the start of the cut and physical values, NaN in gaps."""
    channel = recording.channel(name)
    values = np.where(channel.mask(), channel.physical(), np.nan)
    start = round(start_s * channel.rate_hz)
    values = values[start : start + round(length_s * channel.rate_hz)]
    return np.arange(len(values)) / channel.rate_hz, values


def thin(
    recording: Recording, name: str, every_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Hours, and the smallest and largest value in each stretch, NaN in gaps."""
    _, values = cut(recording, name, 0, recording.duration_s)
    step = round(every_s * recording.channel(name).rate_hz)
    blocks = values[: len(values) // step * step].reshape(-1, step)  # (T,) -> (stretches, step)
    empty = np.isnan(blocks).all(axis=1)
    low = np.where(empty, np.nan, np.nanmin(np.where(empty[:, None], 0, blocks), axis=1))
    high = np.where(empty, np.nan, np.nanmax(np.where(empty[:, None], 0, blocks), axis=1))
    return np.arange(len(blocks)) * every_s / 3600, low, high


def shade(axes: Axes, recording: Recording, start_hour: float) -> None:
    """Colour the background by activity."""
    for label, colour in ACTIVITY.items():
        for start, stop in seconds(recording, "activity", label) / 3600:
            axes.axvspan(start + start_hour, stop + start_hour, color=colour, lw=0)


def draw_day() -> None:
    """All channels of one participant from noon to noon."""
    config = CohortConfig(session_hours=24, start_hour=12, num_participants=20)
    cohort = Cohort(config, SEED)
    recorded = (cohort.record(i, 0) for i in range(20) if cohort.participant(i).rhythm == "sinus")
    recording = next(each for each in recorded if {"charging", "exercise"} <= set(each.events.label.tolist()))
    figure, axes = plt.subplots(6, 1, figsize=(10, 8.6), sharex=True)
    rate = recording.events.of_kind("hr")
    axes[0].plot((rate.onset_ns - recording.start_ns) / SECOND / 3600 + 12, rate.value, color=RED)
    axes[0].set_ylabel("heart rate\n1/min (truth)")
    rows = [("ppg_green", "PPG green\nau", 30.0), ("ecg", "ECG\nmV", 30.0), ("acc_z", "ACC z\ng", 30.0)]
    for ax, (name, label, every) in zip(axes[1:4], rows, strict=True):
        hours, low, high = thin(recording, name, every)
        ax.fill_between(hours + 12, low, high, color=BLUE, lw=0, zorder=2)
        ax.set_ylabel(label)
    for ax, (name, label) in zip(axes[4:], [("eda", "EDA\nuS"), ("temp", "TEMP\ndegC")], strict=True):
        hours, low, high = thin(recording, name, 15.0)
        ax.plot(hours + 12, (low + high) / 2, color=BLUE)
        ax.set_ylabel(label)
    for ax in axes:
        shade(ax, recording, 12)
    facts = recording.facts
    who = f"{facts['sex']}, {facts['age_years']:.0f} years, resting heart rate {facts['resting_hr_per_min']:.0f}"
    axes[0].set_title(
        f"A day of {recording.participant}: {who}, {facts['chronotype']} type. Bands are the range in half a minute."
    )
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in ACTIVITY.values()]
    axes[5].legend(handles, ACTIVITY, ncol=5, loc="upper center", bbox_to_anchor=(0.5, -0.32))
    axes[5].set(xlim=(12, 36), xticks=range(12, 37, 3), xticklabels=[f"{hour % 24}:00" for hour in range(12, 37, 3)])
    figure.align_ylabels()
    save(figure, "synthetic_day.png")


def draw_pulses() -> None:
    """Pulse, second derivative and ageing index by vascular age."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.3))
    colours = mpl.colormaps["viridis"](np.linspace(0.05, 0.85, 5))
    for age, colour in zip((20, 35, 50, 65, 80), colours, strict=True):
        pulse = clean_pulse(age, rr_s=0.85, rate_hz=1000)
        time = np.arange(len(pulse)) / 1000
        second = np.gradient(np.gradient(pulse))
        axes[0].plot(time, pulse, color=colour, label=f"{age} years", lw=1.4)
        axes[1].plot(time[:500], second[:500] / second[65], color=colour, lw=1.4)
    for wave, at in zip("abcde", (0.065, 0.125, 0.185, 0.235, 0.325), strict=True):
        axes[1].text(at, 1.08, wave, ha="center", color=INK)
    ages = np.arange(20, 86)
    index = [ageing_index(age) for age in ages]
    axes[2].plot(ages, index, color=INK, lw=1.4, label="simulated")
    axes[2].plot(ages, 0.0162 * ages - 1.1389, "--", color=RED, label="Choi and Park 2023")
    axes[0].set(title="Pulse by vascular age", xlabel="s after the foot", ylabel="au")
    axes[1].set(title="Second derivative, a = 1", xlabel="s after the foot", ylim=(-0.8, 1.25))
    axes[2].set(title="Ageing index (b - c - d - e) / a", xlabel="vascular age, years")
    axes[0].legend()
    axes[2].legend()
    save(figure, "synthetic_pulses.png")


def ageing_index(age: float) -> float:
    """(b - c - d - e) / a at the landmarks of the clean pulse."""
    second = np.gradient(np.gradient(clean_pulse(age, rr_s=0.85, rate_hz=1000)))
    a, b, c, d, e = second[[65, 125, 185, 235, 325]]
    return float((b - c - d - e) / a)


def draw_rhythms() -> None:
    """Sinus rhythm and atrial fibrillation of the same person."""
    cohort = Cohort(CohortConfig(session_hours=3, num_participants=80, modalities=("ppg", "ecg", "acc")), SEED)
    sick = (i for i in range(80) if cohort.participant(i).af_burden > 0.2 and cohort.participant(i).resting_hr_per_min < 66)
    recording = next(r for r in (cohort.record(i, 0) for i in sick) if {"af", "sinus"} <= set(r.events.label.tolist()))
    figure, axes = plt.subplots(2, 3, figsize=(10, 4.2), width_ratios=(2, 2, 1))
    beats = recording.events.of_kind("beat")
    for row, (label, colour) in enumerate((("sinus", BLUE), ("af", RED))):
        start = quiet_start(recording, label)
        for ax, name in zip(axes[row], ("ecg", "ppg_green"), strict=False):
            ax.plot(*cut(recording, name, start, 8), color=colour)
            ax.set(title=f"{name}, {label}", xlim=(0, 8), ylabel="mV" if name == "ecg" else "au")
        rr = beats.value[(beats.label == label)][:600]
        axes[row, 2].plot(rr[:-1], rr[1:], ".", color=colour, ms=2)
        axes[row, 2].set(title="next RR by RR, s", xlim=(0.2, 1.4), ylim=(0.2, 1.4), aspect="equal")
    axes[1, 0].set_xlabel("s")
    axes[1, 1].set_xlabel("s")
    save(figure, "synthetic_rhythms.png")


def quiet_start(recording: Recording, rhythm: str) -> float:
    """The stillest ten seconds within a rhythm."""
    acc = np.stack([recording.channel(f"acc_{axis}").physical() for axis in "xyz"])
    valid = recording.channel("acc_x").mask() & (recording.channel("ecg").mask()[::4])
    rate_hz, best = recording.channel("acc_x").rate_hz, (np.inf, 0.0)
    for start, stop in seconds(recording, "rhythm", rhythm):
        for at in np.arange(start + 5, stop - 15, 10.0):
            inside = slice(round(at * rate_hz), round((at + 10) * rate_hz))
            if valid[inside].all():
                best = min(best, (float(acc[:, inside].std(axis=1).sum()), float(at)))
    return best[1]


def draw_artefacts() -> None:
    """What walking does to the PPG, and how coherent it is with the acceleration."""
    cohort = Cohort(CohortConfig(session_hours=6, num_participants=20, modalities=("ppg", "acc"), missingness=0), SEED)
    recording = cohort.record(2, 0)
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), width_ratios=(1.2, 1.2, 1))
    for label, colour, ax in (("rest", BLUE, axes[0]), ("walking", RED, axes[1])):
        spans = seconds(recording, "activity", label)
        start, stop = spans[np.argmax(spans[:, 1] - spans[:, 0])]
        axis = max("xyz", key=lambda name: float(np.std(cut(recording, f"acc_{name}", start, stop - start)[1])))
        _, acc = cut(recording, f"acc_{axis}", start, stop - start)
        _, ppg = cut(recording, "ppg_green", start, stop - start)
        frequency, shared = coherence(ppg[::2], acc, 32, nperseg=512)
        axes[2].plot(frequency, shared, color=colour, label=label)
        spread = acc[: len(acc) // 384 * 384].reshape(-1, 384).std(axis=1)  # (T,) -> (twelve seconds,)
        typical = start + 12.0 * int(np.argsort(spread)[len(spread) // 2])
        time, ppg = cut(recording, "ppg_green", typical, 12)
        slow, acc = cut(recording, f"acc_{axis}", typical, 12)
        ax.plot(time, ppg, color=colour)
        ax.plot(slow, acc - np.mean(acc) - 1.8, color=GREY)
        ax.set(title=f"PPG and acceleration, {label}", xlabel="s", ylim=(-2.8, 2.4), yticks=(), xlim=(0, 12))
    axes[2].set(title="Coherence of the two", xlabel="Hz", xlim=(0, 10), ylim=(0, 1))
    axes[2].legend()
    save(figure, "synthetic_artefacts.png")


def draw_cohort() -> None:
    """The joint distribution of the traits."""
    cohort = Cohort(CohortConfig(num_participants=800), SEED)
    people = [cohort.participant(i) for i in range(800)]
    age = np.array([person.age_years for person in people])
    figure, axes = plt.subplots(1, 4, figsize=(11, 3))
    columns = ("rmssd_ms", "vascular_age_years", "sbp_mmHg")
    titles = ("RMSSD, ms", "vascular age, years", "systolic pressure, mmHg")
    sick = np.array([person.hypertension for person in people])
    for ax, name, title in zip(axes, columns, titles, strict=False):
        values = np.array([getattr(person, name) for person in people])
        ax.plot(age[~sick], values[~sick], ".", ms=2.5, color=BLUE, label="normal pressure")
        ax.plot(age[sick], values[sick], ".", ms=2.5, color=RED, label="hypertension")
        ax.set(title=title, xlabel="age, years")
    axes[0].plot(range(20, 86), [expected_rmssd(a) for a in range(20, 86)], color=INK, label="Umetani 1998")
    axes[0].legend(fontsize=7)
    fitness = [person.fitness_ml_kg_min for person in people]
    axes[3].plot(fitness, [person.resting_hr_per_min for person in people], ".", ms=2.5, color=GREY)
    axes[3].set(title="resting heart rate, 1/min", xlabel="fitness, ml/kg/min")
    save(figure, "synthetic_cohort.png")


if __name__ == "__main__":
    style()
    for draw in (draw_day, draw_pulses, draw_rhythms, draw_artefacts, draw_cohort):
        draw()
