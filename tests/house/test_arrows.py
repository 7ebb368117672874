"""Imports go one way, and the wings know only what they must."""

import subprocess
import sys

import pytest

from tests.house.rooms import MAY_IMPORT, SOURCE, Import, files, imports


def _wearfm_imports() -> list[Import]:
    return [i for path in files() for i in imports(path) if i.module.split(".")[0] == "wearfm"]


def test_every_room_has_a_place_in_the_plan() -> None:
    rooms = {p.name.removesuffix(".py") for p in SOURCE.iterdir() if p.name not in {"__pycache__", "py.typed"}}
    assert rooms == set(MAY_IMPORT)


def test_imports_follow_the_arrows() -> None:
    wrong = []
    for found in _wearfm_imports():
        target = found.module.split(".")[1] if "." in found.module else "__init__"
        if target != found.room and target not in MAY_IMPORT[found.room]:
            wrong.append(f"{found.path}:{found.line}: {found.room} must not import {target}")
    assert wrong == []


def test_no_two_rooms_import_each_other() -> None:
    for room, targets in MAY_IMPORT.items():
        for target in targets:
            assert room not in MAY_IMPORT[target], f"{room} and {target}"


@pytest.mark.parametrize("room", ["signals", "readers", "datasets", "synthetic", "store", "preparation", "evaluation"])
def test_rooms_without_models_do_not_name_torch(room: str) -> None:
    named = [i for path in files() for i in imports(path) if i.room == room and i.module.split(".")[0] == "torch"]
    assert [f"{i.path}:{i.line}" for i in named] == []


def test_torch_enters_the_data_wing_in_two_files_only() -> None:
    named = {
        i.path.name for path in files() for i in imports(path) if i.room == "windows" and i.module.split(".")[0] == "torch"
    }
    assert named == {"batch.py", "load.py"}


@pytest.mark.slow
def test_evaluation_works_without_loading_torch() -> None:
    code = "import wearfm.evaluation, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_model_wing_knows_no_file_and_no_participant() -> None:
    banned = {"pathlib", "os", "pyarrow", "sqlite3"}
    named = [i for path in files() for i in imports(path) if i.room in {"nn", "augment", "objectives"}]
    assert [f"{i.path}:{i.line}" for i in named if i.module.split(".")[0] in banned] == []
