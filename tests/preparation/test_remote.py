"""A tree at a URL gives the store that the same tree on a disk gives, and leaves nothing behind."""

from __future__ import annotations

import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tests.preparation.toy_files import read_file, write_file
from tests.readers.tiny import write_e4, write_e4_zip, write_edf, write_wfdb
from wearfm.cli import main
from wearfm.errors import BadConfiguration, MissingExtra
from wearfm.preparation import PreparationSummary, prepare, remote
from wearfm.store import Store

TABLE = "t,x\n" + "".join(f"{k / 4},{k}\n" for k in range(40))
MAPPING = 'time = { column = "t", unit = "s" }\n[channels.x]\nmodality = "ppg"\n'


@pytest.fixture(autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The temporary folder of this process, which must be empty in the end."""
    folder = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Headers with samples, a table with its mapping, folders that are one recording, an archive, and a licence."""
    for name in ("edf", "heart", "watch", "packed", "walks/p 07"):
        (tmp_path / "raw" / name).mkdir(parents=True)
    write_edf(tmp_path / "raw" / "edf")
    write_wfdb(tmp_path / "raw" / "heart")
    write_e4(tmp_path / "raw" / "watch")
    write_e4_zip(tmp_path / "raw" / "packed")
    (tmp_path / "raw" / "walks" / "p 07" / "walk.csv").write_text(TABLE)
    (tmp_path / "raw" / "walks" / "p 07" / "walk.csv.toml").write_text(MAPPING)
    (tmp_path / "raw" / "LICENSE").write_text("do as you like\n")
    (tmp_path / "raw" / ".hidden.csv").write_text(TABLE)
    return tmp_path / "raw"


@pytest.fixture
def local(raw: Path, tmp_path: Path) -> tuple[Any, str]:
    return said(prepare([raw], tmp_path / "local", workers=1)), Store.open(tmp_path / "local").fingerprint()


def said(summary: PreparationSummary) -> Any:
    return [(fate.source, fate.outcome, fate.companions, fate.tally) for fate in summary.sources]


def in_memory(raw: Path, name: str) -> str:
    """Put a tree into the memory file system; return its URL."""
    system = fsspec.filesystem("memory")
    for path in raw.rglob("*"):
        if path.is_file():
            system.pipe_file(f"/{name}/raw/{path.relative_to(raw).as_posix()}", path.read_bytes())
    return f"memory://{name}/raw"


def served(raw: Path) -> tuple[ThreadingHTTPServer, threading.Thread]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(raw.parent)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    return server, thread


def test_a_url_of_files(raw: Path, local: Any, tmp_path: Path) -> None:
    summary = prepare([raw.as_uri()], tmp_path / "store", workers=1)
    assert (said(summary), Store.open(tmp_path / "store").fingerprint()) == local
    prepared = [row for row in Store.open(tmp_path / "store").sources() if "prepared" in row.summary]
    assert prepared == [row for row in Store.open(tmp_path / "local").sources() if "prepared" in row.summary]
    assert prepare([raw], tmp_path / "store", workers=1).skipped == len(prepared)


def test_memory_and_an_archive(raw: Path, local: Any, tmp_path: Path) -> None:
    summary = prepare([in_memory(raw, "bucket")], tmp_path / "memory", workers=1)
    assert (said(summary), Store.open(tmp_path / "memory").fingerprint()) == local
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in sorted(raw.rglob("*")):
            archive.write(path, path.relative_to(tmp_path))
    summary = prepare([f"zip://raw::{(tmp_path / 'all.zip').as_uri()}"], tmp_path / "zip", workers=1)
    assert (said(summary), Store.open(tmp_path / "zip").fingerprint()) == local


def test_a_web_server(raw: Path, local: Any, tmp_path: Path) -> None:
    server, thread = served(raw)
    try:
        url = f"http://127.0.0.1:{server.server_port}/raw/"
        summary = prepare([url], tmp_path / "store", workers=1)
        one = prepare([f"{url}heart/7.hea"], tmp_path / "one", workers=1)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert (said(summary), Store.open(tmp_path / "store").fingerprint()) == local
    assert one.prepared == 1


@pytest.mark.slow
def test_workers_copy_for_themselves(raw: Path, local: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wearfm.preparation import work

    monkeypatch.setattr(work, "UNIT_BYTES", 1)
    summary = prepare([raw.as_uri()], tmp_path / "store", workers=2)
    assert (said(summary), Store.open(tmp_path / "store").fingerprint()) == local


def test_paths_and_urls_stand_side_by_side_and_each_source_once(raw: Path, tmp_path: Path) -> None:
    heart, edf = raw / "heart", in_memory(raw / "edf", "side")
    summary = prepare([heart, edf, edf], tmp_path / "store", workers=1)
    assert [fate.format for fate in summary.sources] == ["wfdb", "edf"]


def test_only_heads_are_fetched_to_recognise(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (raw / "film.mov").write_bytes(b"moov" + bytes(3_000_000))
    url, system = in_memory(raw, "heads"), fsspec.filesystem("memory")
    ranges: list[int] = []
    copied: list[str] = []
    cat_ranges, get_file = type(system).cat_ranges, type(system).get_file

    def watch_ranges(self: Any, paths: Any, starts: Any, ends: Any, **more: Any) -> Any:
        ranges.extend(end - start for start, end in zip(starts, ends, strict=True))
        return cat_ranges(self, paths, starts, ends, **more)

    def watch_copies(self: Any, key: str, *more: Any, **settings: Any) -> Any:
        copied.append(key)
        return get_file(self, key, *more, **settings)

    monkeypatch.setattr(type(system), "cat_ranges", watch_ranges)
    monkeypatch.setattr(type(system), "get_file", watch_copies)
    summary = prepare([url], tmp_path / "store", workers=1)
    assert max(ranges) == 65_536
    assert not any(key.endswith(("film.mov", "LICENSE")) for key in copied)
    reasons = {fate.source: fate.reason for fate in summary.sources}
    assert reasons["film.mov"] == "its first bytes are of none of the known formats; it was not copied"


def test_a_large_archive_is_judged_whole(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    session = write_e4_zip(tmp_path / "raw")
    with zipfile.ZipFile(session, "a") as archive:
        archive.writestr("notes.bin", bytes(range(256)) * 1000)
    assert session.stat().st_size > 65_536
    (fate,) = prepare([(tmp_path / "raw").as_uri()], tmp_path / "store", workers=1).sources
    assert (fate.outcome, fate.format) == ("prepared", "archive")


def test_a_copy_is_gone_after_a_failure(tmp_path: Path, scratch: Path) -> None:
    (tmp_path / "raw").mkdir()
    good = write_file(tmp_path / "raw" / "p1.toy", "day").read_text()
    (tmp_path / "raw" / "p1.toy").write_text(good + "\nbroken")

    def read(path: Path) -> Any:
        assert path.is_relative_to(scratch)
        assert [each.name for each in scratch.iterdir()] == [path.relative_to(scratch).parts[0]]
        return read_file(path)

    summary = prepare([(tmp_path / "raw").as_uri()], tmp_path / "store", workers=1, read=read)
    assert summary.reasons == {"a torn line": 1}
    assert summary.tally.recordings == 1


def test_a_file_that_vanishes_is_refused_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(3):
        write_file(tmp_path / "raw" / f"p{k}.toy", "day", seed=k)
    found = remote.find_all([(tmp_path / "raw").as_uri()], recognises=lambda path: "toy" * path.is_file())
    (tmp_path / "raw" / "p1.toy").unlink()
    monkeypatch.setattr(import_module("wearfm.preparation.prepare"), "find_all", lambda *_, **__: found)
    summary = prepare(["x"], tmp_path / "store", workers=1, read=read_file)
    assert [fate.outcome for fate in summary.sources] == ["prepared", "refused", "prepared"]
    assert "cannot be read" in summary.refused[0].reason


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("memory://nothing/here", "does not exist, or holds nothing"),
        ("carrier-pigeon://loft", "cannot be opened .*URL that fsspec knows"),
        ("zip://raw::file:///nowhere.zip", "cannot be opened"),
    ],
)
def test_a_url_that_leads_nowhere_is_one_line(url: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=says):
        prepare([url], tmp_path / "store", workers=1)


def test_names_that_are_none_on_a_disk_are_refused(tmp_path: Path) -> None:
    fsspec.filesystem("memory").pipe_file("/odd/raw/../x.csv", b"1")
    with pytest.raises(BadConfiguration, match="cannot be one of a file on a disk"):
        prepare(["memory://odd/raw"], tmp_path / "store", workers=1)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtra, match=r"'s3fs'; install it with: pip install 'wearfm\[cloud\]'"):
        prepare(["s3://bucket/raw"], tmp_path / "store", workers=1)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingExtra, match="'fsspec'"):
        prepare(["file:///x"], tmp_path / "store", workers=1)


def test_the_command_line_takes_urls(raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", in_memory(raw, "cli"), "-o", str(tmp_path / "store"), "--workers", "1"]) == 1
    assert "5 prepared" in capsys.readouterr().out


@pytest.mark.real
@pytest.mark.slow
def test_genuine_files_of_every_device(data_folder: Path, tmp_path: Path) -> None:
    raw = data_folder / "raw_devices"
    if not raw.is_dir():
        pytest.skip(f"{raw} is not there")
    here = prepare([raw], tmp_path / "here", workers=1)
    there = prepare([raw.as_uri()], tmp_path / "there", workers=1)
    assert said(there) == said(here)
    assert Store.open(tmp_path / "there").fingerprint() == Store.open(tmp_path / "here").fingerprint()
