"""Who is the same person: participants of a source who hold the same raw data under two ids."""

from __future__ import annotations

import numpy as np

from wearfm.windows.source import Source
from wearfm.windows.split import persons_of

_LOOKED_AT = 10_000  # samples of a shared channel that are read to see whether it says anything
_TRIVIAL = 64  # samples below which two channels may be equal by chance


def same_persons(source: Source) -> dict[str, str]:
    """Return participant -> person: ids that hold the same raw data are one person, named by the first of them.

    Channels of a few samples, or of one single value, are equal by chance and do not count.
    """
    channels = source.channels()
    owner = {row.id: row.participant for row in source.recordings()}
    participant = np.array([owner[number] for number in channels.recording.tolist()], dtype=np.str_)
    order = np.argsort(channels.sha256, kind="stable")
    edges = np.flatnonzero(channels.sha256[order][1:] != channels.sha256[order][:-1]) + 1
    shared = [rows for rows in np.split(order, edges) if len(set(participant[rows].tolist())) > 1]
    telling = [rows for rows in shared if _says_something(source, int(channels.id[rows[0]]), int(channels.length[rows[0]]))]
    pairs = [(str(participant[row]), str(channels.sha256[row])) for rows in telling for row in rows.tolist()]
    return persons_of([*pairs, *((name, name) for name in set(owner.values()))])


def _says_something(source: Source, channel: int, length: int) -> bool:
    if length < _TRIVIAL:
        return False
    signal, valid = source.gather(np.array([channel]), np.array([0]), min(length, _LOOKED_AT))
    return bool(valid.any() and np.ptp(signal[valid]) > 0)
