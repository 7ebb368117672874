"""A tiny folder of a Faros."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

META = {
    "start_time": "2018-10-12 16:54:12",
    "sample_freqs": {"ECG": 8.0, "ACC": 2.0, "Marker": 1.0, "HRV": 4.0},
    "units": {"ECG": "uV", "ACC": "mg", "HRV": "ms"},
}
MEMBERS = {
    "ECG": "ECG\n" + "".join(f"{100.0 * k}\n" for k in range(16)),
    "ACC": "X,Y,Z\n308.5,-645.0,-523.5\n0.5,1000.0,0.0\n1.5,2.0,3.0\n4.5,5.0,6.0\n",
    "HRV": "HRV\n0.0\n0.0\n0.0\n0.0\n750.0\n0.0\n9000.0\n0.0\n",
    "Marker": "Marker\n0.0\n1.0\n",
}


def folder_of(path: Path, members: dict[str, str] = MEMBERS, **meta: Any) -> Path:
    """A folder with these members; a meta of None leaves its key out."""
    path.mkdir()
    for name, text in members.items():
        (path / f"{name}.csv").write_text(text)
    (path / "meta.json").write_text(json.dumps({key: value for key, value in (META | meta).items() if value is not None}))
    return path


def write_faros(folder: Path) -> Path:
    """Two seconds."""
    return folder_of(folder / "S01")
