"""A data set: what it is, who may use it, how to cite it, and how its files become recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wearfm.errors import BadConfiguration
from wearfm.signals.recording import Recording


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The card of an open data set, and its reader.

    name: in code and on the command line. folder: where a collection of data sets usually keeps it. participants,
    hours: of the full set as published. recordings: folder -> recordings with facts and events, participants named
    "<name>:<id>".
    """

    name: str
    title: str
    modalities: tuple[str, ...]
    folder: str
    participants: int
    licence: str
    citation: str
    homepage: str
    recordings: Callable[[Path], Iterator[Recording]]


def only(paths: Iterator[Path], *, what: str, folder: Path) -> list[Path]:
    """Return the sorted paths; BadConfiguration if there are none."""
    found = sorted(paths)
    if not found:
        raise BadConfiguration(f"{folder} holds no {what}; name the folder into which the data set was unpacked")
    return found
