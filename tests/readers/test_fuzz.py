"""Broken files: whatever bytes are flipped, cut, doubled or inserted, the result is a recording that obeys or a clean error."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.contracts.test_readers import obey
from tests.readers.tiny import WRITERS, Write
from wearfm.errors import BadRecording, UnknownFormat
from wearfm.readers import read

TRIES = int(os.environ.get("WEARFM_FUZZ", "200"))
Mutation = Callable[[bytes, np.random.Generator], bytes]


def flip_bits(content: bytes, generator: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(generator.integers(1, 8)):
        changed[generator.integers(len(changed))] ^= 1 << generator.integers(8)
    return bytes(changed)


def flip_early_bits(content: bytes, generator: np.random.Generator) -> bytes:
    return flip_bits(content[:1024], generator) + content[1024:]


def truncate(content: bytes, generator: np.random.Generator) -> bytes:
    return content[: generator.integers(len(content))]


def duplicate(content: bytes, generator: np.random.Generator) -> bytes:
    start, stop = sorted(generator.integers(len(content) + 1, size=2))
    return content[:stop] + content[start:stop] + content[stop:]


def insert(content: bytes, generator: np.random.Generator) -> bytes:
    place = generator.integers(len(content) + 1)
    return content[:place] + generator.bytes(generator.integers(1, 9)) + content[place:]


def change_digits(content: bytes, generator: np.random.Generator) -> bytes:
    digits = [place for place, byte in enumerate(content[:4096]) if 48 <= byte <= 57]
    changed = bytearray(content)
    for place in generator.choice(digits, size=min(len(digits), generator.integers(1, 5))) if digits else []:
        changed[place] = generator.choice(list(b"0123456789-.eE ~"))
    return bytes(changed)


def blow_up_numbers(content: bytes, generator: np.random.Generator) -> bytes:
    """Turn a run of digits and blanks into nines: counts, sizes and stamps that no file can hold."""
    changed = bytearray(content)
    place = int(generator.integers(min(len(changed), 4096)))
    while place < len(changed) and changed[place] not in b"0123456789":
        place += 1
    for _ in range(generator.integers(1, 12)):
        if place < len(changed) and changed[place] in b"0123456789 .":
            changed[place] = ord("9")
        place += 1
    return bytes(changed)


def swap_lines(content: bytes, generator: np.random.Generator) -> bytes:
    lines = content.split(b"\n")
    first, second = generator.integers(len(lines), size=2)
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits, flip_early_bits, truncate, duplicate, insert, change_digits, blow_up_numbers, swap_lines,
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_a_broken_file_gives_recordings_or_a_clean_error(name: str, tmp_path: Path) -> None:
    path = WRITERS[name][1](tmp_path)
    files = sorted(file for file in tmp_path.rglob("*") if file.is_file())
    parts = [file for file in files if file.suffix not in (".json", ".toml")] or files  # mappings are not the format's
    originals = {file: file.read_bytes() for file in parts}
    fates = {"read": 0, "refused": 0}
    for attempt in range(TRIES):
        generator = np.random.default_rng([zlib.crc32(name.encode()), attempt])
        victim = parts[generator.integers(len(parts))]
        mutate = MUTATIONS[attempt % len(MUTATIONS)]
        victim.write_bytes(mutate(originals[victim], generator))
        fates[_read(path, f"{name}, attempt {attempt}, {mutate.__name__} of {victim.name}")] += 1
        victim.write_bytes(originals[victim])
    assert fates["read"] > 0, "mutations should not all be fatal"
    assert fates["refused"] > 0, "mutations should not all be harmless"


def _read(path: Path, what: str) -> str:
    try:
        for recording in read(path):
            obey(recording)
    except (BadRecording, UnknownFormat):
        return "refused"
    except Exception as error:
        error.add_note(what)
        raise
    return "read"


@pytest.mark.parametrize("name", WRITERS)
def test_an_empty_file_is_refused(name: str, tmp_path: Path) -> None:
    write: Write = WRITERS[name][1]
    path = write(tmp_path)
    for file in [path] if path.is_file() else [below for below in path.rglob("*") if below.is_file()]:
        file.write_bytes(b"")
    with pytest.raises((BadRecording, UnknownFormat)):
        list(read(path))
