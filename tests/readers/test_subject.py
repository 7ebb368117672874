from __future__ import annotations

import pytest

from wearfm.readers.subject import code, facts_of, number, place, word


@pytest.mark.parametrize(
    ("text", "expected"),
    [("P7", "P7"), (" suffix_85 ", "suffix_85"), ("Jane", ""), ("Jane Doe 2", ""), ("Doe,J1", ""), ("", "")],
)
def test_a_code_is_one_word_with_a_digit(text: str, expected: str) -> None:
    assert code(text) == expected


def test_a_field_named_a_code_may_hold_any_word() -> None:
    assert [word(text) for text in (" TestSubject ", "Jane Doe", "Doe,Jane")] == ["TestSubject", "", ""]


def test_the_last_site_named_is_the_place() -> None:
    assert [place(text) for text in ("left wrist", "Right_Ankle", "pocket", "")] == ["wrist", "ankle", "", ""]


@pytest.mark.parametrize(("text", "expected"), [("60,5", 60.5), (" 7 ", 7.0), ("nan", None), ("1e999", None), ("tall", None)])
def test_numbers_may_have_a_decimal_comma(text: str, expected: float | None) -> None:
    assert number(text) == expected


def test_facts_that_were_not_entered_are_left_out() -> None:
    fields = {"sex": "male", "height": "0", "weight": "81", "age": "900"}
    assert facts_of(fields, sex="sex", height_cm="height", weight_kg="weight", age_years="age") == {
        "sex": "M",
        "weight_kg": 81.0,
    }
