"""The bounded parser of MATLAB files: what it gives is what SciPy gives, and no damage costs more than a clear line."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from tests.readers.test_fuzz import MUTATIONS
from wearfm.errors import BadRecording
from wearfm.readers import matlab, matlab_4, matlab_5
from wearfm.readers.mapping import Mapping
from wearfm.readers.mat import read as read_mat
from wearfm.readers.matlab import load_matlab, matlab_values
from wearfm.readers.matlab_values import Array, Struct, Unread

TRIES = int(os.environ.get("WEARFM_FUZZ", "200"))
INTEGERS = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
PATH = Path("a.mat")


def everything() -> dict[str, Any]:
    """One variable of every kind that SciPy writes and we read."""
    generator = np.random.default_rng(1)
    found: dict[str, Any] = {f"n_{kind}": np.array([[np.iinfo(kind).min, 0, np.iinfo(kind).max]], kind) for kind in INTEGERS}
    found |= {f"n_{kind}": generator.normal(size=(2, 3, 4)).astype(kind) for kind in ("f4", "f8")}
    found |= {
        "scalar": 3.5,
        "nothing": np.zeros((0, 0)),
        "no_rows": np.zeros((0, 3), dtype=np.int16),
        "truth": np.array([[True, False], [False, True]]),
        "word": "walking",
        "foreign": "Grüße, 手首",
        "no_word": "",
        "words": np.array(["rest", "walk ", "run"]),
        "cell": np.array([["a", 1.0], [np.arange(3), np.array([["deep", {"x": 2}]], dtype=object)]], dtype=object),
        "struct": {"a": {"b": {"c": np.arange(6, dtype=np.uint8).reshape(2, 3)}}, "name": "S01", "none": np.zeros((0, 0))},
        "structs": np.array([[(1.0, "x"), (2.0, "y")], [(3.0, "z"), (4.0, "w")]], dtype=[("v", object), ("w", object)]),
        "sparse": scipy.sparse.csc_array(np.array([[0.0, 1.5, 0.0], [2.5, 0.0, -3.0]])),
        "sparse_truth": scipy.sparse.csc_array(np.array([[False, True], [False, False]])),
    }
    return found


def same(ours: Any, scipys: Any) -> bool:
    """Return whether a value is bit for bit, type for type, what SciPy gives with the types of MATLAB's classes."""
    if scipy.sparse.issparse(scipys):
        return ours.dtype in (np.float64, np.bool_) and same(ours, scipys.toarray().astype(ours.dtype))  # SciPy: as stored
    if isinstance(ours, str):
        return bool(scipys.shape in ((0,), (1,)) and ours == "".join(scipys))
    if isinstance(ours, dict):
        one = scipys.item() if isinstance(scipys, np.ndarray) else scipys
        return list(ours) == one._fieldnames and all(same(ours[field], getattr(one, field)) for field in ours)
    if ours.dtype == object:
        return bool(ours.shape == scipys.shape and all(map(same, ours.flat, scipys.flat)))
    native = scipys.astype(scipys.dtype.newbyteorder("="))
    return bool(ours.dtype == native.dtype and ours.shape == native.shape and np.array(ours).tobytes() == native.tobytes())


def assert_as_scipy_reads(path: Path, *, content: bytes | None = None) -> int:
    """Compare every variable of a file, as its class says and as it is stored; return how many there are."""
    raw = path.read_bytes() if content is None else content
    ours = load_matlab(path, content=content)
    file = path.parent / "copy.mat" if content is not None else path
    if content is not None:
        file.write_bytes(raw)
    is_4 = 0 in raw[:4]  # a file of version 4 has no classes: numbers are what is stored
    theirs = scipy.io.loadmat(file, mat_dtype=not is_4, struct_as_record=False, spmatrix=False)
    names = [name for name in theirs if not name.startswith("__")]
    assert sorted(ours) == sorted(names)
    assert [name for name in names if not same(ours[name], theirs[name])] == []
    stored = scipy.io.loadmat(file, struct_as_record=False, spmatrix=False)
    for name, value in matlab_values(path, np.frombuffer(raw, dtype=np.uint8)).items():
        if isinstance(value, Array) and not scipy.sparse.issparse(stored[name]):
            assert same(np.require(value.raw(), value.stored), stored[name]), name
            assert (value.raw().shape, value.stored.kind) == (value.shape, value.raw().dtype.kind)
    return len(names)


