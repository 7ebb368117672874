"""Write the pages in docs/datasets/ from the cards and docstrings of the data sets: python docs/datasets/make.py."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from wearfm.datasets import DATASETS, Dataset
from wearfm.datasets.base import Address
from wearfm.evaluation.tasks import TASKS

FOLDER = Path(__file__).parent


def page(dataset: Dataset) -> str:
    """Return the page of a data set: its card, what its module says, the files that are read, where they come from."""
    first, _, body = inspect.cleandoc(sys.modules[dataset.recordings.__module__].__doc__ or "").partition("\n")
    sections = [
        f"# {dataset.name}",
        f"**{dataset.title}.** {first}",
        _card(dataset),
        body.strip(),
        f"## Files\n\nRead below the folder that is named:\n\n```text\n{dataset.layout}\n```",
        _download(dataset),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def pages() -> dict[str, str]:
    """Return file name -> text of every page."""
    return {f"{name}.md": page(dataset) for name, dataset in DATASETS.items()}


def _card(dataset: Dataset) -> str:
    tasks = [f"[`{name}`](../tasks/README.md#{name})" for name, task in TASKS.items() if task.dataset == dataset.name]
    rows = [
        ("signals", ", ".join(f"`{modality}`" for modality in dataset.modalities)),
        ("participants", f"{dataset.participants:,}"),
        ("size", dataset.size or "not stated"),
        ("licence", dataset.licence),
        ("cite", dataset.citation),
        ("home", f"<{dataset.homepage}>"),
        ("tasks", ", ".join(tasks) or "none"),
        ("needs", f"`pip install 'wearfm[{dataset.extra}]'`" if dataset.extra else "nothing beyond the core"),
        ("prepare", f"`wearfm prepare FOLDER --dataset {dataset.name} -o STORE`"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _download(dataset: Dataset) -> str:
    lines = [_address(address) for address in dataset.addresses]
    return "\n".join(["## Download", "", *lines, *([""] if lines and dataset.by_hand else []), dataset.by_hand]).strip()


def _address(address: Address) -> str:
    members = f", of it {', '.join(f'`{pattern}`' for pattern in address.only)}" if address.only else ""
    return f"- {address.kind}: <{address.url}>{members}"


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
