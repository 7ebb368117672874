"""A full, failing or read-only disk: a clear error, the store as before, and a rerun that succeeds."""

from __future__ import annotations

import errno
import os
import sqlite3

import pytest

from tests.recordings import channel, ramp, recording
from wearfm.errors import CannotWrite
from wearfm.store import Store, disk, schema

A = recording("anna", "night", channel(ramp(3.0)))
B = recording("bert", "night", channel(ramp(3.0, first=4)), channel([0.5], name="TEMP", modality="temp"))


def fail_at(monkeypatch: pytest.MonkeyPatch, number: int, code: int) -> None:
    """Let the n-th write, counted from 1, fail as the system does."""
    count = iter(range(1, 10**6))

    def write(descriptor: int, data: memoryview) -> int:
        if next(count) == number:
            raise OSError(code, os.strerror(code))
        return os.write(descriptor, data)

    monkeypatch.setattr(disk, "write", write)


def count_writes(monkeypatch: pytest.MonkeyPatch, store: Store) -> int:
    calls = []
    with monkeypatch.context() as patch:
        patch.setattr(disk, "write", lambda descriptor, data: calls.append(len(data)) or os.write(descriptor, data))
        store.commit([B])
    return len(calls)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_any_failing_write_leaves_the_store_as_it_was(tmp_path, monkeypatch, code):
    expected = Store.create(tmp_path / "expected")
    expected.commit([A])
    writes = count_writes(monkeypatch, expected)
    assert writes > 10
    store = Store.create(tmp_path / "store")
    store.commit([A])
    before, files = store.fingerprint(), sorted((tmp_path / "store" / "shards").iterdir())
    for number in range(1, writes + 1):
        with monkeypatch.context() as patch:
            fail_at(patch, number, code)
            with pytest.raises(CannotWrite, match=rf"shards.*: \d+ bytes not written: {os.strerror(code)}; make room"):
                store.commit([B])
        assert store.fingerprint() == before
        assert sorted((tmp_path / "store" / "shards").iterdir()) == files
    store.commit([B])
    assert store.fingerprint() == expected.fingerprint()
    assert store.verify() == []


def test_a_short_write_is_carried_on(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "write", lambda descriptor, data: os.write(descriptor, data[:7]))
    store = Store.create(tmp_path)
    store.commit([A])
    assert store.verify() == []


@pytest.mark.parametrize("step", ["fsync", "replace", "open"])
def test_a_failing_fsync_rename_or_open_leaves_the_store_as_it_was(tmp_path, monkeypatch, step):
    store = Store.create(tmp_path)
    before = store.fingerprint()

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(CannotWrite, match="Read-only file system"):
            store.commit([A])
    assert store.fingerprint() == before
    assert store.commit([A])
    assert store.sweep() == []


def test_a_full_catalogue_leaves_the_store_as_it_was(tmp_path, monkeypatch):
    store = Store.create(tmp_path)
    before = store.fingerprint()
    connect = sqlite3.connect

    def connect_to_full_disk(*arguments: object, **named: object) -> sqlite3.Connection:
        database = connect(*arguments, **named)
        database.execute("PRAGMA max_page_count = 1")
        return database

    with monkeypatch.context() as patch:
        patch.setattr(schema.sqlite3, "connect", connect_to_full_disk)
        many = [recording("anna", f"night {k}", channel(ramp(3.0))) for k in range(60)]
        with pytest.raises(CannotWrite, match=r"catalogue\.sqlite: \d+ bytes not updated: database or disk is full"):
            store.commit(many)
    assert store.fingerprint() == before
    assert store.verify() == []
    assert len(store.sweep()) == 1
    assert store.commit(many)


def test_a_store_in_a_folder_that_cannot_be_written_can_be_read(tmp_path, monkeypatch):
    Store.create(tmp_path).commit([A])
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert len(Store.open(tmp_path).recordings()) == 1
