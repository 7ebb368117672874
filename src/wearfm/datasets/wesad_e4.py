"""WESAD, wrist band only: Empatica E4 through baseline, stress (Trier test), amusement and two guided meditations.

The protocol (`S2_quest.csv`) counts minutes and seconds from the start of the chest device, and the wrist band starts 17
to 24 minutes before it, on a clock of its own. Without the recording of the chest device the two can only be aligned by
the wrist band itself: in both meditations and during the amusing clips the hand is still, and it moves before and after
them (questionnaires). The start of the chest device is taken to be the second that makes those three stretches stillest
against their surroundings:

    protocol          ..[Fun]....[Medi 1]..........[Medi 2].        lengths and distances are known to the second
    movement   ##.##|#__|_####|__|_______|#.#####|_|______|###      one shift puts all three on still stretches

Nothing of the stress condition and no physiology is used. Each pair of the three finds a start too, and those may lie
`SPREAD_S` apart: of six people they lie 1 to 9 s apart in five, and in S3 two pairs find another place, 12 minutes off; a
session whose pairs disagree has no conditions. With other `_BESIDE_S` (45 to 300 s were tried) the starts of the five
move by at most 17 s. `MARGIN_S` is cut off both ends of every condition, so that what is left belongs to the condition
although the start is known to within a minute only. It is a rough clock: do not measure onsets on it.

Conditions are events "condition"; the answers after them (valence, arousal, 1 to 9) are events over the same time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import Address, Dataset, number, only
from wearfm.errors import BadRecording
from wearfm.readers import empatica
from wearfm.signals.recording import SECOND, Events, Fact, Recording

CONDITIONS = {"Base": "baseline", "TSST": "stress", "Fun": "amusement", "Medi 1": "meditation", "Medi 2": "meditation"}
MARGIN_S = 60  # ours, see above
SPREAD_S = 60  # ours: no more than the margin
_STILL = ("Medi 1", "Medi 2", "Fun")
_BESIDE_S = 180  # ours: questionnaires and the ways between conditions last 2 to 15 minutes
_QUIET_G = 0.01  # ours: noise of the sensor in a second, below which stillness is stillness
_NUMBERS = {"Age": "age_years", "Height (cm)": "height_cm", "Weight (kg)": "weight_kg"}

Row = tuple[str, int, int, str, float]


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What was done when: condition -> (start, end) in seconds of the chest device. rated: (valence, arousal) by condition."""

    times_s: Mapping[str, tuple[int, int]]
    rated: Mapping[str, tuple[float, float]]


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield the session of every person under a folder, with conditions and answers as events and the person as facts."""
    for path in only(folder.rglob("S*_quest.csv"), what="protocols (S2/S2_quest.csv)", folder=folder):
        person = path.name.removesuffix("_quest.csv")
        protocol = read_protocol(path)
        for one in empatica.read(_session(path, person)):
            start_s, spread_s = align(movement(one), protocol)
            agreed = spread_s <= SPREAD_S
            note = f"the chest device starts at {start_s} s of the wrist band; pairs of still stretches differ by {spread_s} s"
            rows = list(_conditions(protocol, one.start_ns + start_s * SECOND)) if agreed else []
            yield replace(
                one,
                participant=f"wesad_e4:{person}",
                name="session",
                events=Events.of([*one.events.rows(), *rows]),
                facts=_facts(path.with_name(f"{person}_readme.txt")),
                quality=replace(one.quality, notes=(*one.quality.notes, note if agreed else f"{note}: no conditions")),
            )


def movement(one: Recording) -> NDArray[np.float64]:
    """Return the logarithm of the movement in every second, (seconds,): deviations of the three axes, summed, in g."""
    axes = np.stack([one.channel(f"ACC {axis}").physical() for axis in "xyz"])  # (3, T)
    rate = round(one.channel("ACC x").rate_hz)
    length = axes.shape[1] // rate
    seconds = axes[:, : length * rate].reshape(3, length, rate)  # (3, seconds, rate)
    return np.asarray(np.log(_QUIET_G + seconds.std(axis=2).sum(axis=0)), dtype=np.float64)


def align(moved: NDArray[np.float64], protocol: Protocol) -> tuple[int, int]:
    """Return the second at which the protocol starts, and how far the answers of pairs of still stretches lie apart.

    moved: (seconds,) of the wrist band, which records longer than the protocol.
    """
    last = len(moved) - max(stop for _, stop in protocol.times_s.values())
    if last < 0:
        return 0, SPREAD_S + 1
    shifts = np.arange(last + 1)
    contrast = {name: _contrast(moved, *protocol.times_s[name], shifts) for name in _STILL}
    best = int(np.argmin(sum(contrast.values())))
    pairs = [int(np.argmin(contrast[one] + contrast[other])) for one, other in combinations(_STILL, 2)]
    return best, max(pairs) - min(pairs)


def _contrast(moved: NDArray[np.float64], start: int, stop: int, shifts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return by how much a stretch moves more than what lies beside it, for every shift."""
    total = np.concatenate(([0.0], np.cumsum(moved)))

    def mean(first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float64]:
        first, last = np.clip(first, 0, len(moved)), np.clip(last, 0, len(moved))
        return np.asarray((total[last] - total[first]) / np.maximum(last - first, 1), dtype=np.float64)

    first, last = start + shifts, stop + shifts
    return mean(first, last) - (mean(first - _BESIDE_S, first) + mean(last, last + _BESIDE_S)) / 2


