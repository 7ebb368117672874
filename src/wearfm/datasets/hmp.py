"""HMP: an accelerometer on the right wrist, 14 short activities of daily life, one a trial.

Samples are codes of 6 bits, 0 to 63 for -1.5 to 1.5 g (MANUAL.txt of the data set), and stay integers: a hand that moves
faster is cut off at the ends of the range. A trial is a recording; its activity is an event over the whole trial, also
over the moments of rest at its ends. The name of a file gives the start, in local time, and the person: f1, m2. Half of
the trials are by one person (f1).

Reads the zip or the folder that it unpacks to. The full set repeats some trials in folders that end in `_MODEL`: a file
name is read once.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from wearfm.datasets.base import DAMAGED_ARCHIVE, Address, Dataset, only
from wearfm.errors import BadRecording
from wearfm.signals.door import Admitted, admit
from wearfm.signals.quality_record import Quality
from wearfm.signals.recording import SECOND, Events, Recording

RATE_HZ = 32.0  # MANUAL.txt of the data set, as is the range
_LAST_CODE, _RANGE_G = 63, 3.0
ACTIVITIES = {
    "brush_teeth": "brushing teeth",
    "climb_stairs": "climbing stairs",
    "comb_hair": "combing hair",
    "descend_stairs": "descending stairs",
    "drink_glass": "drinking from a glass",
    "eat_meat": "eating with knife and fork",
    "eat_soup": "eating with a spoon",
    "getup_bed": "getting up from bed",
    "liedown_bed": "lying down on a bed",
    "pour_water": "pouring water",
    "sitdown_chair": "sitting down",
    "standup_chair": "standing up",
    "use_telephone": "telephoning",
    "walk": "walking",
}
_NAME = re.compile(r"Accelerometer-(?P<start>\d{4}(?:-\d\d){5})-(?P<activity>[a-z_]+)-(?P<person>[fm]\d{1,2})")
_PATTERN = "Accelerometer-*.txt"


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every trial under a folder, with its activity as an event and the person's sex as a fact."""
    found = iter([*folder.rglob(_PATTERN), *folder.rglob("*.zip")])
    seen: set[str] = set()
    for path in only(found, what=f"trials ({_PATTERN}, or a zip of them)", folder=folder):
        for stem, text in _members(path):
            if stem not in seen:
                seen.add(stem)
                yield _recording(path, stem, text)


def _recording(path: Path, stem: str, text: str) -> Recording:
    name = _NAME.fullmatch(stem)
    if name is None or name["activity"] not in ACTIVITIES:
        raise BadRecording(path, 0, f"trial {stem!r} is not of the form Accelerometer-2011-03-24-10-24-39-climb_stairs-f1")
    start_ns = _wall_clock_ns(path, name["start"])
    admitted = _channels(_codes(path, stem, text), start_ns)
    lasts_ns = round(admitted[0].channel.duration_s * SECOND)
    return Recording(
        participant=f"hmp:{name['person']}",
        name=f"{name['activity']} {name['start']}",
        channels=tuple(a.channel for a in admitted),
        events=Events.of([("activity", start_ns, lasts_ns, ACTIVITIES[name["activity"]], float("nan"))]),
        clock="local",
        device="wired accelerometer",
        source=path.name,
        facts={"sex": {"f": "female", "m": "male"}[name["person"][0]]},
        quality=Quality(channels=tuple(a.quality for a in admitted)),
    )


def _members(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (name without its end, text) of a file, or of every trial in a zip."""
    if path.suffix != ".zip":
        yield path.stem, path.read_text(encoding="latin-1")
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                place = PurePosixPath(name)
                if place.match(_PATTERN) and "__MACOSX" not in place.parts:
                    yield place.stem, archive.read(name).decode("latin-1")
    except DAMAGED_ARCHIVE as error:
        raise BadRecording(path, 0, f"damaged zip ({error})") from error


def _codes(path: Path, stem: str, text: str) -> NDArray[np.int16]:
    """Return the codes of a trial, (T, 3)."""
    try:
        codes = np.array([[int(part) for part in line.split()] for line in text.splitlines() if line.strip()], dtype=np.int16)
    except (ValueError, OverflowError) as error:
        raise BadRecording(path, 0, f"{stem} is not three columns of whole numbers ({error})") from error
    if codes.ndim != 2 or codes.shape[1] != 3 or codes.min() < 0 or codes.max() > _LAST_CODE:
        raise BadRecording(path, 0, f"{stem} is not three columns of codes from 0 to {_LAST_CODE}")
    return codes


def _channels(codes: NDArray[np.int16], start_ns: int) -> list[Admitted]:
    return [
        admit(
            codes[:, place],
            name=f"acc {axis}",
            modality_name="acc",
            unit="g",
            rate_hz=RATE_HZ,
            start_ns=start_ns,
            placement="wrist",
            axis=axis,
            scale=_RANGE_G / _LAST_CODE,
            offset=-_RANGE_G / 2,
        )
        for place, axis in enumerate("xyz")
    ]


def _wall_clock_ns(path: Path, text: str) -> int:
    """Return a stamp as nanoseconds since 1970 on the wall clock."""
    try:
        return round((datetime.strptime(text, "%Y-%m-%d-%H-%M-%S") - datetime(1970, 1, 1)).total_seconds()) * SECOND
    except ValueError as error:
        raise BadRecording(path, 0, f"start {text!r} does not exist in the calendar") from error


DATASET = Dataset(
    name="hmp",
    title="HMP, human motion primitives at the wrist",
    modalities=("acc",),
    folder="har/hmp",
    participants=16,
    licence="research use, commercial use by arrangement (Readme); CC BY 4.0 (UCI page)",
    citation="Bruno et al. 2013, ICRA, 1602-1607",
    homepage="https://archive.ics.uci.edu/dataset/283",
    recordings=recordings,
    layout="""HMP_Dataset/Climb_stairs/Accelerometer-2011-03-24-10-24-39-climb_stairs-f1.txt     or a zip of it""",
    addresses=(
        Address(
            kind="file",
            url="https://archive.ics.uci.edu/static/public/283/dataset+for+adl+recognition+with+wrist+worn+accelerometer.zip",
        ),
    ),
)
