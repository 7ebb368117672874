"""Write the pages of readers, and the table in the README, from their cards and docstrings: python docs/readers/make.py."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from wearfm.readers import READERS, Reader

FOLDER = Path(__file__).parent
README = FOLDER.parents[1] / "README.md"
BEGIN, END = "<!-- readers: written by docs/readers/make.py -->", "<!-- /readers -->"


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


def compatibility() -> str:
    """Return the table of formats for the README."""
    lines = ["| files | written by | clock | needs |", "|---|---|---|---|"]
    for name, reader in READERS.items():
        names = ", ".join(f"`*{suffix}`" for suffix in reader.suffixes) or "folders"
        needs = f"`wearfm[{reader.extra}]`" if reader.extra else ""
        lines.append(f"| [{name}](docs/readers/{name}.md) {names} | {', '.join(reader.devices)} | {reader.clock} | {needs} |")
    return "\n".join(lines)


def readme(text: str) -> str:
    """Return the README with the table of today between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{compatibility()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(readme(README.read_text()))
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
