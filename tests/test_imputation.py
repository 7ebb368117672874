"""Filling in, from a store to a report: who is judged, what is compared, and that nobody sees more than another."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.recordings import channel, recording
from tests.toy import Toy, ToyConfig, toy_store
from wearfm.cli import main
from wearfm.errors import BadConfiguration, LeakyScheme
from wearfm.evaluation.generative import GenerativeReport, Hiding
from wearfm.imputation import Settings, choose_sides, impute, spread_evenly
from wearfm.recipes import create
from wearfm.recipes.base import Masked, Series
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.windows.batch import Batch
from wearfm.windows.index import WindowIndex
from wearfm.windows.split import pseudonym

FEW = Settings(
    tasks=(Hiding(kind="random", ratio=0.5), Hiding(kind="forecasting", ratio=0.3), Hiding(kind="sensors", ratio=0.5)),
    bootstrap=100,
    examples=2,
    neighbours=3,
)
CONFIG = ToyConfig(modalities=("acc", "ppg"))
CHANNELS = {"acc": 2, "ppg": 1}


class Filler(Toy, Masked):
    """Fills in the mean of what is visible of a series, 0 where nothing is; remembers what it was asked."""

    asked: list[Tensor]

    def __init__(self, config: ToyConfig = CONFIG, *, seen: tuple[str, ...] = ()) -> None:
        super().__init__(config)
        self.seen = frozenset(pseudonym(name) for name in seen)
        self.asked = []

    def series(self, batch: Batch) -> Series:
        signal = torch.cat([batch.streams[name].signal for name in sorted(batch.streams)], dim=1)
        valid = torch.cat([batch.streams[name].valid for name in sorted(batch.streams)], dim=1)
        names, units = ("acc", "acc 2", "ppg"), ("g", "g", "au")
        return Series(values=torch.where(valid, signal, 0.0), valid=valid, names=names, units=units, step_s=1 / 8, block=2)

    def fill(self, batch: Batch, hidden: Tensor) -> Tensor:
        self.asked.append(hidden.clone())
        series = self.series(batch)
        visible = series.valid & ~hidden
        mean = torch.where(visible, series.values, 0.0).sum(dim=2, keepdim=True) / visible.sum(dim=2, keepdim=True).clamp(min=1)
        return mean.expand_as(series.values)


class Clairvoyant(Filler):
    """Returns the truth, which no honest method can."""

    def fill(self, batch: Batch, hidden: Tensor) -> Tensor:
        return self.series(batch).values


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return toy_store(tmp_path_factory.mktemp("imputation") / "store", people=8, channels=CHANNELS)


@pytest.fixture(scope="module")
def report(store: Store) -> GenerativeReport:
    return impute(Clairvoyant(seen=("p0", "p1", "p2")), store, settings=FEW, command="wearfm impute <run> store")


def test_who_was_seen_teaches_and_everybody_else_is_judged(report: GenerativeReport) -> None:
    assert (report.people, report.teachers, report.left_out) == (5, 3, 0)
    assert (report.windows, report.available, report.training_windows) == (80, 80, 48)
    assert [answer.people for answer in report.answers] == [5, 5, 5]


def test_a_method_that_knows_the_truth_makes_no_error_and_is_better_than_all(report: GenerativeReport) -> None:
    for answer in report.answers:
        assert [score.method for score in answer.scores] == [
            "toy", "training mean", "window mean", "last value", "linear", "spline", "nearest neighbours",
        ]  # fmt: skip
        own = answer.scores[0]
        assert own.overall.value == 0.0
        assert [(each.mae.value, each.rmse.value) for each in own.series] == [(0.0, 0.0)] * 3
        assert all(comparison.standing == "better" for comparison in answer.comparisons)
        assert answer.headline.startswith("Better than")
        assert 0.5 < answer.scores[1].overall.value < 1.5  # the training mean is about one standard deviation off


def test_the_same_guesses_make_the_same_errors(store: Store) -> None:
    found = impute(Filler(seen=("p0", "p1", "p2")), store, settings=FEW)
    for answer in found.answers[:2]:
        own, twin = answer.scores[0], next(score for score in answer.scores if score.method == "window mean")
        assert own.overall.value == pytest.approx(twin.overall.value, rel=1e-5)
        gap = next(each for each in answer.comparisons if each.against == "window mean")
        assert gap.difference.value == pytest.approx(0.0, abs=1e-5)


def test_errors_are_in_the_units_of_the_series(store: Store, report: GenerativeReport) -> None:
    score = report.answers[0].scores[1]  # the training mean: recomputed from the windows
    assert [(each.series, each.unit) for each in score.series] == [("acc", "g"), ("acc 2", "g"), ("ppg", "au")]
    assert {name: spread.unit for name, spread in report.spreads.items()} == {"acc": "g", "acc 2": "g", "ppg": "au"}
    assert score.of("ppg").values + score.of("acc").values + score.of("acc 2").values == report.answers[0].values


def test_baselines_see_what_the_method_sees_whatever_the_batch(store: Store) -> None:
    together, alone = Filler(seen=("p0", "p1", "p2")), Filler(seen=("p0", "p1", "p2"))
    one = impute(together, store, settings=replace(FEW, batch_size=80))
    other = impute(alone, store, settings=replace(FEW, batch_size=7))
    hidden = torch.cat(together.asked[::3])
    assert torch.equal(hidden, torch.cat(alone.asked[::3]))
    for mine, theirs in zip(one.answers, other.answers, strict=True):
        for a, b in zip(mine.scores, theirs.scores, strict=True):
            assert a.overall.value == pytest.approx(b.overall.value, rel=1e-6)


def test_the_same_call_gives_the_same_findings_and_another_seed_does_not(store: Store, report: GenerativeReport) -> None:
    again = impute(Clairvoyant(seen=("p0", "p1", "p2")), store, settings=FEW)
    other = impute(Clairvoyant(seen=("p0", "p1", "p2")), store, settings=replace(FEW, seed=1))
    assert again.fingerprint == report.fingerprint
    assert other.fingerprint != report.fingerprint


def test_where_the_weights_have_seen_nobody_people_are_dealt(store: Store) -> None:
    sides = choose_sides(Filler(), store, train=None, test=None, seed=0)
    assert not sides.teachers & sides.judged
    assert sides.teachers | sides.judged == {f"p{n}" for n in range(8)}
    assert 3 <= len(sides.judged) <= 4


def test_named_people_stand_where_they_were_put(store: Store) -> None:
    sides = choose_sides(Filler(seen=("p0",)), store, train=None, test=["p5", "p6", "p7"], seed=0)
    assert (sides.judged, sides.left_out) == ({"p5", "p6", "p7"}, 0)
    assert sides.teachers == {f"p{n}" for n in range(5)}
    sides = choose_sides(Filler(), store, train=["p0"], test=["p5", "p6", "p7"], seed=0)
    assert (sides.teachers, sides.left_out) == ({"p0"}, 4)


def test_nobody_whom_the_weights_have_seen_is_judged(store: Store) -> None:
    with pytest.raises(LeakyScheme, match="participant 'p1' was seen by the weights and 0 more; judge others"):
        choose_sides(Filler(seen=("p1",)), store, train=None, test=["p1", "p2", "p3"], seed=0)
    with pytest.raises(LeakyScheme, match="participant 'p2' teaches the baselines and is judged; keep a person on one side"):
        choose_sides(Filler(), store, train=["p2"], test=["p1", "p2", "p3"], seed=0)


def test_one_person_with_two_ids_stands_on_one_side(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    samples = {name: generator.standard_normal(256).astype(np.float32) for name in "abcdef"}
    samples["twin of a"] = samples["a"]
    with Store.create(tmp_path / "store") as twins:
        twins.commit([recording(name, "1", channel(values, rate_hz=8.0)) for name, values in samples.items()])
        recipe = Filler(ToyConfig(), seen=("a",))
        sides = choose_sides(recipe, twins, train=None, test=None, seed=0)
        assert sides.judged == set("bcdef")
        with pytest.raises(LeakyScheme, match="'twin of a' was seen"):
            choose_sides(recipe, twins, train=None, test=["twin of a", "b", "c"], seed=0)


def test_too_few_people_are_refused(store: Store) -> None:
    with pytest.raises(BadConfiguration, match="2 people to judge and 6 to teach the baselines; at least 3 and 1 are needed"):
        choose_sides(Filler(), store, train=None, test=["p0", "p1"], seed=0)
    with pytest.raises(BadConfiguration, match="0 people to judge"):
        choose_sides(Filler(seen=tuple(f"p{n}" for n in range(8))), store, train=None, test=None, seed=0)
    with pytest.raises(BadConfiguration, match="participant 'nobody' is not in the store"):
        choose_sides(Filler(), store, train=None, test=["nobody"], seed=0)


def test_a_method_that_fills_nothing_in_is_refused(store: Store) -> None:
    with pytest.raises(BadConfiguration, match=r"toy fills nothing in; use weights of a masked method: .*himae.*normwear"):
        impute(Toy(CONFIG), store)


def test_guesses_that_are_not_finite_are_named(store: Store) -> None:
    class Diverged(Filler):
        def fill(self, batch: Batch, hidden: Tensor) -> Tensor:
            return torch.full_like(self.series(batch).values, torch.nan)

    with pytest.raises(BadConfiguration, match="toy fills in values that are not finite; its weights may have diverged"):
        impute(Diverged(seen=("p0",)), store, settings=FEW)


def test_windows_are_dealt_evenly_over_people_and_time(store: Store) -> None:
    index = WindowIndex.build(store, Filler().input)
    rows = spread_evenly(index, 40)
    assert np.bincount(index.participant[rows]).tolist() == [5] * 8
    own = rows[index.participant[rows] == 3] - np.flatnonzero(index.participant == 3)[0]
    assert own.tolist() == [1, 4, 8, 11, 14]
    assert spread_evenly(index, 10**6).tolist() == list(range(len(index)))
    assert len(spread_evenly(index, 1)) == 8


class Page(HTMLParser):
    """Reads a page: open tags must close, and everything that loads something is written down."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.ids |= {str(named["id"])} if "id" in named else set()
        self.links |= {str(named["href"])} if tag == "a" else set()
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_is_whole_loads_nothing_and_says_what_came_out(report: GenerativeReport, tmp_path: Path) -> None:
    page = report.write(tmp_path).read_text(encoding="utf-8")
    reader = Page()
    reader.feed(page)
    assert reader.open == []
    assert not re.search(r"url\(|@import|https?://|<script|src=", page)
    assert {link.lstrip("#") for link in reader.links} == reader.ids == {answer.name for answer in report.answers}
    text = " ".join(" ".join(reader.text).split())
    for answer in report.answers:
        assert answer.verdict in text
        assert answer.headline in text
    assert "5 people" in text
    assert "wearfm impute <run> store" in text
    assert page.count("<svg") == 3 * 2  # two windows for each task
    assert "nan" not in "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))
    assert page.count("<rect") >= 6  # hidden parts are shaded


