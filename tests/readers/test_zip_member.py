from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.readers.tiny_gt3x import packed
from wearfm.errors import BadRecording
from wearfm.readers import zip_member
from wearfm.readers.zip_member import member, names

TEXT = b"twelve bytes" * 1000


@pytest.mark.parametrize("deflated", [False, True])
def test_a_member_is_mapped_and_intact(tmp_path: Path, deflated: bool) -> None:
    found = member(packed(tmp_path / "a.zip", {"x": b"1", "log": TEXT}, deflated=deflated), "log")
    assert bytes(found.data) == TEXT
    assert found.is_intact


def test_an_empty_member_is_empty(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"log": b""}, deflated=True)
    assert len(member(path, "log").data) == 0


def test_a_damaged_stored_member_is_read_and_says_so(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"log": TEXT})
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    found = member(path, "log")
    assert len(found.data) == len(TEXT)
    assert not found.is_intact


def test_a_damaged_deflated_member_ends_early_and_says_so(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(100_000)
    path = packed(tmp_path / "a.zip", {"log": noise}, deflated=True)
    content = bytearray(path.read_bytes())
    content[50_000:50_010] = b"\xff" * 10
    path.write_bytes(content)
    assert not member(path, "log").is_intact


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_member, "MOST_BYTES", 1000)
    path = packed(tmp_path / "a.zip", {"log": TEXT}, deflated=True)
    with pytest.raises(BadRecording, match="log unpacks to more than 1000 bytes; unpack and split it by hand"):
        member(path, "log")


def test_what_is_no_zip_has_no_members(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK\x03\x04 and no list")
    assert names(path) == []
    with pytest.raises(BadRecording, match="damaged zip: File is not a zip file"):
        member(path, "log")


def test_another_packing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("log", TEXT)
    with pytest.raises(BadRecording, match="log is encrypted, or packed in way 12"):
        member(path, "log")
