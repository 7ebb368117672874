"""Archives become the files they hold, bounded and inside their folder, or are refused."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.datasets.publisher import published
from tests.datasets.test_download import card, files, ledger
from wearfm.datasets.base import Address
from wearfm.datasets.download import download
from wearfm.datasets.download import unpack as unpacking
from wearfm.datasets.download.unpack import unpack
from wearfm.errors import CannotDownload

HELD = {"S1/acc.csv": b"1,2,3\n" * 1000, "S1/empty": b"", "readme.txt": b"hello"}


def zipped(held: Mapping[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in held.items():
            file.writestr(name, content)
    return sink.getvalue()


def tarred(held: Mapping[str, bytes], *links: tuple[str, str, bytes], mode: str = "w:gz") -> bytes:
    """Pack files, and links (name, aim, type)."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode=mode) as file:  # type: ignore[call-overload]
        for name, content in held.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
        for name, aim, kind in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, aim
            file.addfile(info)
    return sink.getvalue()


@pytest.mark.parametrize("name", ["set.zip", "set.tar.gz", "set.tgz", "set.tar"])
def test_an_archive_is_unpacked_where_it_lies(tmp_path: Path, name: str) -> None:
    (tmp_path / "raw").mkdir()
    archive = tmp_path / "raw" / name
    archive.write_bytes(zipped(HELD) if name.endswith("zip") else tarred(HELD, mode="w" if name.endswith("tar") else "w:gz"))
    assert unpack(archive) == {path: len(content) for path, content in HELD.items()}
    archive.unlink()
    assert files(tmp_path / "raw") == HELD


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "a/../../out.txt", "a\\out.txt", "wearfm-download.json"])
def test_a_member_that_would_leave_the_folder_is_refused(tmp_path: Path, pack, name: str) -> None:
    (tmp_path / "in").mkdir()
    archive = tmp_path / "in" / ("x.zip" if pack is zipped else "x.tar.gz")
    archive.write_bytes(pack({"good.txt": b"1", name: b"2"}))
    with pytest.raises(CannotDownload, match="would not be a file of its own in the folder"):
        unpack(archive)
    assert set(files(tmp_path)) == {f"in/{archive.name}", "in/good.txt"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_inside_becomes_a_copy_and_one_outside_is_refused(tmp_path: Path, kind: bytes) -> None:
    aim = "acc.csv" if kind == tarfile.SYMTYPE else "S1/acc.csv"
    (tmp_path / "x.tar.gz").write_bytes(tarred(HELD, ("S1/same.csv", aim, kind)))
    unpack(tmp_path / "x.tar.gz")
    assert (tmp_path / "S1" / "same.csv").read_bytes() == HELD["S1/acc.csv"]
    assert not (tmp_path / "S1" / "same.csv").is_symlink()
    for outside in ("../../secret", "/etc/passwd"):
        (tmp_path / "y.tar.gz").write_bytes(tarred({}, ("S1/out", outside, kind)))
        with pytest.raises(CannotDownload, match=r"the link .* leads out of it"):
            unpack(tmp_path / "y.tar.gz")
    assert not (tmp_path / "S1" / "out").exists()


def test_links_in_a_zip_are_treated_alike(tmp_path: Path) -> None:
    def with_link(aim: str) -> bytes:
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w") as file:
            file.writestr("S1/acc.csv", b"1")
            link = zipfile.ZipInfo("S1/same.csv")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            file.writestr(link, aim)
        return sink.getvalue()

    (tmp_path / "x.zip").write_bytes(with_link("acc.csv"))
    unpack(tmp_path / "x.zip")
    assert (tmp_path / "S1" / "same.csv").read_bytes() == b"1"
    (tmp_path / "x.zip").write_bytes(with_link("../../../etc/passwd"))
    with pytest.raises(CannotDownload, match="leads out of it"):
        unpack(tmp_path / "x.zip")


def test_a_device_in_an_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(tarred({}, ("fifo", "", tarfile.FIFOTYPE)))
    with pytest.raises(CannotDownload, match="neither a file nor a folder"):
        unpack(tmp_path / "x.tar.gz")


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_bomb_is_refused(tmp_path: Path, pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_ALWAYS_BYTES", 10_000)
    archive = tmp_path / ("x.zip" if pack is zipped else "x.tar.gz")
    archive.write_bytes(pack({"zeros": bytes(2_000_000)}))
    with pytest.raises(CannotDownload, match=r"1 files of 2,000,000 bytes, more than an archive of this size should hold"):
        unpack(archive)
    assert not (tmp_path / "zeros").exists()


def test_more_members_than_an_archive_should_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_MEMBERS", 2)
    (tmp_path / "x.zip").write_bytes(zipped(HELD))
    with pytest.raises(CannotDownload, match="3 files"):
        unpack(tmp_path / "x.zip")


def test_an_archive_around_an_archive_is_unpacked_and_one_deeper_down_is_not(tmp_path: Path) -> None:
    inner = zipped({"S2/S2_E4_Data.zip": zipped({"ACC.csv": b"1"}), "S2/quest.csv": b"q"})
    (tmp_path / "outer.zip").write_bytes(zipped({"data.zip": inner, "__MACOSX/._data.zip": b"mac"}))
    made = unpack(tmp_path / "outer.zip")
    assert set(made) == {"data.zip", "S2/S2_E4_Data.zip", "S2/quest.csv"}
    assert set(files(tmp_path)) == {"outer.zip", *made}


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_unpacking_again_finishes_and_leaves_what_is_right(tmp_path: Path, pack) -> None:
    archive = tmp_path / ("x.zip" if pack is zipped else "x.tar.gz")
    archive.write_bytes(pack(HELD))
    unpack(archive)
    (tmp_path / "S1" / "empty").unlink()
    (tmp_path / "readme.txt").write_bytes(b"hallo")
    before = (tmp_path / "S1" / "acc.csv").stat().st_mtime_ns
    unpack(archive)
    assert {path: (tmp_path / path).read_bytes() for path in HELD} == HELD
    assert (tmp_path / "S1" / "acc.csv").stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz"])
@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", zipped(HELD)[:200], tarred(HELD)[:80]],
    ids=["nothing", "text", "half a zip", "half a tar"],
)
def test_a_torn_archive_is_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CannotDownload, match=r"cannot be unpacked .*unpack it by hand, or remove it and run again"):
        unpack(tmp_path / name)