def test_the_json_has_every_figure_and_no_nan(report: GenerativeReport, tmp_path: Path) -> None:
    report.write(tmp_path)
    read = json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)
    assert read["fingerprint"] == report.fingerprint
    first = read["answers"][0]
    assert first["headline"] == report.answers[0].headline
    assert first["scores"][1]["overall"]["value"] == report.answers[0].scores[1].overall.value
    assert first["comparisons"][0]["standing"] == "better"
    assert "restored" not in first
    assert read["settings"]["neighbours"] == 3


def test_tasks_that_cannot_be_put_say_why(store: Store, tmp_path: Path) -> None:
    class Short(Filler):
        def series(self, batch: Batch) -> Series:
            return replace(super().series(batch), block=16)

    settings = replace(FEW, tasks=(Hiding(kind="interpolation", ratio=0.3), Hiding(kind="sensors", ratio=0.5)))
    found = impute(Short(seen=("p0",)), store, settings=settings)
    assert found.answers[0].verdict == "Windows of 1 blocks have fewer than the 3 that it takes."
    assert "Not answered" in found.write(tmp_path).read_text()
    assert "not answered" in found.summary()


def test_the_summary_has_a_line_for_every_method(report: GenerativeReport) -> None:
    lines = report.summary().splitlines()
    assert lines[0].startswith("Random imputation, 50 % hidden: better than")
    assert len(lines) == 3 * (3 + 7)
    assert lines[3].split() == ["toy", "0.00", "(0.00", "to", "0.00)"]


