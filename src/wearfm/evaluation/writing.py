"""A report on the disk: one page for people, one file for machines."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wearfm.errors import CannotWrite


def write_report(folder: str | Path, *, figures: Mapping[str, Any], page: str, name: str = "report") -> Path:
    """Write <name>.html and <name>.json into a folder, each complete or not at all; return the page's path."""
    folder = Path(folder)
    text = json.dumps(figures, indent=1, sort_keys=True, allow_nan=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / f"{name}.json", text)
        _write(folder / f"{name}.html", page)
    except OSError as error:
        raise CannotWrite(
            f"{folder}: the report could not be written ({error.strerror}); free space or name another"
        ) from error
    return folder / f"{name}.html"


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".part")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
