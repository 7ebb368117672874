from pathlib import Path

import numpy as np
import pytest

from tests.datasets.tiny_motion import ibm, transport
from wearfm.errors import BadRecording
from wearfm.readers.xport import blocks, open_transport, texts

VALUES = [0.0, 1.0, -1.0, 100.0, 0.15625, -118.625, 3.25e9, 1e-5, None]


def _write(folder: Path, width: int = 8) -> Path:
    path = folder / "a.xpt"
    rows = [(value, f"t{number}", -float(number)) for number, value in enumerate(VALUES)]
    path.write_bytes(transport({"X": width, "NAME": -5, "Y": 8}, rows))
    return path


def test_numbers_of_ibm_s_floating_point_are_those_that_were_written(tmp_path: Path) -> None:
    assert ibm(-118.625) == bytes.fromhex("C276A00000000000")  # the example of the Principles of Operation
    opened = open_transport(_write(tmp_path))
    (block,) = blocks(opened, ["X", "Y"])
    assert block["X"][:-1] == pytest.approx(VALUES[:-1], rel=1e-15)
    assert np.isnan(block["X"][-1])
    assert block["Y"].tolist() == [-float(number) for number in range(len(VALUES))]
    assert texts(opened, "NAME") == [f"t{number}" for number in range(len(VALUES))]


def test_short_numbers_lose_digits_and_nothing_else(tmp_path: Path) -> None:
    (block,) = blocks(open_transport(_write(tmp_path, width=4)), ["X"])
    assert block["X"][:-1] == pytest.approx(VALUES[:-1], rel=2.0**-20)


def test_rows_agree_with_an_independent_reader(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = _write(tmp_path)
    other = pandas.read_sas(path, format="xport", encoding="latin-1")
    (block,) = blocks(open_transport(path), ["X", "Y"])
    assert len(other) == len(VALUES)
    assert block["X"] == pytest.approx(other["X"].to_numpy(), nan_ok=True, rel=1e-15)


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (0, b"SAS", "not a SAS transport file"),
        (3 * 80 + 74, b"01x0", "is no number of bytes or variables"),
        (7 * 80 + 54, b"9999", "are not described"),
        (8 * 80, b"\0\7", "a variable of kind 7"),
    ],
)
def test_a_header_that_is_wrong_is_refused(place: int, value: bytes, says: str, tmp_path: Path) -> None:
    path = _write(tmp_path)
    content = bytearray(path.read_bytes())
    content[place : place + len(value)] = value
    path.write_bytes(content)
    with pytest.raises(BadRecording, match=says):
        open_transport(path)


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    opened = open_transport(_write(tmp_path))
    with pytest.raises(BadRecording, match="no column of numbers NAME"):
        list(blocks(opened, ["X", "NAME"]))
    with pytest.raises(BadRecording, match="no column of text X"):
        texts(opened, "X")