def test_a_flipped_bit_in_a_zip_leaves_no_bad_file(tmp_path: Path) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as file:
        file.writestr("a.bin", b"abcdefgh" * 100)
    content = bytearray(sink.getvalue())
    content[200] ^= 1
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(CannotDownload, match="Bad CRC"):
        unpack(tmp_path / "x.zip")
    assert set(files(tmp_path)) == {"x.zip"}


def test_a_download_unpacks_once_and_the_archive_may_go(tmp_path: Path) -> None:
    with published() as publisher:
        publisher.zenodo(7, {"set.zip": zipped(HELD)})
        address = Address(kind="zenodo", url="https://zenodo.org/records/7", path="raw")
        first = download(card(address), tmp_path, mirrors=publisher.mirrors)
        assert (first.fetched, first.unpacked) == (1, 3)
        assert set(files(tmp_path)) == {"raw/set.zip", *(f"raw/{path}" for path in HELD)}
        assert ledger(tmp_path)["raw/set.zip"]["unpacked"] == {path: len(content) for path, content in HELD.items()}
        (tmp_path / "raw" / "set.zip").unlink()
        assert download(card(address), tmp_path, mirrors=publisher.mirrors).kept == 1
        assert not (tmp_path / "raw" / "set.zip").exists()
        (tmp_path / "raw" / "readme.txt").unlink()
        assert download(card(address), tmp_path, mirrors=publisher.mirrors).fetched == 1
        assert (tmp_path / "raw" / "readme.txt").read_bytes() == b"hello"
        as_it_is = Address(kind="zenodo", url="https://zenodo.org/records/7", path="packed", unpack=False)
        assert download(card(as_it_is), tmp_path, mirrors=publisher.mirrors).unpacked == 0
        assert set(files(tmp_path / "packed")) == {"set.zip"}
