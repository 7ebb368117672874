"""Splits by participant: pure functions of the names, the seed and, where asked, a stratum."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, LeakyScheme
from wearfm.windows.counter import mix, text_key


@dataclass(frozen=True, kw_only=True)
class Split:
    """Who is on which side. Nobody is on two; LeakyScheme otherwise."""

    train: frozenset[str]
    validation: frozenset[str]
    test: frozenset[str]

    def __post_init__(self) -> None:
        twice = (self.train & self.validation) | (self.train & self.test) | (self.validation & self.test)
        if twice:
            raise LeakyScheme(f"participants {sorted(twice)[:5]} stand on two sides; a participant belongs to one side only")

    def to_json(self) -> dict[str, list[str]]:
        """Return the three sides as sorted lists."""
        return {"train": sorted(self.train), "validation": sorted(self.validation), "test": sorted(self.test)}


def hold_out(
    participants: Iterable[str], *, seed: int, test: float, validation: float = 0.0, persons: Mapping[str, str] | None = None
) -> Split:
    """Return a split in which every participant's side depends on the name and the seed alone.

    Adding participants never moves others. test, validation: expected shares. persons: participant -> person, for
    people who appear under several ids (see `persons_of`); they stay together.
    """
    if not (0 <= test < 1 and 0 <= validation < 1 and test + validation < 1):
        raise BadConfiguration(f"shares test={test}, validation={validation} must be in [0, 1) and leave some for training")
    names = sorted(set(participants))
    share = {name: _share(name, seed, persons) for name in names}
    return Split(
        test=frozenset(n for n in names if share[n] < test),
        validation=frozenset(n for n in names if test <= share[n] < test + validation),
        train=frozenset(n for n in names if share[n] >= test + validation),
    )


def folds(
    participants: Sequence[str] | NDArray[np.str_],
    *,
    k: int,
    seed: int,
    stratify: Sequence[object] | None = None,
    persons: Mapping[str, str] | None = None,
    balanced: bool = True,
) -> NDArray[np.int64]:
    """Return the fold number, 0 to k - 1, of every row; all rows of a person share it.

    balanced: persons are dealt in the order of their hashes, within each stratum, so that folds differ by at most one
    person a stratum; adding a person may move others. False: the fold is the hash modulo k, which never moves anyone but
    may be uneven. stratify: (N,) one value a row; a person takes the value of its first row. k of at least the number
    of persons is leave-one-out.
    """
    names = [str(name) if persons is None else persons.get(str(name), str(name)) for name in participants]
    strata: dict[str, str] = {}
    for name, stratum in zip(names, stratify if stratify is not None else [""] * len(names), strict=True):
        strata.setdefault(name, str(stratum))
    if k < 2 or len(strata) < 2:
        raise BadConfiguration(f"{k} folds of {len(strata)} participants; at least 2 of both are needed")
    ordered = sorted(strata, key=lambda name: (strata[name], _hash(name, seed), name))
    if balanced:
        fold = {name: place % k for place, name in enumerate(ordered)}
    else:
        fold = {name: _hash(name, seed) % k for name in ordered}
    return np.array([fold[name] for name in names], dtype=np.int64)


def leave_one_out(
    participants: Sequence[str] | NDArray[np.str_], *, persons: Mapping[str, str] | None = None
) -> NDArray[np.int64]:
    """Return the fold number of every row when each person is a fold of its own, in the order of their names."""
    names = [str(name) if persons is None else persons.get(str(name), str(name)) for name in participants]
    place = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([place[name] for name in names], dtype=np.int64)


def pseudonym(participant: str) -> str:
    """Return 16 hexadecimal digits that stand for a participant where names do not belong: in checkpoints and tables.

    Not anonymity: whoever has a list of names can find out which of them are meant.
    """
    return hashlib.sha256(f"participant {participant}".encode()).hexdigest()[:16]


def persons_of(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return participant -> person, merging participants who share the same raw data.

    rows: (participant, sha256 of a channel's samples). The person is named by the first participant in sorted order.
    """
    leader: dict[str, str] = {}

    def root(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    owner: dict[str, str] = {}
    for participant, content in sorted(set(rows)):
        leader.setdefault(participant, participant)
        one, other = root(participant), root(owner.setdefault(content, participant))
        leader[max(one, other)] = min(one, other)
    return {name: root(name) for name in leader}


def _share(name: str, seed: int, persons: Mapping[str, str] | None) -> float:
    person = name if persons is None else persons.get(name, name)
    return _hash(person, seed) / 2.0**64


def _hash(name: str, seed: int) -> int:
    return int(mix(seed, text_key(name))[0])
