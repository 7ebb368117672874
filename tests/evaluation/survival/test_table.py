import json
import re

import pyarrow.parquet as pq
import pytest

from tests.evaluation.survival.cohort import guessing, knowing, outcomes
from wearfm.evaluation.survival import assess, figures
from wearfm.evaluation.survival.page import render
from wearfm.evaluation.survival.table import horizon, ranked

NUMBER = 240


@pytest.fixture(scope="module")
def risks():
    tables = {"knows": knowing(NUMBER), "guesses": guessing(NUMBER)}
    found = outcomes(NUMBER, {"planted <b>": 1.2, "null": 0.0, "rare": 0.0})
    return assess(tables, found, bootstrap=150, command="wearfm risk t.parquet")


def test_three_files_say_the_same(risks, tmp_path):
    page = risks.write(tmp_path / "risk")
    assert page == tmp_path / "risk" / "risk.html"
    assert {path.name for path in page.parent.iterdir()} == {"risk.html", "risk.json", "risk.parquet"}
    plain = json.loads((page.parent / "risk.json").read_text())
    assert plain["fingerprint"] == risks.fingerprint
    rows = pq.read_table(page.parent / "risk.parquet").to_pylist()
    assert [(row["outcome"], row["model"]) for row in rows] == [
        ("null", "knows"),
        ("null", "guesses"),
        ("planted <b>", "knows"),
        ("planted <b>", "guesses"),
        ("rare", "knows"),
    ]
    planted = next(row for row in plain["rows"] if row["outcome"] == "planted <b>")
    assert rows[2]["c_index"] == planted["scores"][0]["c_index"]["value"]
    assert rows[2]["gain"] is None
    assert rows[3]["gain_low"] == planted["gaps"][0]["difference"]["low"]
    assert rows[4]["unanswered"].endswith("at least 10 are needed")
    assert rows[4]["c_index"] is None
    assert rows[2]["auroc_1095.75d_low"] < rows[2]["auroc_1095.75d"] < rows[2]["auroc_1095.75d_high"]


def test_the_page_needs_nothing_else_and_trusts_no_name(risks):
    page = render(risks)
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert "planted &lt;b&gt;" in page
    assert "planted <b>" not in page
    assert "at least 10 are needed" in page
    assert "AUROC,<br>3 years" in page
    assert "wearfm risk t.parquet" in page
    assert risks.fingerprint in page


def test_the_picture_has_a_line_an_outcome_and_a_diamond_a_rival(risks):
    picture = figures.forest(ranked(risks.answered))
    assert picture.count("<circle") == 2
    assert picture.count("<path") == 2
    assert picture.count("chance") == 1
    filled = re.findall(r'<circle [^>]*fill="(#\w+)"', picture)
    assert filled == ["#0072B2", "#FFFFFF"]  # the planted one comes first, and is above chance
    at = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', picture)]
    assert at[0] > at[1]


def test_a_table_without_answers_is_still_a_page(tmp_path):
    empty = assess({"knows": knowing(60)}, outcomes(60, {"rare": 0.0}), bootstrap=100)
    page = render(empty)
    assert "Not answered" in page
    assert "<circle" not in page
    assert empty.write(tmp_path).exists()
    assert "rare" in empty.summary()


def test_the_summary_names_the_best_first_and_what_was_not_answered(risks):
    lines = risks.summary().splitlines()
    assert lines[0].startswith("knows: 2 of 3 outcomes answered, 1 above chance (Holm p < 0.05)")
    assert lines[1].startswith("* planted")
    assert "better than guesses" in lines[2]
    assert any(line.strip().startswith("rare") and "not answered" in line for line in lines)


def test_horizons_are_said_as_people_say_them():
    assert [horizon(days) for days in (365.25, 1826.25, 90.0)] == ["1 year", "5 years", "90 days"]
