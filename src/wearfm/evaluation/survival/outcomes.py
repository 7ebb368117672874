"""Outcomes: who was followed for which disease, how long, and whether it came. A long table, one row a person and outcome.

    participant,outcome,time_days,event
    clinic:0001,atrial fibrillation,812.0,1
    clinic:0001,stroke,1900.0,0

People who had the disease before the recording do not belong in its rows; people without a row are not asked about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.evaluation.survival.follow_up import FollowUp

if TYPE_CHECKING:
    from wearfm.store import Store

COLUMNS = ("participant", "outcome", "time_days", "event")


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcomes:
    """Follow-up of people for several outcomes. participant, outcome: (N,) text. follow_up: of the N rows."""

    participant: NDArray[np.str_]
    outcome: NDArray[np.str_]
    follow_up: FollowUp

    def __post_init__(self) -> None:
        if not len(self.participant) == len(self.outcome) == len(self.follow_up) > 0:
            raise BadConfiguration("outcomes need one row or more, with a participant, an outcome, a time and an event each")
        pairs = Counter(zip(self.participant.tolist(), self.outcome.tolist(), strict=True))
        twice = [pair for pair, number in pairs.items() if number > 1]
        if twice:
            raise BadConfiguration(
                f"{len(self.outcome) - len(pairs)} rows repeat a participant and outcome, first {twice[0]}; keep one of each"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The outcomes, in sorted order."""
        return tuple(np.unique(self.outcome).tolist())

    def each(self) -> Iterator[tuple[str, NDArray[np.str_], FollowUp]]:
        """Yield every outcome with its participants and their follow-up, in the order of `names`."""
        order = np.argsort(self.outcome, kind="stable")
        starts = np.searchsorted(self.outcome[order], np.array(self.names))
        for name, rows in zip(self.names, np.split(order, starts[1:]), strict=True):
            yield name, self.participant[rows], self.follow_up.select(rows)

    @classmethod
    def read(cls, path: str | Path) -> Outcomes:
        """Read a CSV or Parquet file with the four columns; BadConfiguration says what is wrong in one line."""
        table = _table(Path(path))
        missing = [name for name in COLUMNS if name not in table.column_names]
        if missing:
            raise BadConfiguration(f"{path} lacks the columns {', '.join(missing)}; an outcomes file has {', '.join(COLUMNS)}")
        time, event = (_numbers(table, name, path) for name in ("time_days", "event"))
        below = int((~(time >= 0)).sum())
        if below:
            raise BadConfiguration(f"{path}: time_days of {below} rows is negative or missing; leave such rows out")
        odd = int((~np.isin(event, (0.0, 1.0))).sum())
        if odd:
            raise BadConfiguration(f"{path}: event of {odd} rows is neither 0 (censored) nor 1 (it came); correct them")
        return cls(
            participant=np.array([str(value) for value in table.column("participant").to_pylist()], dtype=np.str_),
            outcome=np.array([str(value) for value in table.column("outcome").to_pylist()], dtype=np.str_),
            follow_up=FollowUp(time_days=time, event=event == 1),
        )

    @classmethod
    def of_store(cls, store: Store) -> Outcomes:
        """Return what facts "time_days:<outcome>" and "event:<outcome>" of a store say, of the first recording of everybody."""
        found: dict[tuple[str, str], tuple[float, bool]] = {}
        for row in store.recordings():
            for name, value in row.facts.items():
                kind, _, outcome = name.partition(":")
                event = row.facts.get(f"event:{outcome}")
                if kind == "time_days" and outcome and event is not None:
                    found.setdefault((row.participant, outcome), (float(value), bool(float(event))))
        if not found:
            raise BadConfiguration("the store has no facts time_days:<outcome> and event:<outcome>; give an outcomes file")
        return cls(
            participant=np.array([participant for participant, _ in found], dtype=np.str_),
            outcome=np.array([outcome for _, outcome in found], dtype=np.str_),
            follow_up=FollowUp(
                time_days=np.array([time for time, _ in found.values()]),
                event=np.array([event for _, event in found.values()], dtype=bool),
            ),
        )


def _table(path: Path) -> pa.Table:
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        texts = pc.ConvertOptions(column_types={"participant": pa.string(), "outcome": pa.string()})
        return pc.read_csv(path, convert_options=texts)
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        why = str(error).splitlines()[0]
        raise BadConfiguration(
            f"{path} is no outcomes file ({why}); give .csv or .parquet with {', '.join(COLUMNS)}"
        ) from error


def _numbers(table: pa.Table, name: str, path: str | Path) -> NDArray[np.float64]:
    """Return a column as numbers, NaN where it is empty."""
    column = table.column(name)
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
        raise BadConfiguration(f"{path}: column {name} holds {kind}, not numbers; correct it")
    return np.array([np.nan if value is None else float(value) for value in column.to_pylist()], dtype=np.float64)
