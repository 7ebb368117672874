from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wearfm.embeddings.table import EmbeddingTable, Header, concatenate
from wearfm.errors import BadConfiguration, CannotWrite, IncompatibleTable


def table(rows: int = 3, width: int = 2, *, weight_hash: str = "aa", first: int = 0) -> EmbeddingTable:
    return EmbeddingTable(
        participant=np.array([f"p{n}" for n in range(first, first + rows)]),
        recording=np.array(["night"] * rows),
        start_ns=np.arange(rows, dtype=np.int64) * 10**18,
        duration_s=np.full(rows, 6.0),
        vector=np.arange(rows * width, dtype=np.float32).reshape(rows, width),
        header=Header(recipe="toy", config={"width": width}, weight_hash=weight_hash, skipped={"too short": 1.5}),
    )


def test_a_table_comes_back_as_it_was(tmp_path: Path) -> None:
    written = table()
    written.write(tmp_path / "t.parquet")
    read = EmbeddingTable.read(tmp_path / "t.parquet")
    for column in ("participant", "recording", "start_ns", "duration_s", "vector"):
        np.testing.assert_array_equal(getattr(read, column), getattr(written, column))
    assert read.header == written.header
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def test_vectors_must_be_finite_float32() -> None:
    with pytest.raises(BadConfiguration, match="1 vectors are not finite, the first in row 1"):
        replace(table(), vector=np.array([[0, 0], [np.nan, 0], [0, 0]], dtype=np.float32))
    with pytest.raises(BadConfiguration, match=r"float64\(3, 2\)"):
        replace(table(), vector=np.zeros((3, 2)))
    with pytest.raises(BadConfiguration, match="columns of one length"):
        replace(table(), start_ns=np.zeros(2, dtype=np.int64))


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"nothing of the kind")
    with pytest.raises(BadConfiguration, match="is not an embedding table"):
        EmbeddingTable.read(tmp_path / "x.parquet")
    with pytest.raises(BadConfiguration, match="is not an embedding table"):
        EmbeddingTable.read(tmp_path / "nowhere.parquet")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CannotWrite, match=r"t\.parquet: \d+ bytes could not be written"):
        table().write(tmp_path / "file" / "t.parquet")


def test_tables_of_the_same_weights_can_be_joined() -> None:
    joined = concatenate([table(2), table(3, first=2)])
    assert joined.participant.tolist() == ["p0", "p1", "p2", "p3", "p4"]
    assert joined.header.skipped == {"too short": 3.0}


@pytest.mark.parametrize("other", [table(weight_hash="bb"), table(width=3)])
def test_tables_of_different_weights_are_not_mixed(other: EmbeddingTable) -> None:
    with pytest.raises(IncompatibleTable, match=r"toy aa \(2 wide\) and toy"):
        concatenate([table(), other])
