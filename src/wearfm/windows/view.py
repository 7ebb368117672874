"""A part of a source: some participants, some channels. Everything that reads a source reads a view of it as well."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.spans import Spans
from wearfm.store import ChannelTable, RecordingRow
from wearfm.store.query import select
from wearfm.windows.source import Source


class View:
    """The recordings of some participants with the channels of some modalities; None takes all of them.

    where: a condition on channels ("device like 'Empatica%' and rate_hz >= 32"; see `store.query`), "" for none.
    """

    def __init__(
        self,
        source: Source,
        *,
        participants: Collection[str] | None = None,
        modalities: Collection[str] | None = None,
        where: str = "",
    ) -> None:
        self.source = source
        self.where = where
        self.participants = None if participants is None else sorted(set(participants))
        self.modalities = None if modalities is None else sorted(set(modalities))
        known = {row.participant for row in source.recordings()}
        strangers = [name for name in self.participants or () if name not in known]
        if strangers:
            raise BadConfiguration(f"participant {strangers[0]!r} is not in the store; `wearfm store recordings` lists who is")

    def recordings(self) -> Sequence[RecordingRow]:
        """Return the recordings of the chosen participants."""
        rows = self.source.recordings()
        return rows if self.participants is None else [row for row in rows if row.participant in self.participants]

    def channels(self) -> ChannelTable:
        """Return the chosen channels of the chosen recordings."""
        table = self.source.channels()
        chosen = np.isin(table.recording, [row.id for row in self.recordings()])
        if self.modalities is not None:
            chosen &= np.isin(table.modality, self.modalities)
        return table.select(chosen if self._fulfilling is None else chosen & np.isin(table.id, self._fulfilling))

    @cached_property
    def _fulfilling(self) -> NDArray[np.int64] | None:
        """The ids of the channels of which the condition is true; BadConfiguration if it is true of none."""
        if not self.where:
            return None
        table = self.source.channels()
        found = select(self.where, self.source.recordings(), table, self.source.spans())
        if not found.any():
            raise BadConfiguration(f"{self.where!r} is true of no channel; `wearfm store query` shows what there is")
        return table.id[found]

    def spans(self) -> Mapping[int, Spans]:
        """Return the valid spans of every channel of the source."""
        return self.source.spans()

    def gather(
        self, channels: NDArray[np.int64], starts: NDArray[np.int64], length: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return cuts, as the source does."""
        return self.source.gather(channels, starts, length)

    def fingerprint(self) -> str:
        """Return the sha256 of the source's content and of what was chosen; the source's own if everything was."""
        if self.participants is None and self.modalities is None and not self.where:
            return self.source.fingerprint()
        asked = [self.participants, self.modalities, *([self.where] if self.where else [])]
        chosen = json.dumps([self.source.fingerprint(), *asked])
        return hashlib.sha256(chosen.encode()).hexdigest()
