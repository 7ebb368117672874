"""The cases of all recipes: one file each in `cases/`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.contracts.case import Case
from tests.toy import Toy

FOLDER = Path(__file__).with_name("cases")

CASES: dict[str, Case] = {
    "toy": Case(recipe=Toy, channels={"ppg": 2}, alternatives={"modalities": ("acc",)}),
    **{path.stem: import_module(f"tests.contracts.cases.{path.stem}").CASE for path in sorted(FOLDER.glob("*.py"))},
}
