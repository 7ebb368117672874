"""wearablehrv's example study: heart rate variability from wearables beside an ECG, while people sit, reckon, walk and cycle.

Two kinds of files. The tables (`P01.csv` ...) hold one row for each condition and device: a recording each, "rhythm sitting",
whose values last as long as the intervals that they were computed from.

| column | in the recording |
|---|---|
| `pp`, `device`, `conditions` | participant, device; fact `condition`, and an event `condition` |
| `mean_hr`, `rmssd`, `sdnn` | events `hr` (1/min), `rmssd`, `sdnn` (ms) |
| `lf`, `hf` | events `lf`, `hf` (ms2) |
| `artefact`, `nibi_after_cropping` | events `artefacts`, `intervals` (how many) |

The exports (`test_*`) are of another person (P37): a recording for each device, with an event `ibi` for each interval between
beats (s, over its time) and an event `condition` for each condition of `test_events.csv`.

| file | what its stamps say |
|---|---|
| `test_vu.txt`: VU-AMS, an ECG | the wall clock at the beat that ends the interval |
| `test_empatica.csv` | Unix milliseconds at the beat that begins the interval |
| `test_heartmath.csv`, `test_kyto.csv`, `test_rhythm.csv` | Unix milliseconds when the packet reached the phone |

A packet may carry several intervals. So an interval ends no later than its stamp, and no later than the next one begins: the
latest times that fit are taken, and a note says how far they lie before the stamps. (`since_start` is the running sum of the
intervals: it loses up to twelve minutes where beats were lost, and is not used.)

**Time.** Exports are UTC with an offset of two hours, which is inferred: the study was done in Amsterdam in June, and with it
the wearables follow the ECG within 2 s. In the tables each recording begins at 0 of a relative clock. **Not read**: `time`
there, one for a person and without a date, and metrics that follow from others (`pnn_50`, `cvsd`, `lf_hf_ratio` ...).

**Cautions.** There are no signals here, only what devices and the authors' program derived, so that there are no windows to
embed and no task: this set is for comparing devices. Ten tables and one set of exports are published.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from wearfm.datasets.base import Address, Dataset, numbers, only, table
from wearfm.errors import BadConfiguration, BadRecording
from wearfm.readers.assembly import Assembly, EventRow, nanoseconds
from wearfm.readers.stamps import date_ns
from wearfm.signals.recording import SECOND, Events, Recording

UTC_OFFSET_S = 7200  # inferred, see above
DEVICES = {  # names [recalled]
    "vu": "VU-AMS",
    "empatica": "Empatica",
    "heartmath": "HeartMath",
    "kyto": "Kyto",
    "rhythm": "Scosche Rhythm",
}
_METRICS = {
    "mean_hr": "hr",
    "rmssd": "rmssd",
    "sdnn": "sdnn",
    "lf": "lf",
    "hf": "hf",
    "artefact": "artefacts",
    "nibi_after_cropping": "intervals",
}
_MS = SECOND // 1000
_DAY_NS = 86_400 * SECOND


def recordings(folder: Path) -> Iterator[Recording]:
    """Yield every condition of every table, and every device of the exports, under a folder."""
    found = iter([*folder.rglob("P[0-9][0-9].csv"), *folder.rglob("test_*.csv"), *folder.rglob("test_vu.txt")])
    paths = only(found, what="tables (P01.csv) or exports (test_vu.txt)", folder=folder)
    exports = {path.stem.removeprefix("test_"): path for path in paths if path.stem.startswith("test_")}
    for path in paths:
        if path not in exports.values():
            yield from _conditions(path)
    events = exports.pop("events", None)
    person = _subject(exports["vu"]) if "vu" in exports else "test"
    for device, path in exports.items():
        if device in DEVICES:
            yield _export(path, device, person, events)


def _conditions(path: Path) -> Iterator[Recording]:
    """Yield a recording for each row of a person's table."""
    columns = ["conditions", "device", "pp", "mean_nni", *_METRICS]
    for row in table(path, columns=columns).to_pylist():
        found = Assembly(path=path)
        lasts_ms = (row["mean_nni"] or 0.0) * (row["nibi_after_cropping"] or 0.0)
        lasts_ns = 0 if np.isnan(lasts_ms) else nanoseconds(lasts_ms / 1000)
        found.events.append(("condition", 0, lasts_ns, row["conditions"], float("nan")))
        values = {kind: _number(path, row, column) for column, kind in _METRICS.items()}
        found.events += [(kind, 0, lasts_ns, "", value) for kind, value in values.items() if np.isfinite(value)]
        if not np.isfinite(values["rmssd"]):
            found.note("the table has no metrics for this device and condition")
        yield found.finish(
            participant=f"wearablehrv:{row['pp']}",
            name=f"{row['device']} {row['conditions']}",
            clock="relative",
            source=path.name,
            device=DEVICES.get(row["device"], row["device"]),
            facts={"condition": row["conditions"]},
        )


def _number(path: Path, row: dict[str, Any], column: str) -> float:
    if isinstance(row[column], str):
        raise BadRecording(path, 0, f"{column} {row[column]!r} is not a number; export the table again")
    return float("nan") if row[column] is None else float(row[column])


def _export(path: Path, device: str, person: str, events: Path | None) -> Recording:
    """Return the intervals of one device and the conditions of the session."""
    found = Assembly(path=path)
    end_ns, interval_ns = _ecg(found) if device == "vu" else _wearable(found, begins=device == "empatica")
    found.blocks.append(
        Events(
            kind=np.full(len(end_ns), "ibi"),
            onset_ns=end_ns - interval_ns,
            duration_ns=interval_ns,
            label=np.full(len(end_ns), ""),
            value=interval_ns / SECOND,
        )
    )
    if events is not None and len(end_ns):
        found.events += _session(events, int(end_ns[0]))
    return found.finish(
        participant=f"wearablehrv:{person}",
        name=f"{device} session",
        clock="utc",
        utc_offset_s=UTC_OFFSET_S,
        source=path.name,
        device=DEVICES[device],
    )


