"""Write the pages in docs/readers/ from the cards and docstrings of the readers: python docs/readers/make.py."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from wearfm.readers import READERS, Reader

FOLDER = Path(__file__).parent


def page(reader: Reader) -> str:
    """Return the page of a reader: its card, then what its module says."""
    title, _, body = inspect.cleandoc(sys.modules[reader.read.__module__].__doc__ or "").partition("\n")
    needs = f"`pip install 'wearfm[{reader.extra}]'`" if reader.extra else "nothing beyond the core"
    rows = [
        ("written by", ", ".join(reader.devices)),
        ("usual names", ", ".join(f"`*{suffix}`" for suffix in reader.suffixes)),
        ("clock", reader.clock),
        ("needs", needs),
    ]
    card = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])
    return f"# {reader.name}\n\n{title}\n\n{card}\n\n{body.strip()}\n"


def pages() -> dict[str, str]:
    """Return file name -> text of every page."""
    return {f"{name}.md": page(reader) for name, reader in READERS.items()}


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
