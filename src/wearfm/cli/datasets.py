"""wearfm datasets: open data sets by name, from their publisher to a store."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from wearfm.cli import prepare, terminal
from wearfm.datasets import DATASETS, Dataset
from wearfm.errors import BadConfiguration, UnknownName

_SHOWN = ("title", "modalities", "participants", "size", "licence", "citation", "homepage", "layout", "extra", "by_hand")


@dataclass(frozen=True, kw_only=True)
class Options:
    """List the open data sets, show the card of one, download it from its publisher, or prepare it into a store."""

    action: Annotated[Literal["list", "show", "download", "prepare"], tyro.conf.Positional] = "list"
    """list: one line each. show: the card in full. download: resumable, every file checked. prepare: its recordings, with
    their labels, into a store."""
    name: Annotated[str, tyro.conf.Positional] = ""
    """A data set; an unknown name offers the nearest."""
    folder: Path | None = None
    """Where download puts it, and prepare looks for it; by default data/NAME."""
    source: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """For prepare: a folder that has it already."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("store")
    """For prepare: the store's folder; it is made, or added to."""
    mirror: tuple[str, ...] = ()
    """For download: OFFICIAL=MIRROR, the beginning of an address and what to ask instead of it."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb; 1 if a recording was refused."""
    options = terminal.parse(Options, "datasets", words)
    if options.action == "list":
        return _list(options)
    if not options.name:
        raise BadConfiguration(f"no data set was named; {options.action} one of: {', '.join(DATASETS)}")
    if options.name not in DATASETS:
        raise UnknownName("data set", options.name, DATASETS)
    act = {"show": _show, "download": _download, "prepare": _prepare}[options.action]
    return act(DATASETS[options.name], options)


def describe(dataset: Dataset) -> dict[str, Any]:
    """Return a card as plain values, with its tasks and its page."""
    from wearfm.evaluation.tasks import TASKS

    return {
        "name": dataset.name,
        **{field: getattr(dataset, field) for field in _SHOWN},
        "folder": dataset.folder,
        "addresses": [address.url for address in dataset.addresses],
        "tasks": sorted(name for name, task in TASKS.items() if task.dataset == dataset.name),
        "page": (sys.modules[dataset.recordings.__module__].__doc__ or "").strip(),
    }


def _list(options: Options) -> int:
    from wearfm.evaluation.tasks import TASKS

    if options.json:
        terminal.emit([describe(dataset) for _, dataset in sorted(DATASETS.items())])
        return 0
    tasks = Counter(task.dataset for task in TASKS.values())
    rows = [
        (name, ", ".join(one.modalities), one.participants, one.size or "?", one.licence, tasks[name])
        for name, one in sorted(DATASETS.items())
    ]
    terminal.table("", ("data set", "modalities", "participants", "size", "licence", "tasks"), rows)
    return 0


def _show(dataset: Dataset, options: Options) -> int:
    card = describe(dataset)
    if options.json:
        terminal.emit(card)
        return 0
    for field in (*_SHOWN, "addresses", "tasks"):
        value = ", ".join(card[field]) if isinstance(card[field], list | tuple) else str(card[field])
        if value:
            terminal.say(f"{field.replace('_', ' ') + ':':<14}{value}")
    terminal.say(f"\n{card['page']}")
    return 0


def _download(dataset: Dataset, options: Options) -> int:
    from wearfm.datasets.download import download

    mirrors = dict(_mirror(pair) for pair in options.mirror)
    with terminal.progress(f"download {dataset.name}", unit="MB") as progress:
        summary = download(dataset, _folder(dataset, options), mirrors=mirrors, progress=progress)
    if options.json:
        terminal.emit({"dataset": dataset.name, **summary.to_json()})
        return 0
    terminal.say(
        f"{summary.folder}: {summary.fetched} files fetched, {summary.kept} there already, {summary.unpacked} unpacked;"
        f" {summary.size / 1e6:,.1f} MB, every one checked"
    )
    if dataset.by_hand:
        terminal.say(f"by hand: {dataset.by_hand}")
    terminal.say(f"licence: {dataset.licence}; please cite {dataset.citation}")
    return 0


def _prepare(dataset: Dataset, options: Options) -> int:
    source = options.source or _folder(dataset, options)
    if not source.exists():
        raise BadConfiguration(
            f"{source} does not exist; download the data set with wearfm datasets download {dataset.name},"
            " or name its folder with --from"
        )
    words = [str(source), "--dataset", dataset.name, "-o", str(options.output)]
    return prepare.run([*words, "--json"] if options.json else words)


def _folder(dataset: Dataset, options: Options) -> Path:
    return options.folder or Path("data") / dataset.name


def _mirror(pair: str) -> tuple[str, str]:
    official, _, mirror = pair.partition("=")
    if not mirror:
        raise BadConfiguration(f"mirror {pair!r} is not of the form OFFICIAL=MIRROR; https://zenodo.org=http://host/copy, say")
    return official, mirror