def _ecg(found: Assembly) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return end and length of the intervals in an export of VU-AMS, nanoseconds, (N,); only those of found beats."""
    read = _tabbed(found.path, ["R-peak time", "ibi_cumulative", "ibi", "interpolated"])
    if read.num_rows == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    try:
        first_ns = date_ns(str(read.column("R-peak time")[0]), "%d-%m-%y/%H:%M:%S.%f")[0]
    except BadConfiguration as error:
        raise BadRecording(found.path, 0, str(error)) from error
    since, interval = (_milliseconds(read, column, found.path) for column in ("ibi_cumulative", "ibi"))
    are_found = np.array([mark == "O" for mark in read.column("interpolated").to_pylist()])
    if not are_found.all():
        found.note(f"{np.count_nonzero(~are_found)} interpolated intervals were left out")
    kept = are_found & (interval > 0)  # the first beat ends no interval
    return first_ns - UTC_OFFSET_S * SECOND + since[kept], interval[kept]


def _wearable(found: Assembly, *, begins: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return end and length of the intervals in an export of a wearable, nanoseconds, (N,). begins: stamps are onsets."""
    read = table(found.path, columns=["timestamp"])
    read = read.rename_columns([name.strip() for name in read.column_names])
    if "rr" not in read.column_names:
        raise BadRecording(found.path, 0, f"no column rr; it has {', '.join(read.column_names[:8])}")
    stamp, interval = (_milliseconds(read, column, found.path) for column in ("timestamp", "rr"))
    if begins:
        return stamp + interval, interval
    end = latest_ends(stamp, interval)
    if len(end) and (end != stamp).any():
        early = (stamp - end) / SECOND
        found.note(
            f"{np.count_nonzero(early)} of {len(end)} intervals end before their packet came, by up to {early.max():g} s"
        )
    return end, interval


def latest_ends(stamp: NDArray[np.int64], interval: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the latest ends that lie neither after the stamps nor after the next interval's onset, (N,).

    With S the running sum of the intervals, end[i] = S[i] + min over j >= i of (stamp[j] - S[j]).
    """
    total = np.cumsum(interval)
    return np.asarray(np.minimum.accumulate((stamp - total)[::-1])[::-1] + total)


def _session(path: Path, around_ns: int) -> list[EventRow]:
    """Return the conditions of the table of events, on the day of around_ns: wall-clock times of starts and ends."""
    local_ns = around_ns + UTC_OFFSET_S * SECOND
    midnight_ns = local_ns - local_ns % _DAY_NS - UTC_OFFSET_S * SECOND
    at: dict[tuple[str, str], int] = {}
    for row in table(path, columns=["timestamp", "conditions", "datapoint"]).to_pylist():
        try:
            clock_ns, _ = date_ns(f"1970-01-01T{row['timestamp']}")
        except BadConfiguration as error:
            raise BadRecording(path, 0, f"time {row['timestamp']!r} is not of the form 14:09:20") from error
        at[row["conditions"], row["datapoint"]] = midnight_ns + clock_ns
    return [
        ("condition", start_ns, at[name, "end"] - start_ns, name, float("nan"))
        for (name, point), start_ns in at.items()
        if point == "start" and at.get((name, "end"), start_ns) > start_ns
    ]


def _subject(path: Path) -> str:
    with path.open(encoding="latin-1") as file:
        return file.readline().partition(":")[2].strip() or "test"


def _milliseconds(read: pa.Table, column: str, path: Path) -> NDArray[np.int64]:
    """Return a column of milliseconds as nanoseconds, (N,)."""
    values = numbers(read, column, path=path)
    if not (np.isfinite(values).all() and np.abs(values).max(initial=0) < 2**62 / _MS):
        raise BadRecording(path, 0, f"column {column} is not milliseconds throughout; export the session again")
    return np.rint(values).astype(np.int64) * _MS


def _tabbed(path: Path, columns: list[str]) -> pa.Table:
    """Return the table of an export of VU-AMS: a line with the subject, a line of names, then tabs."""
    try:
        read = pacsv.read_csv(
            path, read_options=pacsv.ReadOptions(skip_rows=1), parse_options=pacsv.ParseOptions(delimiter="\t")
        )
    except (OSError, pa.ArrowException) as error:
        raise BadRecording(path, 0, f"not a table ({error})") from error
    missing = sorted(set(columns) - set(read.column_names))
    if missing:
        raise BadRecording(path, 0, f"no column {', '.join(missing)}; export the ECG's intervals again")
    return read


DATASET = Dataset(
    name="wearablehrv",
    title="wearablehrv, example study",
    modalities=(),
    folder="rr/wearablehrv",
    participants=11,
    licence="MIT",
    citation="Sinichi et al., wearablehrv, Journal of Open Source Software",
    homepage="https://github.com/Aminsinichi/wearable-hrv",
    recordings=recordings,
    layout="""P01.csv              a row for each condition and device (anywhere below the folder)
test_vu.txt          intervals of the ECG
test_rhythm.csv      intervals of a wearable; _kyto, _heartmath, _empatica
test_events.csv      start and end of each condition""",
    addresses=(Address(kind="file", url="https://github.com/Aminsinichi/wearable-hrv/archive/refs/heads/master.zip"),),
)
