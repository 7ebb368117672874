"""All readers, and the one that knows a given file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wearfm.errors import BadRecording, UnknownFormat
from wearfm.readers import (
    actilife,
    actiwatch,
    agd,
    apple_ecg,
    apple_health,
    arff,
    bids,
    brainvision,
    condor,
    cwa,
    edf,
    embraceplus,
    empatica,
    faros,
    fit,
    fitabase,
    fitbit,
    garmin_live,
    geneactiv,
    gt3x,
    hdf5,
    mat,
    matrix,
    muse,
    npy,
    polar,
    shimmer,
    table,
    wfdb,
    withings,
)
from wearfm.readers.base import Reader, peek
from wearfm.signals.recording import Recording

# BIDS first, so that a run gets its sidecars; then in order of how sure a reader can be: those with a signature first, the
# one that takes any table last.
READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        bids.READER,
        edf.READER,
        hdf5.READER,
        mat.READER,
        npy.READER,
        embraceplus.READER,
        gt3x.READER,
        agd.READER,
        cwa.READER,
        geneactiv.READER,
        matrix.READER,
        fit.READER,
        brainvision.READER,
        empatica.READER,
        apple_health.READER,
        apple_ecg.READER,
        fitbit.READER,
        fitabase.READER,
        polar.READER,
        withings.READER,
        garmin_live.READER,
        faros.READER,
        wfdb.READER,
        actiwatch.READER,
        actilife.READER,
        shimmer.READER,
        muse.READER,
        arff.READER,
        condor.READER,
        table.READER,
    )
}


def find_reader(path: str | Path) -> Reader:
    """Return the reader that recognises the content of a file or folder; UnknownFormat lists what is known."""
    path = Path(path)
    head = peek(path)
    for reader in READERS.values():
        if reader.recognises(path, head):
            return reader
    what = "folder" if path.is_dir() else f"file that begins with {head[:16]!r}"
    raise UnknownFormat(f"{path}: a {what} is none of the known formats ({', '.join(READERS)}); convert it to one of them")


def find(path: str | Path) -> list[Path]:
    """Return what can be read at or below a path, each once: a recognised folder as a whole, else the files in it.

    Hidden files and files of no known format are left out; a damaged one that cannot be judged is returned.
    """
    path = Path(path)
    if not path.is_dir() or _is_known(path):
        return [path]
    inside = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    below = [source for folder in inside if folder.is_dir() and not folder.is_symlink() for source in find(folder)]
    return [file for file in inside if file.is_file() and home_of(file) == file and _is_known(file)] + below


def home_of(path: Path) -> Path:
    """Return the file or folder with which a path is read; most stand for themselves."""
    homes = (reader.home(path) for reader in READERS.values())
    return next((home for home in homes if home != path), path)


def read(path: str | Path) -> Iterator[Recording]:
    """Yield the recordings in a file or folder of any known format.

    Broken content raises BadRecording with path, byte offset and reason; content that no reader knows, UnknownFormat.
    """
    home = home_of(Path(path))
    yield from find_reader(home).read(home)


def _is_known(path: Path) -> bool:
    try:
        find_reader(path)
    except UnknownFormat:
        return False
    except BadRecording:
        return True
    return True
