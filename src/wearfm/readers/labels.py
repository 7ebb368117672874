"""What a channel's label means: modality, axis and placement, and the unit if it fits them.

EDF and WFDB name channels in free text. One table of patterns covers what labs and devices really write; whatever it
does not cover, or whose unit contradicts it, becomes "other" and is said in the quality record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from wearfm.errors import UnknownUnit
from wearfm.signals.units import MODALITIES, affine
from wearfm.signals.units import unit as house_unit

# (modality, pattern); the first that matches wins. Labels are compared without case, "_" read as a space.
_TENTWENTY = r"(fp|af|ft|fc|tp|cp|po|[fctpoi])(z|(10|[1-9])h?)"  # Jasper 1958; Oostenveld & Praamstra 2001
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (modality, re.compile(pattern, re.IGNORECASE))
    for modality, pattern in (
        ("resp_rate", r"\b(resp\w*|breath\w*)\W*rate\b|\bbrpm\b"),
        ("ppg", r"\b(ppg|pleth\w*|bvp|photopleth\w*)\b"),
        ("spo2", r"\b(spo2|sao2|o2\W?sat\w*|osat)\b"),
        ("hr", r"^(hr|h\.?r\.?|pr|pulse|(heart|pulse)\W*(rate|freq\w*))$"),
        ("eog", r"\beog|^(loc|roc)\b"),
        ("emg", r"\bemg|\bchin\b|\bsubment\w*|\b(l|r)at\b|\btibial\w*"),
        ("eeg", r"\beeg\b|^" + _TENTWENTY + r"(\s*[-:]\s*(" + _TENTWENTY + r"|[am][12]|ref|le|avg|cz))?$"),
        ("ecg", r"\b(ecg|ekg)|^(m(od)?\W?)?(i{1,3}|l(i{1,3})|v[1-9]?r?|v[xyz]|av[rlf])\+?$|^(mcl|cm|cc|d|e)\d$"),
        ("eda", r"\b(eda|gsr|scl|skin\W*cond\w*|galvanic\w*)\b"),
        ("resp", r"\b(resp\w*|thora\w*|thorax|abdo\w*|chest\W*(belt|effort)|air\W?flow|nasal\w*|oro\W?nasal|flow|snore)\b"),
        ("temp", r"\b(temp\w*|thermistor\w*)\b"),
        ("acc", r"\b(acc|accel\w*)\W?[xyz]?\b"),
        ("gyro", r"\b(gyr|gyro\w*|angular\W*\w*)\W?[xyz]?\b"),
        ("mag", r"\b(mag|magnet\w*)\W?[xyz]?\b"),
        ("pressure", r"^(n?i?bp|abp|art|pap|cvp|icp|bp)\d?\b|\bblood\W*pressure\b"),
        ("pcg", r"\b(pcg|phono\w*|heart\W*sound\w*)\b"),
    )
)
_BY_UNIT = {
    "uS": "eda", "degC": "temp", "degF": "temp", "g": "acc", "mg": "acc", "m/s2": "acc",
    "deg/s": "gyro", "rad/s": "gyro", "mmHg": "pressure",
}  # fmt: skip
_AXIS = re.compile(r"(?<![a-z])(?:acc|accel|gyr|gyro|mag)?\W?([xyz])(\W*axis)?$", re.IGNORECASE)
_PLACE = re.compile(r"\b(wrist|finger|chest|ankle|waist|hip|ear|thigh|forehead|arm)\b", re.IGNORECASE)
_NUMBERED = re.compile(r"([A-Z])([1-9]\d?)")
_BANK_SIZES = (16, 32)  # electrodes on one connector of a BioSemi amplifier: 32, 16 where every second one was exported
_HAS_AXIS = ("acc", "gyro", "mag")


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a channel measures. unit: one that converts to the modality's. note: what had to be given up, "" if nothing."""

    modality: str
    unit: str
    axis: str = ""
    placement: str = ""
    note: str = ""


def interpret(label: str, *, unit: str, hint: str = "") -> Meaning:
    """Return what a channel measures, from its label, its unit and a hint (transducer), all as written in the file."""
    text = label.replace("_", " ").strip()
    modality = guess_modality(text) or _by_unit(unit) or guess_modality(hint.replace("_", " "))
    if modality is None:
        return Meaning(modality="other", unit="au", note=f"modality not known; values are in {unit!r}")
    axis = _AXIS.search(text) if modality in _HAS_AXIS else None
    place = _PLACE.search(f"{text} {hint}")
    fitted, note = fit_unit(unit, modality=modality)
    return Meaning(
        modality=modality if fitted else "other",
        unit=fitted or "au",
        axis=axis[1].lower() if axis else "",
        placement=place[1].lower() if place else "",
        note=note,
    )


def numbered_electrodes(labels: Iterable[str]) -> frozenset[str]:
    """Return the labels that number the electrodes of a cap: A1 to A32, B1 to B32 and so on, no sites of the 10-20 system.

    Only whole banks say so: from A on without a letter left out, each as long as the first, which has 16 or 32; the last
    may be shorter. One C3 beside an A1 remains what it is in the 10-20 system: a site and an ear lobe.
    """
    banks: dict[str, set[int]] = {}
    for label in labels:
        match = _NUMBERED.fullmatch(label.strip())
        if match:
            banks.setdefault(match[1], set()).add(int(match[2]))
    letters, sizes = sorted(banks), [len(banks[letter]) for letter in sorted(banks)]
    in_order = all(ord(letter) == ord("A") + place for place, letter in enumerate(letters))
    whole = all(banks[letter] == set(range(1, size + 1)) for letter, size in zip(letters, sizes, strict=True))
    alike = bool(sizes) and sizes[0] in _BANK_SIZES and set(sizes[:-1]) <= {sizes[0]} and sizes[-1] <= sizes[0]
    if not (in_order and whole and alike):
        return frozenset()
    return frozenset(f"{letter}{number}" for letter in letters for number in banks[letter])


def given(modality: str, *, unit: str) -> Meaning:
    """Return what a channel measures whose modality is known; a unit that contradicts it makes it "other"."""
    fitted, note = fit_unit(unit, modality=modality)
    return Meaning(modality=modality if fitted else "other", unit=fitted or "au", note=note)


def electrode(unit: str) -> Meaning:
    """Return what a numbered electrode of a cap measures."""
    meaning = given("eeg", unit=unit)
    return replace(meaning, note=meaning.note or "electrodes of a cap by number, not sites of the 10-20 system")


def fit_unit(unit: str, *, modality: str) -> tuple[str, str]:
    """Return (unit that converts to the modality's own, note); unit "" if there is none.

    A modality in arbitrary units takes any number as it is.
    """
    try:
        affine(unit, MODALITIES[modality].unit)
    except UnknownUnit:
        if MODALITIES[modality].unit == "au":
            return "au", f"{modality} has no absolute unit; values are in {unit!r}"
        return "", f"unit {unit!r} is not one of {modality}; kept as 'other'"
    return house_unit(unit), ""


def guess_modality(text: str) -> str | None:
    """Return the modality that a text names, None if it names none."""
    return next((modality for modality, pattern in _PATTERNS if pattern.search(text)), None)


def _by_unit(unit: str) -> str | None:
    try:
        return _BY_UNIT.get(house_unit(unit))
    except UnknownUnit:
        return None
