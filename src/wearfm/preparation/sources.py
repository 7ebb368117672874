"""Sources: the recordings that people name, each found once, known by where it stands and what it contains."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wearfm.errors import BadConfiguration
from wearfm.store.schema import is_catalogue

Recognises = Callable[[Path], bool]
FOR_FOLDER = ("wearfm.toml", "wearfm.json")  # mappings for all tables of a folder, see readers.mapping
_CHUNK = 2**22


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A file, or a folder that is one recording.

    label: its path below the folder that was asked for. companions: files beside it that belong to it (the samples of
    a header file). size: bytes of all of them.
    """

    path: Path
    label: str
    companions: tuple[Path, ...] = ()
    size: int = 0


def find_sources(roots: Sequence[str | Path], *, recognises: Recognises) -> list[SourceFile]:
    """Return the sources in and below the roots, each once, in order; BadConfiguration if a root is not there.

    A folder that is recognised is one source. A file that is not recognised is a companion if a recognised one stands
    beside it and has its stem or is named in it: "b.dat" of "b.hea", "a.csv.toml" of "a.csv", and "wearfm.toml" of
    all. Any other file is a source, even if only to be refused. Hidden files and stores are left out.
    """
    found: dict[Path, SourceFile] = {}
    for root in map(Path, roots):
        if not root.exists():
            raise BadConfiguration(f"source {root} does not exist; name files or folders with recordings")
        for path, companions in _below(root, recognises):
            label = path.relative_to(root).as_posix() if path != root else path.name
            size = sum(file.stat().st_size for file in _files(path, companions))
            found.setdefault(path.resolve(), SourceFile(path=path, label=label, companions=companions, size=size))
    return list(found.values())


def hash_source(source: SourceFile) -> str:
    """Return the SHA-256 of the names and bytes of everything that belongs to the source."""
    code = hashlib.sha256()
    for file in _files(source.path, source.companions):
        name = file.relative_to(source.path).as_posix() if file.is_relative_to(source.path) else file.name
        code.update(f"{name}\0{file.stat().st_size}\0".encode(errors="surrogateescape"))
        for chunk in _chunks(file):
            code.update(chunk)
    return code.hexdigest()


def _below(path: Path, recognises: Recognises) -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """Yield (source, companions) in and below a path, in the order of names."""
    if path.is_file():
        yield path, _companions_of(path, recognises)
    elif recognises(path):
        yield path, ()
    elif not is_catalogue(path):
        inside = sorted(each for each in path.iterdir() if not each.name.startswith("."))
        yield from _group([each for each in inside if each.is_file()], recognises)
        for folder in inside:
            if folder.is_dir() and not folder.is_symlink():
                yield from _below(folder, recognises)


def _group(files: Sequence[Path], recognises: Recognises) -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """Yield the files of one folder that are sources, each with its companions."""
    known = dict.fromkeys(file for file in files if recognises(file))
    others: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        if file not in known:
            others["" if file.name in FOR_FOLDER else _stem(file)].append(file)
    taken: set[Path] = set()
    for file in known:
        companions = (*others[""], *others[_stem(file)], *others[file.name])
        taken.update(companions)
        known[file] = companions
    for file in files:
        if file not in taken:
            yield file, known.get(file) or ()


def _companions_of(path: Path, recognises: Recognises) -> tuple[Path, ...]:
    names = {path.name, _stem(path)}
    beside = (each for each in sorted(path.parent.iterdir()) if _stem(each) in names or each.name in FOR_FOLDER)
    return dict(_group([each for each in beside if each.is_file()], recognises)).get(path, ())


def _stem(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).stem


def _files(path: Path, companions: tuple[Path, ...]) -> list[Path]:
    if path.is_dir():
        return sorted(each for each in path.rglob("*") if each.is_file())
    return [path, *companions]


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
