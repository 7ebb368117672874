"""What every task keeps: labels of its own data set only, of the kind it says, and honest about published figures."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.datasets.tiny import WRITERS
from wearfm.datasets import DATASETS
from wearfm.evaluation.metrics import METRICS
from wearfm.evaluation.task import Rows, StoreTruth, Task, Truth
from wearfm.evaluation.tasks import TASKS
from wearfm.signals.recording import SECOND, Recording
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig

RECORDINGS = 12  # of each data set are enough

Session = tuple[str, str, int, float]  # participant, recording, start in nanoseconds, seconds


def _recordings(dataset: str, scratch: Path, request: pytest.FixtureRequest) -> Iterator[Recording]:
    """Simulated people, the real recordings where they are there, else the tiny ones."""
    if dataset == "synthetic":
        config = CohortConfig(num_participants=RECORDINGS, num_sessions=1, session_hours=0.5, modalities=("acc",), af_odds=1e4)
        return Cohort(config, seed=2).recordings()
    real = _real(dataset, request)
    if real is not None:
        return DATASETS[dataset].recordings(real)
    if dataset not in WRITERS:
        pytest.skip(f"the recordings of {dataset} are not there")
    WRITERS[dataset](scratch)
    return DATASETS[dataset].recordings(scratch)


def _real(dataset: str, request: pytest.FixtureRequest) -> Path | None:
    """Return the folder of the real recordings, None where they are not there."""
    try:
        folder = request.getfixturevalue("data_folder") / DATASETS[dataset].folder
    except pytest.skip.Exception:
        return None
    return folder if folder.is_dir() else None


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Store]:
    return {}


def _store(dataset: str, stores: dict[str, Store], folder: Path, request: pytest.FixtureRequest) -> Store:
    if dataset not in stores:
        folder.mkdir(exist_ok=True)
        created = Store.create(folder / dataset)
        every = _recordings(dataset, folder / f"{dataset}_tiny", request)
        with_signals = (one for one in every if one.channels)  # nothing else has windows
        created.commit(list(islice(with_signals, RECORDINGS)))
        stores[dataset] = created
    return stores[dataset]


def spread(sessions: Iterable[Session], *, window_s: float = 2.0, each: int = 30) -> Rows:
    """Return so many windows of every session, spread over its time."""
    rows = [
        (participant, name, start_ns + round(at * SECOND))
        for participant, name, start_ns, seconds in sessions
        for at in np.linspace(0, max(seconds - window_s, 0), each).tolist()
    ]
    who, name, start = zip(*rows, strict=True)
    return Rows(
        participant=np.array(who),
        recording=np.array(name),
        start_ns=np.array(start, dtype=np.int64),
        duration_s=np.full(len(rows), window_s),
    )


def _sessions(store: Store) -> Iterator[Session]:
    table = store.channels()
    for row in store.recordings():
        own = table.recording == row.id
        seconds = float((table.length[own] / table.rate_hz[own]).max())
        yield row.participant, row.name, int(table.start_ns[own].min()), seconds


def keep(task: Task, rows: Rows, truth: Truth) -> NDArray[np.bool_]:
    """Check a task against the contract on windows of its data set; return which of them have a label, (N,)."""
    labels = task.label(rows, truth)
    assert len(labels) == len(rows)
    missing = np.isnan(labels) if labels.dtype.kind == "f" else labels == ""
    assert not missing.all()
    if task.kind == "regression":
        assert labels.dtype.kind == "f"
    elif task.classes:
        known = set(labels[~missing].tolist()) & set(task.classes)
        assert len(known) >= 2 or task.dataset != "synthetic"
    strangers = replace(rows, participant=np.char.add("elsewhere:", rows.participant))
    others = task.label(strangers, truth)
    assert np.isnan(others).all() if others.dtype.kind == "f" else (others == "").all()
    return np.asarray(~missing)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_labels_its_own_data_set_and_no_other(
    name: str, stores: dict[str, Store], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    task = TASKS[name]
    store = _store(task.dataset, stores, tmp_path_factory.getbasetemp() / "task_stores", request)
    keep(task, spread(_sessions(store)), StoreTruth(store))


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_a_task_says_what_it_asks_and_where_figures_come_from(task: Task) -> None:
    assert task.question.endswith("?")
    assert task.citation
    assert task.dataset in {*DATASETS, "synthetic"}
    assert METRICS[task.metric].kinds.count(task.kind) == 1
    assert not {"hypertension", "diabetes", "sbp_mmHg", "dbp_mmHg"} & set(task.demographics)
    assert all(figure.protocol and (figure.matches or figure.why_not) for figure in task.published)