@pytest.mark.parametrize("is_packed", [False, True])
def test_every_kind_of_variable_is_what_scipy_reads(tmp_path: Path, is_packed: bool) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, everything(), do_compression=is_packed)
    assert assert_as_scipy_reads(path) == len(everything())


def test_version_4_is_what_scipy_reads(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    kinds = {f"n_{kind}": np.arange(6).reshape(2, 3).astype(kind) for kind in ("f8", "f4", "i4", "i2", "u2", "u1")}
    sparse = scipy.sparse.csc_array(np.array([[0.0, 1.5, 0.0], [2.5, 0.0, -3.0]]))
    words = np.array(["rest", "walk"])
    scipy.io.savemat(path, {**kinds, "word": "walking", "words": words, "sparse": sparse, "last": 2.0}, format="4")
    assert assert_as_scipy_reads(path) == 10


def element(kind: int, content: bytes, *, order: str = "<") -> bytes:
    return struct.pack(order + "II", kind, len(content)) + content + bytes(-len(content) % 8)


def small(kind: int, content: bytes, *, order: str = "<") -> bytes:
    """An element of at most four bytes, all in its tag."""
    return struct.pack(order + "I", len(content) << 16 | kind) + content.ljust(4, b"\0")


def matrix(name: str, kind: int, shape: tuple[int, ...], *values: bytes, order: str = "<", flags: int = 0) -> bytes:
    sides = element(5, struct.pack(f"{order}{len(shape)}i", *shape), order=order)
    label = small(1, name.encode(), order=order) if 0 < len(name) <= 4 else element(1, name.encode(), order=order)
    head = element(6, struct.pack(order + "II", kind | flags, 0), order=order) + sides + label
    return element(14, head + b"".join(values), order=order)


def file_of(*variables: bytes, order: str = "<") -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(order + "HH", 0x0100, 0x4D49) + b"".join(variables)


def packed(variable: bytes) -> bytes:
    content = zlib.compress(variable)
    return struct.pack("<II", 15, len(content)) + content


def load(content: bytes) -> dict[str, Any]:
    return load_matlab(PATH, content=content)


@contextmanager
def memory_within(most_bytes: int) -> Iterator[None]:
    """Assert that what runs inside never holds more memory than that."""
    tracemalloc.start()
    try:
        yield
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < most_bytes


def test_whole_doubles_that_are_stored_as_integers_are_doubles_again(tmp_path: Path) -> None:
    variables = (
        matrix("d", 6, (1, 3), element(3, struct.pack("<3h", -1, 2, 300))),
        matrix("s", 7, (2, 1), small(2, b"\x01\xff")),
        matrix("i", 10, (1, 2), small(2, b"\x05\xff")),
        matrix("b", 9, (1, 2), small(2, b"\x01\x00"), flags=0x200),
    )
    content = file_of(*variables[:2], *map(packed, variables[2:]))
    found = load(content)
    assert {name: (value.dtype, value.tolist()) for name, value in found.items()} == {
        "d": (np.float64, [[-1.0, 2.0, 300.0]]),
        "s": (np.float32, [[1.0], [255.0]]),
        "i": (np.int16, [[5, 255]]),
        "b": (np.bool_, [[True, False]]),
    }
    (tmp_path / "a").mkdir()
    assert assert_as_scipy_reads(tmp_path / "a" / "b.mat", content=content) == 4


def test_the_reader_keeps_the_integers_in_which_doubles_are_stored(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    path.write_bytes(file_of(matrix("ecg", 6, (1, 3), element(3, struct.pack("<3h", -1, 2, 300)))))
    (recording,) = read_mat(path, mapping=Mapping.from_dict({"channels": {"ecg": {"modality": "ecg"}}, "rate_hz": 1}))
    assert (recording.channels[0].samples.dtype, recording.channels[0].samples.tolist()) == (np.int16, [-1, 2, 300])


def test_the_other_order_of_bytes(tmp_path: Path) -> None:
    inside = matrix("", 6, (1, 2), element(9, struct.pack(">2d", 0.5, -2.0), order=">"), order=">")
    fields = small(5, struct.pack(">i", 2), order=">") + small(1, b"x\0", order=">")
    variables = (
        matrix("n", 12, (2, 2), element(5, struct.pack(">4i", 1, 2, 3, 4), order=">"), order=">"),
        matrix("word", 4, (1, 3), element(4, struct.pack(">3H", *b"abc"), order=">"), order=">"),
        matrix("some", 2, (1, 1), fields, inside, order=">"),
    )
    content = file_of(*variables, order=">")
    found = load(content)
    assert (found["n"].tolist(), found["word"], found["some"]["x"].tolist()) == ([[1, 3], [2, 4]], "abc", [[0.5, -2.0]])
    assert assert_as_scipy_reads(tmp_path / "b.mat", content=content) == 3


def test_the_other_order_of_bytes_in_version_4(tmp_path: Path) -> None:
    numbers = struct.pack(">5i", 1030, 2, 2, 0, 4) + b"val\0" + struct.pack(">4h", 1, -2, 3, 400)
    text = struct.pack(">5i", 1001, 1, 2, 0, 2) + b"w\0" + struct.pack(">2d", ord("o"), ord("k"))
    found = load(numbers + text)
    assert (found["val"].dtype, found["val"].tolist(), found["w"]) == (np.int16, [[1, 3], [-2, 400]], "ok")
    assert assert_as_scipy_reads(tmp_path / "b.mat", content=numbers + text) == 2


def test_letters_beyond_16_bits_are_counted_as_matlab_counts_them() -> None:
    """MATLAB counts the two halves of a heart as two letters; other programs as one."""
    heart = "\N{GREEN HEART}!"
    halves = matrix("a", 4, (1, 3), element(17, heart.encode("utf-16-le")))
    in_bytes = matrix("b", 4, (1, 3), element(16, heart.encode()))
    whole = matrix("c", 4, (1, 2), element(16, heart.encode()))
    assert load(file_of(halves, in_bytes, whole)) == {"a": heart, "b": heart, "c": heart}
    with pytest.raises(BadRecording, match="3 letters where 5 should be"):
        load(file_of(matrix("b", 4, (1, 5), element(16, heart.encode()))))


def test_what_is_not_read_is_named_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    one = matrix("", 6, (1, 1), element(9, struct.pack("<d", 1.0)))
    variables = (
        matrix("z", 6, (1, 1), element(9, bytes(8)), element(9, bytes(8)), flags=0x800),
        matrix("o", 3, (1, 1), element(1, b"inline")),
        matrix("f", 16, (1, 1), one),
        matrix("t", 5, (2**20, 2**10), element(5, bytes(4)), element(5, bytes(4 * 2**10 + 4)), element(9, bytes(8))),
        matrix("c", 1, (1, 1), one),
        matrix("ok", 6, (1, 2), element(9, struct.pack("<2d", 1.0, 2.0))),
    )
    path.write_bytes(file_of(*variables))
    found = load_matlab(path)
    reasons = {name: value.reason.split(";")[0] for name, value in found.items() if isinstance(value, Unread)}
    assert reasons == {
        "z": "is complex",
        "o": "is an object of MATLAB, which only MATLAB can open",
        "f": "is a function of MATLAB, which only MATLAB can open",
        "t": "is sparse, and too large with its zeros written out",
    }
    assert found["c"][0, 0].tolist() == [[1.0]]
    for name, reason in {**reasons, "c": "is a cell"}.items():
        mapping = Mapping.from_dict({"channels": {name: {"modality": "ecg"}}, "rate_hz": 1})
        with pytest.raises(BadRecording, match=f"variable '{name}' {reason}"):
            list(read_mat(path, mapping=mapping))
    mapping = Mapping.from_dict({"channels": {"ok": {"modality": "ecg"}}, "rate_hz": 1})
    assert next(read_mat(path, mapping=mapping)).channels[0].samples.tolist() == [1.0, 2.0]


DOUBLE = element(9, struct.pack("<d", 1.0))
NAMES = small(5, struct.pack("<i", 2)) + small(1, b"x\0")
MANY = (2**20, 2**10)


def integers(*values: int) -> bytes:
    return element(5, struct.pack(f"<{len(values)}i", *values))


IMPOSSIBLE: dict[str, tuple[bytes, str]] = {
    "sides": (matrix("a", 6, (2**31 - 1, 2**31 - 1), DOUBLE), "sides .* which no array has"),
    "a side below zero": (matrix("a", 6, (-1, 1), DOUBLE), "sides .* which no array has"),
    "forty sides": (matrix("a", 6, (1, 1) * 20, DOUBLE), "sides of 160 bytes, which no array has"),
    "too few numbers": (matrix("a", 6, (1, 2), DOUBLE), "8 bytes for 2 numbers of 8 bytes"),
    "class": (matrix("a", 77, (1, 1), DOUBLE), "class 77, which MATLAB does not have"),
    "name": (matrix("a" * 2000, 6, (1, 1), DOUBLE), "a name of 2000 bytes"),
    "size": (matrix("a", 6, (1, 1), struct.pack("<II", 9, 2**31) + bytes(8)), "an element of 2147483648 bytes; what .* ends 8"),
    "kind": (matrix("a", 6, (1, 1), element(11, bytes(8))), "an element of kind 11; .* should be here"),
    "a half": (matrix("a", 8, (1, 1), element(9, struct.pack("<d", 0.5))), "a number that is none of class int8"),
    "no number": (matrix("a", 8, (1, 1), element(9, struct.pack("<d", np.nan))), "a number that is none of class int8"),
    "too large": (matrix("a", 8, (1, 1), element(3, struct.pack("<h", 200))), "a number that is none of class int8"),
    "letters": (matrix("a", 4, (1, 9), element(4, b"abcd")), "4 bytes for 9 letters"),
    "very many letters": (matrix("a", 4, (1, 2**30), element(4, b"abcd")), "4 bytes for 1073741824 letters"),
    "cells": (matrix("a", 1, MANY, matrix("", 6, (1, 1), DOUBLE)), "1073741824 values in 64 bytes, or too many"),
    "structures": (matrix("a", 2, MANY, NAMES), "1073741824 values in 16 bytes, or too many"),
    "structures of nothing": (matrix("a", 2, MANY, small(5, struct.pack("<i", 1)), small(1, b"")), "or too many to be kept"),
    "field names": (matrix("a", 2, (1, 1), small(5, struct.pack("<i", -2)), small(1, b"x\0")), "field names of -2 bytes each"),
    "sparse values": (matrix("a", 5, (1, 3), integers(0), integers(0, 9, 9, 9), DOUBLE), "9 values, of which 1"),
    "very many sparse values": (
        matrix("a", 5, (1, 1), integers(0), integers(0, 2**31 - 1), DOUBLE),
        "2147483647 values, of which 1",
    ),
    "sparse rows": (matrix("a", 5, (1, 1), integers(7), integers(0, 1), DOUBLE), "with a value outside"),
    "sparse columns": (matrix("a", 5, (1, 2), integers(0), integers(0, 2, 1), DOUBLE), "not follow one another"),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_what_cannot_be_is_refused(what: str) -> None:
    variable, reason = IMPOSSIBLE[what]
    for content in (file_of(variable), file_of(packed(variable))):
        with memory_within(2**22), pytest.raises(BadRecording, match=reason):
            load(content)


def nested(levels: int) -> bytes:
    inside = matrix("", 6, (1, 1), DOUBLE)
    for level in range(levels):
        inside = matrix("deep" if level == levels - 1 else "", 2, (1, 1), NAMES, inside)
    return inside


def test_structures_in_structures_without_end_are_refused() -> None:
    value = load(file_of(nested(30)))["deep"]
    for _ in range(30):
        value = value["x"]
    assert value.tolist() == [[1.0]]
    with pytest.raises(BadRecording, match="more than 32 levels of structures"):
        load(file_of(nested(3000)))


def test_damage_to_one_variable_leaves_the_others(tmp_path: Path) -> None:
    good, bad = matrix("good", 6, (1, 1), DOUBLE), matrix("bad", 6, (1, 2), DOUBLE)
    path = tmp_path / "a.mat"
    path.write_bytes(file_of(bad, packed(good)))
    assert load_matlab(path, names=("good",))["good"].tolist() == [[1.0]]
    mapping = Mapping.from_dict({"channels": {"bad": {"modality": "ecg"}}, "rate_hz": 1})
    with pytest.raises(BadRecording, match="variable 'bad' is damaged: 8 bytes for 2 numbers"):
        list(read_mat(path, mapping=mapping))
    with pytest.raises(BadRecording, match=r"8 bytes for 2 numbers of 8 bytes \(at byte 184\)"):
        load_matlab(path)


def test_a_wrong_checksum_is_noticed_before_values_are_used() -> None:
    numbers = np.random.default_rng(2).normal(size=300_000)  # longer than a block
    variable = matrix("a", 6, (1, len(numbers)), element(9, numbers.tobytes()))
    assert np.array_equal(load(file_of(packed(variable)))["a"][0], numbers)
    whole = file_of(packed(variable))
    with pytest.raises(BadRecording, match=r"damaged: .*incorrect data check.* \(at byte 128\)"):
        load(whole[:-1] + bytes([whole[-1] ^ 1]))
    short = zlib.compress(variable)[:-4]
    with pytest.raises(BadRecording, match="cut off before its checksum"):
        load(file_of(struct.pack("<II", 15, len(short)) + short))
    with pytest.raises(BadRecording, match="unpacks to more than the"):
        load(file_of(packed(variable + bytes(8))))


def test_fields_are_read_in_any_order_from_what_is_packed() -> None:
    columns = [np.full(200_000, float(k)) for k in range(3)]
    fields = small(5, struct.pack("<i", 2)) + element(1, b"a\0b\0c\0")
    inside = [matrix("", 6, (1, len(each)), element(9, each.tobytes())) for each in columns]
    data = np.frombuffer(file_of(packed(matrix("s", 2, (1, 1), fields, *inside))), dtype=np.uint8)
    value = matlab_values(PATH, data)["s"]
    assert isinstance(value, Struct)
    for field, number in (("c", 2.0), ("a", 0.0), ("b", 1.0), ("a", 0.0)):
        array = value.elements[0][field]
        assert isinstance(array, Array)
        assert set(array.values().flat) == {number}


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    bomb = packed(struct.pack("<II", 14, 2**30) + bytes(2**20))
    small_one = packed(matrix("a", 6, (1, 1), DOUBLE))
    with memory_within(2**24), pytest.raises(BadRecording, match="claims to unpack to 1073741832; none can"):
        load(file_of(small_one, bomb))


def test_names_of_large_variables_are_found_without_their_values() -> None:
    """32 MiB of zeros, of which listing unpacks a block."""
    content = np.frombuffer(file_of(packed(matrix("z", 6, (2**10, 2**12), element(9, bytes(2**25))))), dtype=np.uint8)
    with memory_within(2**23):
        (value,) = matlab_values(PATH, content).values()
    assert value.shape == (2**10, 2**12)


def test_other_files_are_refused(tmp_path: Path) -> None:
    for content in (b"", b"\0" * 200, b"no MATLAB file, but long enough to be one" * 9):
        with pytest.raises(BadRecording, match="no MATLAB file: neither the header"):
            load(content)
    with pytest.raises(BadRecording, match=r"version 7\.3, which is HDF5; save it with -v7"):
        load(b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n" + bytes(99))
    with pytest.raises(BadRecording, match="cannot be read"):
        load_matlab(tmp_path / "none.mat")


def test_variables_that_need_too_much_memory_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matlab, "MOST_BYTES", 1000)
    content = file_of(*(matrix(name, 6, (1, 100), element(2, bytes(100))) for name in "ab"))
    with pytest.raises(BadRecording, match="variables of 1600 bytes, more than 1000; save those you need alone"):
        load(content)
    assert load_matlab(PATH, content=content, names=("b",))["b"].shape == (1, 100)


def test_text_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (matlab_4, matlab_5):
        monkeypatch.setattr(module, "MOST_LETTERS", 3)
    with pytest.raises(BadRecording, match="4 bytes for 4 letters, or too many to be kept"):
        load(file_of(matrix("w", 4, (1, 4), element(16, b"word"))))
    found = load(struct.pack("<5i", 51, 1, 4, 0, 2) + b"w\0word")["w"]
    assert (type(found), found.reason) == (Unread, "is text of 4 letters; save it in parts")


def test_more_values_than_are_kept_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matlab_5, "_MOST_VALUES", 4)
    content = file_of(matrix("c", 1, (5, 1), *(element(14, b"") for _ in range(5))))
    with pytest.raises(BadRecording, match="5 values in 40 bytes, or too many to be kept"):
        load(content)


@pytest.mark.slow
@pytest.mark.parametrize(("form", "is_packed"), [("5", False), ("5", True), ("4", False)])
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, form: str, is_packed: bool) -> None:
    path = tmp_path / "a.mat"
    flat = {
        "x": np.arange(9.0).reshape(3, 3),
        "w": "word",
        "s": scipy.sparse.csc_array(np.eye(3)),
        "i": np.arange(4, dtype="i2"),
    }
    scipy.io.savemat(path, everything() if form == "5" else flat, do_compression=is_packed, format=form)
    content = path.read_bytes()
    fates = {"read": 0, "refused": 0}
    for attempt in range(TRIES):
        generator = np.random.default_rng([zlib.crc32(form.encode()), is_packed, attempt])
        damaged = MUTATIONS[attempt % len(MUTATIONS)](content, generator)
        fates[_fate(damaged, f"attempt {attempt}")] += 1
    assert fates["read"] > 0
    assert fates["refused"] > 0


@pytest.mark.slow
def test_damage_behind_a_right_checksum_is_read_or_refused(tmp_path: Path) -> None:
    """Each variable is damaged before it is packed, so that no checksum keeps the damage from the parser."""
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, everything())
    content = path.read_bytes()[128:]
    variables, place = [], 0
    while place < len(content):
        size = 8 + struct.unpack("<I", content[place + 4 : place + 8])[0]
        variables.append(content[place : place + size])
        place += size
    fates = {"read": 0, "refused": 0}
    for attempt in range(TRIES):
        generator = np.random.default_rng(attempt)
        victim = variables[generator.integers(len(variables))]
        damaged = MUTATIONS[attempt % len(MUTATIONS)](victim, generator)
        fates[_fate(file_of(packed(damaged)), f"attempt {attempt}")] += 1
    assert fates["read"] > 0
    assert fates["refused"] > 0


def _fate(content: bytes, what: str) -> str:
    with memory_within(2**24):
        try:
            load(content)
        except BadRecording:
            return "refused"
        except Exception as error:
            error.add_note(what)
            raise
        return "read"


GENUINE = ("ppg/troika_spc2015", "gait/mobgap_lab", "raw_devices/wfdb")


@pytest.mark.real
@pytest.mark.parametrize("folder", GENUINE)
def test_genuine_files_are_what_scipy_reads(data_folder: Path, folder: str) -> None:
    paths = sorted((data_folder / folder).rglob("*.mat"))
    assert sum(map(assert_as_scipy_reads, paths)) >= len(paths) > 0


@pytest.mark.real
def test_genuine_files_of_version_4_in_zips_are_what_scipy_reads(data_folder: Path, tmp_path: Path) -> None:
    """Every twentieth record of the challenge."""
    read = 0
    for path in sorted((data_folder / "ecg/cinc2017").glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in [name for name in archive.namelist() if name.endswith(".mat")][::20]:
                read += assert_as_scipy_reads(tmp_path / "a.mat", content=archive.read(name))
    assert read >= 100
