import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny import write_edf
from wearfm.errors import BadRecording
from wearfm.readers import base, read
from wearfm.readers.base import encoding, load, peek, stem


def test_gzip_is_unpacked_whatever_the_name(tmp_path: Path) -> None:
    path = write_edf(tmp_path)
    packed = tmp_path / "packed.bin"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    (plain,), (unpacked,) = read(path), read(packed)
    assert [c.samples.tolist() for c in plain.channels] == [c.samples.tolist() for c in unpacked.channels]


def test_a_cut_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    content = gzip.compress(np.random.default_rng(0).bytes(5000))
    path.write_bytes(content[:3000])
    with pytest.raises(BadRecording, match="compressed data are damaged") as caught:
        load(path)
    assert caught.value.offset == 3000


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MOST_BYTES", 1000)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(bytes(1001)))
    with pytest.raises(BadRecording, match="unpacks to more than 1000 bytes; unpack and split it by hand"):
        load(path)


def test_a_plain_file_is_mapped_and_an_empty_one_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert isinstance(load(path), np.memmap)
    path.write_bytes(b"")
    assert len(load(path)) == 0
    assert peek(path) == b""


@pytest.mark.parametrize(
    ("text", "expected"),
    [(b"abc", "utf-8"), (b"", "utf-8"), (b"\xc2\xb5V", "utf-8"), (b"\xb5V", "latin-1"), (b"a\xc2", "utf-8")],
)
def test_text_that_is_not_utf8_is_latin(text: bytes, expected: str) -> None:
    assert encoding(text) == expected


@pytest.mark.parametrize(("name", "expected"), [("night.edf", "night"), ("a.csv.gz", "a"), ("a.b.csv", "a.b"), ("100", "100")])
def test_the_stem_of_a_name(name: str, expected: str) -> None:
    assert stem(Path(name)) == expected
