"""Curves against rate, minutes and people: the right windows at every point, the same judged people, and the known answer."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.recordings import channel, recording
from wearfm.cli import main
from wearfm.errors import BadConfiguration
from wearfm.evaluation.task import Task
from wearfm.evaluation.tasks import TASKS
from wearfm.resolution import Grid, resampled, study_resolution, summarise
from wearfm.signals.recording import SECOND, Events
from wearfm.store import Store

RATE_HZ = 32.0
WINDOW_S = 4.0


def _person(number: int) -> object:
    """Ten stretches of 16 s: a wave of 1 Hz with another one at 12 Hz in every second stretch; the activity says which."""
    generator = np.random.default_rng(number)
    time_s = np.arange(round(160 * RATE_HZ)) / RATE_HZ
    walks = (time_s // 16 % 2).astype(bool)
    wave = np.sin(2 * np.pi * time_s) + np.where(walks, 0.6 * np.sin(2 * np.pi * 12 * time_s + number), 0.0)
    noisy = (wave + 0.1 * generator.standard_normal(len(wave))).astype(np.float32)
    acc = [replace(channel(noisy, name=f"acc {axis}", modality="acc", rate_hz=RATE_HZ), axis=axis) for axis in "xyz"]
    labels = ("walking", "standing")
    rows = [("activity", 16 * k * SECOND, 16 * SECOND, labels[(k + 1) % 2], float("nan")) for k in range(10)]
    return recording(f"hapt:{number}", "r", *acc, events=Events.of(rows))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store.create(tmp_path / "store")
    made.commit([_person(number) for number in range(10)])  # type: ignore[misc]
    return made


def task() -> Task:
    return TASKS["hapt_activity"]


def grid(**settings: object) -> Grid:
    plain = {"modalities": ("acc",), "window_s": WINDOW_S, "bootstrap": 100, **settings}
    return Grid(**plain)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_rate_below_what_tells_the_labels_apart_costs_the_score(store: Store, tmp_path: Path) -> None:
    points = study_resolution(store, task(), grid(rates_hz=(8.0, 64.0)), models={}, folder=tmp_path / "out")
    own = {point.value: point for point in points if point.model == "hand-made statistics"}
    assert set(own) == {8.0, RATE_HZ}, "a rate above the native one is no point"
    assert own[RATE_HZ].score > 0.95
    assert own[8.0].score < 0.75
    assert own[8.0].judged == own[RATE_HZ].judged == 4
    assert own[8.0].teachers == 6


@pytest.mark.slow
def test_minutes_and_people_thin_the_teachers_and_nobody_else(store: Store, tmp_path: Path) -> None:
    points = study_resolution(
        store, task(), grid(minutes=(0.4,), participants=(3,), draws=2), models={}, folder=tmp_path / "out"
    )
    own = [point for point in points if point.model == "hand-made statistics"]
    assert {(p.axis, p.value, p.draw, p.teachers) for p in own} == {
        ("minutes", 0.4, 0, 6), ("minutes", 2.67, 0, 6), ("participants", 3, 0, 3), ("participants", 3, 1, 3),
        ("participants", 6, 0, 6),
    }  # fmt: skip
    assert len({p.judged for p in own}) == 1
    rows = summarise(points)
    three = next(
        row for row in rows if (row["axis"], row["value"], row["model"]) == ("participants", 3, "hand-made statistics")
    )
    scores = [p.score for p in own if p.axis == "participants" and p.value == 3]
    assert (three["score"], three["draws"]) == (pytest.approx(np.mean(scores)), 2)


@pytest.mark.slow
def test_people_without_a_label_neither_teach_nor_are_judged(store: Store, tmp_path: Path) -> None:
    store.commit([replace(_person(99), events=Events.of())])  # type: ignore[type-var]
    points = study_resolution(store, task(), grid(rates_hz=(8.0,)), models={}, folder=tmp_path / "out")
    assert {(point.judged, point.teachers) for point in points} == {(4, 6)}


@pytest.mark.slow
def test_the_command_line_draws_and_goes_on_where_it_stopped(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "bench", "resolution", str(store.path), "--task", "hapt_activity", "--modalities", "acc", "--window-s", "4",
        "--rates-hz", "8", "--bootstrap", "100", "-o", str(tmp_path / "out"), "--json",
    ]  # fmt: skip
    assert main(words) == 0
    first = json.loads(capsys.readouterr().out)["rows"]
    assert {row["axis"] for row in first} == {"rate_hz"}
    assert (tmp_path / "out" / "resolution.png").stat().st_size > 5000
    assert "| rate_hz | 8 | hand-made statistics |" in (tmp_path / "out" / "resolution.md").read_text()
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "points").iterdir()}
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "points").iterdir()} == times


def test_resampling_keeps_labels_facts_and_slow_channels() -> None:
    one = _person(1)
    slow = channel(np.arange(160, dtype=np.int16), name="temp", modality="temp", rate_hz=1.0)
    both = replace(one, channels=(*one.channels, slow))  # type: ignore[type-var, attr-defined]
    found = resampled(both, 8.0)
    assert [c.rate_hz for c in found.channels] == [8.0, 8.0, 8.0, 1.0]
    assert found.events is both.events
    assert "resampled" in found.quality.notes[-1]
    assert found.channels[0].duration_s == pytest.approx(160)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rates_hz": (0.0,)}, "rates_hz 0 must be more than 0; raise it"),
        ({"participants": (2,)}, "participants 2 must be more than 2; raise it"),
        ({"test_share": 0.95}, "test_share 0.95 must be between"),
        ({"draws": 0}, "draws 0 and window_s 4 must be positive"),
    ],
)
def test_a_grid_that_cannot_work_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        grid(**settings)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("resolutoin",), "study 'resolutoin' is not known; did you mean 'resolution'?"),
        (("resolution", "s", "--task", "hapt_activity", "--modalities", "acc"), "no axis has a point"),
    ],
)
def test_mistakes_are_one_line(words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *words]) == 2
    assert message in capsys.readouterr().err
