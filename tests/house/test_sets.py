"""Files, dictionaries, documents and tests name the same things."""

import importlib.util
import re
from typing import Any

import pytest

from tests.house.rooms import ROOT, SOURCE

NOT_RECIPES = {"__init__", "base", "method", "methods", "relative", "weights"}
NOT_READERS = {"__init__", "base"}
NOT_DATASETS = {"__init__", "base"}


def _stems(folder: str, besides: set[str]) -> set[str]:
    return {path.stem for path in (SOURCE / folder).glob("*.py")} - besides


def _pages(folder: str) -> set[str]:
    return {path.stem for path in (ROOT / "docs" / folder).glob("*.md")} - {"README"}


@pytest.mark.slow
def test_recipes_are_files_names_pages_tests_and_parity_cases() -> None:
    from wearfm.recipes import RECIPES

    names = set(RECIPES)
    assert names == _stems("recipes", NOT_RECIPES) == _pages("recipes")
    assert {recipe.name for recipe in RECIPES.values()} == names
    for name in names:
        assert (ROOT / "tests" / "recipes" / f"test_{name}.py").exists(), name
        assert (ROOT / "tests" / "parity" / f"test_{name}.py").exists(), name


def test_every_recipe_page_names_an_example_that_exists() -> None:
    for name in _pages("recipes"):
        named = re.findall(r"\bexamples/(\w+\.py)\b", (ROOT / "docs" / "recipes" / f"{name}.md").read_text())
        assert named, f"{name}.md names no example"
        missing = [file for file in named if not (ROOT / "examples" / file).exists()]
        assert not missing, f"{name}.md names examples that are not there: {missing}"


def test_readers_are_files_names_pages_and_tests() -> None:
    from wearfm.readers import READERS

    assert set(READERS) == _pages("readers")
    for name in READERS:
        assert (ROOT / "tests" / "readers" / f"test_{name}.py").exists(), name


def test_datasets_are_files_names_and_pages() -> None:
    from wearfm.datasets import DATASETS

    assert set(DATASETS) == _stems("datasets", NOT_DATASETS) == _pages("datasets")


def test_the_pages_of_datasets_are_those_the_datasets_write() -> None:
    for name, text in _made_by("datasets").pages().items():
        assert text == (ROOT / "docs" / "datasets" / name).read_text(), f"{name}: run python docs/datasets/make.py"


def test_tasks_are_files_names_and_sections_of_their_page() -> None:
    from wearfm.evaluation.tasks import TASKS

    page = (ROOT / "docs" / "tasks" / "README.md").read_text()
    assert set(TASKS) == _stems("evaluation/tasks", {"__init__"})
    assert set(TASKS) == set(re.findall(r"^## `(\w+)`", page, flags=re.MULTILINE))


def _made_by(folder: str) -> Any:
    """Return the module that writes the pages of a folder of docs."""
    specification = importlib.util.spec_from_file_location(f"make_{folder}", ROOT / "docs" / folder / "make.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_page_of_tasks_is_the_one_the_tasks_write() -> None:
    assert _made_by("tasks").page() == (ROOT / "docs" / "tasks" / "README.md").read_text()


def test_the_pages_of_readers_are_those_the_readers_write() -> None:
    for name, text in _made_by("readers").pages().items():
        assert text == (ROOT / "docs" / "readers" / name).read_text(), f"{name}: run python docs/readers/make.py"


def test_the_table_of_formats_in_the_readme_is_the_one_the_readers_write() -> None:
    readme = (ROOT / "README.md").read_text()
    assert _made_by("readers").readme(readme) == readme, "run python docs/readers/make.py"
