"""A tiny ARFF file and the mapping beside it."""

from __future__ import annotations

import json
from pathlib import Path

TEXT = """% made by hand
@RELATION night

@ATTRIBUTE O1 NUMERIC
@attribute 'left eye' numeric
@attribute state {open,closed}

@DATA
10,0.5,open
20,0.25,open
30,?,closed
40,0.125,closed
"""


def write_arff(folder: Path) -> Path:
    """Two channels and labels at 2 Hz."""
    path = folder / "night.arff"
    path.write_text(TEXT)
    channels = {"O1": {"modality": "eeg"}, "left eye": {"modality": "eog"}}
    mapping = {"participant": "P7", "rate_hz": 2, "channels": channels, "events": {"state": {"kind": "eyes"}}}
    path.with_name("night.arff.json").write_text(json.dumps(mapping))
    return path
