"""The names that users import are there, sorted, and cost nothing until they are used."""

import subprocess
import sys

import pytest

import wearfm
from wearfm.errors import BadConfiguration


def test_public_names_are_sorted_and_resolve() -> None:
    assert wearfm.__all__ == sorted(wearfm.__all__, key=lambda name: (name[0].islower(), name))
    assert dir(wearfm) == wearfm.__all__
    for name in wearfm.__all__:
        assert getattr(wearfm, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'predict'"):
        _ = wearfm.predict


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import wearfm, sys; sys.exit(len({'numpy', 'torch', 'pyarrow', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_can_be_named_or_loaded() -> None:
    assert wearfm.load("normwear").name == "normwear"
    with pytest.raises(BadConfiguration, match="neither a checkpoint nor a run"):
        wearfm.load("nowhere")