def _conditions(protocol: Protocol, zero_ns: int) -> Iterator[Row]:
    """Yield every condition and what was answered after it, without the margins."""
    for name, (start, stop) in protocol.times_s.items():
        onset, lasts = zero_ns + (start + MARGIN_S) * SECOND, (stop - start - 2 * MARGIN_S) * SECOND
        if lasts <= 0:
            continue
        yield "condition", onset, lasts, CONDITIONS[name], float("nan")
        for kind, value in zip(
            ("valence", "arousal"), protocol.rated.get(name, ()), strict=False
        ):  # nothing where nobody answered
            yield kind, onset, lasts, "", value


def read_protocol(path: Path) -> Protocol:
    """Return the protocol in a table whose lines begin with "# ORDER", "# START", "# END" and, five times, "# DIM"."""
    lines = [line.strip().split(";") for line in path.read_text(encoding="latin-1").splitlines()]
    found: dict[str, list[list[str]]] = {}
    for line in lines:
        found.setdefault(line[0].strip(), []).append([cell.strip() for cell in line[1:] if cell.strip()])
    try:
        order, start, stop = (found[f"# {name}"][0] for name in ("ORDER", "START", "END"))
        times = {name: (_seconds(a), _seconds(b)) for name, a, b in zip(order, start, stop, strict=True)}
        times_s = {name: times[name] for name in order if name in CONDITIONS}
        answers = [(float(valence), float(arousal)) for valence, arousal in found.get("# DIM", [])]
    except (KeyError, IndexError, ValueError) as error:
        raise BadRecording(path, 0, f"not a protocol of WESAD ({error})") from error
    if set(times_s) != set(CONDITIONS):
        raise BadRecording(path, 0, f"conditions {', '.join(times_s)}; a protocol has {', '.join(CONDITIONS)}")
    return Protocol(times_s=times_s, rated=dict(zip(times_s, answers, strict=False)))


def _seconds(text: str) -> int:
    """Return minutes and seconds as seconds: "7.08" is 7 min 8 s, and "51.5" is 51 min 50 s without its last zero."""
    minutes, _, seconds = text.partition(".")
    return 60 * int(minutes) + int(f"{seconds:0<2}")


def _session(path: Path, person: str) -> Path:
    folder = path.with_name(f"{person}_E4_Data")
    found = next((each for each in (folder, folder.with_suffix(".zip")) if each.exists()), None)
    if found is None:
        raise BadRecording(path, 0, f"no {folder.name} or {folder.name}.zip beside the protocol")
    return found


def _facts(path: Path) -> dict[str, Fact]:
    """Return the person in a readme of lines "Age: 27"; nothing where there is no readme."""
    text = path.read_text(encoding="latin-1") if path.is_file() else ""
    known = dict(re.findall(r"^([A-Z][\w ()]+): *(\S+)\s*$", text, flags=re.MULTILINE))
    facts: dict[str, Fact] = {
        fact: number(known[name], path=path, what=name) for name, fact in _NUMBERS.items() if name in known
    }
    return facts | {
        fact: known[name].lower() for name, fact in (("Gender", "sex"), ("Dominant hand", "dominant_hand")) if name in known
    }


DATASET = Dataset(
    name="wesad_e4",
    title="WESAD, Empatica E4 part",
    modalities=("ppg", "eda", "temp", "acc"),
    folder="e4/wesad_e4",
    participants=15,
    licence="scientific, non-commercial use with credit (authors' readme); CC BY 4.0 (UCI page)",
    citation="Schmidt et al. 2018, ICMI, doi:10.1145/3242969.3242985",
    homepage="https://doi.org/10.1145/3242969.3242985",
    recordings=recordings,
    layout="""WESAD/S2/S2_E4_Data.zip
WESAD/S2/S2_quest.csv
WESAD/S2/S2_readme.txt""",
    size="2.5 GB (packed, with the chest belt)",
    addresses=(Address(kind="file", url="https://uni-siegen.sciebo.de/s/HGdUkoNlW1Ub0Gx/download", path="WESAD.zip"),),
)
