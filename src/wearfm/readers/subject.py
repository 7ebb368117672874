"""What a device's header says of the person who wore it: a code if the subject field holds one, a few numbers, the body site.

Names of people and dates of birth are never read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from wearfm.readers.assembly import printable
from wearfm.signals.recording import Fact

_PLACES = ("wrist", "waist", "hip", "ankle", "thigh", "chest", "arm", "back", "foot", "finger", "head", "ear")
_NAMELESS = re.compile(
    r"export\w*|ecg[_ ]\d{4}-\d\d-\d\d.*|apple_health_export|electrocardiograms|takeout.*|fitbit|global export data"
    r"|user-site-export|myfitbitdata",
    re.IGNORECASE,
)
_PLAUSIBLE = {"age_years": (0.1, 130.0), "height_cm": (30.0, 260.0), "weight_kg": (1.0, 650.0)}  # 0 means not entered


def code(text: str) -> str:
    """Return a subject field that is a code: one word with a digit in it. "" for anything that could be a name."""
    text = printable(text)
    is_code = any(letter.isdigit() for letter in text) and not any(letter.isspace() or letter == "," for letter in text)
    return text if is_code else ""


def word(text: str) -> str:
    """Return what a field that is named a code holds, if it is one word; "" for more, which could be a name."""
    text = printable(text)
    return "" if any(letter.isspace() or letter == "," for letter in text) else text


def owner(path: Path) -> str:
    """Return the first of a file and its folders, from within, whose name is not one that every export of a phone has."""
    places = [path.name.split(".")[0], *(folder.name for folder in path.resolve().parents)]
    return next((place for place in places if place and not _NAMELESS.fullmatch(place)), "unknown")


def place(text: str) -> str:
    """Return the last body site that a text names ("Left_Wrist" -> "wrist"), "" for none."""
    words = text.lower().replace("_", " ").split()
    return next((each for each in reversed(words) if each in _PLACES), "")


def number(text: str) -> float | None:
    """Return a number that may have a decimal comma, None if the text is none."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def facts_of(fields: Mapping[str, str], *, sex: str = "", **keys: str) -> dict[str, Fact]:
    """Return facts from header fields. sex, keys: name of the fact -> key in `fields`; what is not plausible is left out."""
    facts: dict[str, Fact] = {}
    letter = fields.get(sex, "").strip()[:1].upper()
    if letter in ("F", "M"):
        facts["sex"] = letter
    for fact, key in keys.items():
        value = number(fields.get(key, ""))
        low, high = _PLAUSIBLE[fact]
        if value is not None and low <= value <= high:
            facts[fact] = value
    return facts