def _simulated(folder: Path, **changes: Any) -> Path:
    config = CohortConfig(num_participants=6, num_sessions=1, session_hours=0.03, **changes)
    with Store.create(folder / "store") as made:
        made.commit(list(Cohort(config, seed=0).recordings()))
    return folder / "store"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["himae", "normwear"])
def test_published_methods_fill_in_simulated_people(name: str, tmp_path: Path) -> None:
    with Store.open(_simulated(tmp_path, modalities=("ppg", "acc", "temp"))) as people:
        settings = replace(FEW, windows=30, training_windows=30)
        found = impute(create(name), people, settings=settings)
    answered = [answer for answer in found.answers if not answer.unanswered]
    assert len(answered) == (2 if name == "himae" else 3)  # himae reads one series: no sensor can be restored
    for answer in answered:
        assert all(np.isfinite(score.overall.value) for score in answer.scores)
    series = {each.series for each in answered[0].scores[0].series}
    assert series == ({"ppg"} if name == "himae" else {"acc", "acc 2", "acc 3", "ppg", "temp"})


@pytest.mark.slow
def test_the_command_line_writes_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = str(_simulated(tmp_path, modalities=("ppg",))), tmp_path / "report"
    asked = ["impute", "himae", path, "-o", str(out), "--tasks", "random", "forecasting", "--ratios", "0.5", "--windows", "20"]
    assert main(asked) == 0
    said = capsys.readouterr()
    assert "Random imputation, 50 % hidden" in said.out
    assert f"report: {out / 'report.html'}" in said.out
    assert [answer["name"] for answer in json.loads((out / "report.json").read_text())["answers"]] == [
        "random-0.5",
        "forecasting-0.5",
    ]
    judged = tmp_path / "judged.txt"
    with Store.open(path) as people:
        names = [row.participant for row in people.recordings()]
    judged.write_text("\n".join(names[:3]))
    assert main([*asked, "--participants", str(judged), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["people"], found["teachers"]) == (3, 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tasks", "forecast"], "task 'forecast' is not known; did you mean 'forecasting'?"),
        (["--ratios", "1.5"], "ratio 1.5 of random must lie between 0 and 1, 0.8 say"),
    ],
)
def test_a_mistake_in_the_call_is_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(_simulated(tmp_path, modalities=("ppg",)))
    assert main(["impute", "himae", path, *words]) == 2
    assert message in capsys.readouterr().err


def test_tasks_of_the_command_line_are_named_ones_at_their_usual_or_at_given_ratios() -> None:
    from wearfm.cli.impute import tasks_of

    assert [each.name for each in tasks_of(("sensors", "random"), ())] == ["random-0.3", "random-0.8", "sensors-0.3"]
    assert [each.name for each in tasks_of((), (0.2,))] == [
        "random-0.2", "interpolation-0.2", "forecasting-0.2", "sensors-0.2",
    ]  # fmt: skip
    assert len(tasks_of((), ())) == 7
