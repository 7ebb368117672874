"""Sources: the recordings that people name, each found once, known by where it stands and what it contains."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wearfm.errors import BadConfiguration
from wearfm.store.schema import is_catalogue

Recognises = Callable[[Path], str]  # a file or folder -> the name of the format, "" for none
FOR_FOLDER = ("wearfm.toml", "wearfm.json")  # mappings for all tables of a folder, see readers.mapping
NAMING = ("wfdb",)  # formats whose headers say which files belong to them
_CHUNK = 2**22


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a source lies that is not on this machine.

    url: the root that was asked for. keys: of its files and companions there. places: of the same files below a folder to
    copy them to. path: of the source itself below that folder.
    """

    url: str
    keys: tuple[str, ...]
    places: tuple[str, ...]
    path: str


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A file, or a folder that is one recording.

    label: its path below the folder that was asked for. companions: files beside it that belong to it (the samples of
    a header file). size: bytes of all of them. format: what it was recognised as, "" for nothing.
    origin: None for files of this machine; otherwise path and companions are names only (see `remote.at_hand`).
    """

    path: Path
    label: str
    companions: tuple[Path, ...] = ()
    size: int = 0
    format: str = ""
    origin: Origin | None = None


def find_sources(roots: Sequence[str | Path], *, recognises: Recognises) -> list[SourceFile]:
    """Return the sources in and below the roots, each once, in order; BadConfiguration if a root is not there.

    A folder that is recognised is one source. A file that is not recognised is a companion if a recognised one stands
    beside it and has its stem or names it: "b.dat" of "b.hea", "a.csv.toml" of "a.csv", and "wearfm.toml" of all. The
    segments that a WFDB header names are companions too, and sources. Any other file is a source, even if only to be
    refused. Hidden files and stores are left out.
    """
    found: dict[Path, SourceFile] = {}
    for named in map(Path, roots):
        if not named.exists():
            raise BadConfiguration(f"source {named} does not exist; name files or folders with recordings")
        root = named.absolute()
        for path, kind, companions in _below(root, recognises):
            label = path.relative_to(root).as_posix() if path != root else path.name
            size = sum(file.stat().st_size for file in files_of(path, companions))
            source = SourceFile(path=path, label=label, companions=companions, size=size, format=kind)
            found.setdefault(path.resolve(), source)
    return list(found.values())


def hash_source(source: SourceFile) -> str:
    """Return the SHA-256 of the names and bytes of everything that belongs to the source."""
    code = hashlib.sha256()
    for file in files_of(source.path, source.companions):
        name = file.relative_to(source.path).as_posix() if file.is_relative_to(source.path) else file.name
        code.update(f"{name}\0{file.stat().st_size}\0".encode(errors="surrogateescape"))
        for chunk in _chunks(file):
            code.update(chunk)
    return code.hexdigest()


_Found = tuple[Path, str, tuple[Path, ...]]  # a source, its format, its companions


def _below(path: Path, recognises: Recognises) -> Iterator[_Found]:
    """Yield what is in and below a path, in the order of names."""
    if path.is_file():
        yield _with_companions(path, recognises)
    elif kind := recognises(path):
        yield path, kind, ()
    elif not is_catalogue(path):
        inside = sorted(each for each in path.iterdir() if not each.name.startswith("."))
        yield from _group([each for each in inside if each.is_file()], recognises)
        for folder in inside:
            if folder.is_dir() and not folder.is_symlink():
                yield from _below(folder, recognises)


def _group(files: Sequence[Path], recognises: Recognises) -> Iterator[_Found]:
    """Yield the files of one folder that are sources."""
    kinds = {file: kind for file in files if (kind := recognises(file))}
    others: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        if file not in kinds:
            others["" if file.name in FOR_FOLDER else stem_of(file)].append(file)
    companions = {
        file: tuple(dict.fromkeys((*others[""], *others[stem_of(file)], *others[file.name], *_named_in(file, kind, files))))
        for file, kind in kinds.items()
    }
    taken = {file for some in companions.values() for file in some if file not in kinds}
    for file in files:
        if file not in taken:
            yield file, kinds.get(file, ""), companions.get(file, ())


def _named_in(header: Path, kind: str, files: Sequence[Path]) -> list[Path]:
    """Return the files that a header names as those of its signals, or of its segments, which may be records of their own."""
    if kind not in NAMING:
        return []
    lines = [line.split() for line in header.read_text(encoding="latin-1").splitlines() if not line.startswith("#")]
    names = {line[0] for line in lines[1:] if line}
    return [file for file in files if file != header and (file.name in names or stem_of(file) in names)]


def _with_companions(path: Path, recognises: Recognises) -> _Found:
    """Return a file that was named by itself, with the files beside it that belong to it."""
    names = {path.name, stem_of(path)}
    files = [each for each in sorted(path.parent.iterdir()) if each.is_file()]
    names |= {each.name for each in _named_in(path, recognises(path), files)}
    beside = [each for each in files if each.name in names or stem_of(each) in names or each.name in FOR_FOLDER]
    found = _group(beside, recognises)
    return next((one for one in found if one[0] == path), (path, "", ()))


def stem_of(path: Path) -> str:
    """Return what a file and its companions have in common: the name without its end, and without ".gz" behind that."""
    return Path(path.name.removesuffix(".gz")).stem


def files_of(path: Path, companions: tuple[Path, ...]) -> list[Path]:
    """Return all files of a source, its companions last."""
    if path.is_dir():
        return sorted(each for each in path.rglob("*") if each.is_file())
    return [path, *companions]


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
