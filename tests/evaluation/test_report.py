import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.evaluation.cohort import AGE, ILLNESS, STATE, informative, make_store, make_table, noise
from wearfm.errors import CannotWrite
from wearfm.evaluation import ExampleWindow, Published, evaluate

NUMBER = 30
PUBLISHED = Published(
    model="NormWear", metric="auroc", value=0.76, protocol="linear probe, one split", matches=False, why_not="other <people>"
)
EXAMPLE = ExampleWindow(
    signal=np.array([0.0, 1.0, np.nan, 1.0, 0.0]), rate_hz=1.0, unit="au", title="PPG & more", quality="one sample is missing"
)
VOID = {"meta", "line", "circle", "path", "br", "img"}


class Page(HTMLParser):
    """Reads a page: open tags must close, and everything that loads something is written down."""

    def __init__(self):
        super().__init__()
        self.open, self.loads, self.ids, self.links, self.text = [], [], set(), set(), []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.loads += [v for k, v in attrs if k in ("src", "srcset", "data", "xlink:href") or (k == "href" and tag == "link")]
        self.ids |= {named["id"]} if "id" in named else set()
        self.links |= {named["href"]} if tag == "a" else set()
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    store = make_store(tmp_path_factory.mktemp("cohort") / "store", number=NUMBER)
    tables = {
        "<my> model": make_table(informative(NUMBER), number=NUMBER),
        "hand-made statistics": make_table(noise(NUMBER), number=NUMBER),
    }
    tasks = [replace(ILLNESS, published=(PUBLISHED,)), AGE, STATE, replace(AGE, name="never", min_participants=99)]
    return evaluate(
        tables, tasks, store=store, bootstrap=200, few_shot=3, examples=[EXAMPLE], command="wearfm evaluate a.parquet"
    )


@pytest.fixture(scope="module")
def page(report, tmp_path_factory):
    return report.write(tmp_path_factory.mktemp("report")).read_text(encoding="utf-8")


def test_the_page_is_whole_and_loads_nothing(page):
    reader = Page()
    reader.feed(page)
    assert reader.open == []
    assert reader.loads == []
    assert not re.search(r"url\(|@import|https?://|<script", page)
    assert {link.lstrip("#") for link in reader.links} <= reader.ids


def test_the_page_says_what_was_asked_and_what_came_out(report, page):
    reader = Page()
    reader.feed(page)
    text = " ".join(" ".join(reader.text).split())
    for result in report.results:
        assert result.question in text
        assert (result.verdict or result.unanswered[1:]) in text
    for words in (
        "NormWear",
        "other <people>",
        "PPG & more",
        "one sample is missing",
        "30 participants",
        "wearfm evaluate a.parquet",
    ):
        assert words in text
    assert report.fingerprint in text


def test_names_are_escaped(page):
    assert "&lt;my&gt; model" in page
    assert "<my>" not in page


def test_every_answer_has_its_pictures(page):
    assert page.count("<svg") == 3 + 2 + 3 + 1  # illness: few, calibration, map; age: few, map; state: few, two maps; window
    assert "nan" not in "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))


def test_the_json_has_every_figure_and_no_nan(report, tmp_path):
    report.write(tmp_path)
    read = json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)
    assert read["schema"] == 1
    assert read["fingerprint"] == report.fingerprint
    first = read["results"][0]
    assert set(first) >= {
        "task",
        "question",
        "verdict",
        "scores",
        "comparisons",
        "published",
        "curves",
        "checks",
        "dropped",
        "counts",
    }
    assert set(first["scores"][0]) == {"model", "features", "interval", "others", "strength", "solved", "calibration"}
    assert set(first["scores"][0]["interval"]) == {"value", "low", "high", "undefined"}
    assert set(first["comparisons"][0]) == {"against", "difference", "p_holm", "standing"}
    assert first["comparisons"][0]["standing"] in ("better", "no better", "worse")
    assert first["published"][0]["matches"] is False
    assert read["sources"][0]["header"]["skipped"] == {"too little valid signal": 36.0}
    assert read["settings"] == {"folds": 5, "seed": 0, "bootstrap": 200, "probe": "linear", "few_shot": 3}


def test_time_and_place_do_not_change_the_fingerprint(report):
    elsewhere = replace(report, wall_s=1e6, command="", versions={"python": "4"})
    assert elsewhere.fingerprint == report.fingerprint
    assert replace(report, model="other").fingerprint != report.fingerprint


def test_the_summary_has_a_line_for_every_model(report):
    lines = report.summary().splitlines()
    assert lines[0] == "toy_illness: Does this person have the illness?"
    assert sum("hand-made statistics  " in line for line in lines) == 3
    assert any("not answered: 30 participants" in line for line in lines)


def test_a_folder_that_cannot_be_written_is_named(report, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(CannotWrite, match="taken: the report could not be written"):
        report.write(tmp_path / "taken")
