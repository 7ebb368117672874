"""Tiny files of every format, written by hand: their samples can be checked by eye."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.readers.tiny_actilife import write_actilife, write_agd
from tests.readers.tiny_actiwatch import write_actiware, write_awd, write_condor, write_mesa
from tests.readers.tiny_apple import write_apple_ecg, write_apple_health, write_apple_health_zip
from tests.readers.tiny_arff import write_arff
from tests.readers.tiny_arrays import write_hdf5, write_mat, write_mat_7_3, write_npy, write_npz
from tests.readers.tiny_bids import write_bids
from tests.readers.tiny_brainvision import write_brainvision
from tests.readers.tiny_cwa import write_cwa
from tests.readers.tiny_embraceplus import write_embraceplus
from tests.readers.tiny_faros import write_faros
from tests.readers.tiny_fit import write_fit
from tests.readers.tiny_fitbit import write_fitabase_steps, write_takeout_steps
from tests.readers.tiny_garmin_live import write_garmin_acc
from tests.readers.tiny_geneactiv import write_geneactiv
from tests.readers.tiny_gt3x import write_gt3x, write_nhanes
from tests.readers.tiny_matrix import write_matrix
from tests.readers.tiny_muse import write_muse
from tests.readers.tiny_polar import write_polar
from tests.readers.tiny_shimmer import write_shimmer
from tests.readers.tiny_withings import write_withings_hr


@dataclass(frozen=True, kw_only=True)
class EdfSignal:
    """records: (records, samples per record) integers. Physical range defaults to the digital one."""

    label: str
    records: Sequence[Sequence[int]]
    unit: str = "uV"
    physical: tuple[str, str] = ("-32768", "32767")
    digital: tuple[str, str] = ("-32768", "32767")
    transducer: str = ""


def edf(
    *signals: EdfSignal,
    kind: str = "",
    annotations: Sequence[bytes] = (),
    patient: str = "X X X X",
    recording: str = "Startdate 02-MAR-2001 X X X",
    start: tuple[str, str] = ("02.03.01", "04.05.06"),
    record_s: str = "1",
    num_records: int | None = None,
    bdf: bool = False,
) -> bytes:
    """An EDF or BDF file. annotations: the bytes of the annotation signal of each record."""
    width = 3 if bdf else 2
    size = -(-max((len(chunk) for chunk in annotations), default=0) // width)
    count = len(signals) + bool(annotations)
    held = len(annotations) or len(signals[0].records)
    family = "BDF" if bdf else "EDF"
    fields = [
        (b"\xffBIOSEMI" if bdf else b"0       "), _text(patient, 80), _text(recording, 80), _text(start[0], 8),
        _text(start[1], 8), _text(256 * (count + 1), 8), _text(f"{family}+{kind}" if kind else "", 44),
        _text(held if num_records is None else num_records, 8), _text(record_s, 8), _text(count, 4),
    ]  # fmt: skip
    note = EdfSignal(label=f"{family} Annotations", records=(), unit="", physical=("-1", "1"))
    rows = [*signals, *([note] if annotations else [])]
    for values, wide in (
        ([s.label for s in rows], 16), ([s.transducer for s in rows], 80), ([s.unit for s in rows], 8),
        ([s.physical[0] for s in rows], 8), ([s.physical[1] for s in rows], 8), ([s.digital[0] for s in rows], 8),
        ([s.digital[1] for s in rows], 8), (["" for _ in rows], 80),
        ([len(s.records[0]) if s.records else size for s in rows], 8), (["" for _ in rows], 32),
    ):  # fmt: skip
        fields += [_text(value, wide) for value in values]
    for record in range(held):
        fields += [_integers(signal.records[record], width) for signal in signals]
        fields += [annotations[record].ljust(size * width, b"\x00")] if annotations else []
    return b"".join(fields)


def tal(onset: str, *texts: str, duration: str = "") -> bytes:
    """A time-stamped annotation list; without a text, the stamp of a record."""
    length = b"\x15" + duration.encode() if duration else b""
    return onset.encode() + length + b"\x14" + b"".join(t.encode() + b"\x14" for t in texts or ("",)) + b"\x00"


def _text(value: object, width: int) -> bytes:
    text = str(value).encode("latin-1").ljust(width)
    assert len(text) == width, f"{value!r} does not fit {width} bytes"
    return text


def _integers(values: Sequence[int], width: int) -> bytes:
    return b"".join(int(value).to_bytes(width, "little", signed=True) for value in values)


def twelve_bits(samples: Sequence[int]) -> bytes:
    """WFDB format 212, one pair after the other: low byte, the two high nibbles, low byte."""
    out = bytearray()
    for first, second in zip(samples[::2], samples[1::2], strict=True):
        out += bytes((first & 0xFF, (first >> 8 & 0xF) | (second >> 8 & 0xF) << 4, second & 0xFF))
    return bytes(out)


def checksum(samples: Sequence[int]) -> int:
    """WFDB: the sum of the samples as a signed 16-bit number."""
    return (sum(samples) + 0x8000) % 0x10000 - 0x8000


def mark(code: int, step: int, text: str = "") -> bytes:
    """One annotation of an MIT annotation file."""
    words = (code << 10 | step).to_bytes(2, "little")
    if not text:
        return words
    return words + (63 << 10 | len(text)).to_bytes(2, "little") + text.encode() + b"\x00" * (len(text) % 2)


Write = Callable[[Path], Path]


def write_edf(folder: Path) -> Path:
    """Two EEG records of 1 s at 4 Hz with a temperature at 1 Hz and an annotation."""
    path = folder / "night.edf"
    path.write_bytes(
        edf(
            EdfSignal(label="EEG Fpz-Cz", records=[[1, 2, 3, 4], [5, 6, 7, -8]]),
            EdfSignal(label="Temp rectal", unit="DegC", records=[[370], [371]], physical=("0", "100"), digital=("0", "1000")),
            kind="C",
            annotations=[tal("+0") + tal("+0.5", "Sleep stage W", duration="1"), tal("+1")],
            patient="P7 F 02-MAR-1981 Somebody",
        )
    )
    return path


def write_bdf(folder: Path) -> Path:
    """Two BDF+D records of 1 s with 2 s between them."""
    path = folder / "night.bdf"
    signal = EdfSignal(label="ECG", unit="mV", records=[[100000, -100000], [7, 8]], digital=("-8388608", "8388607"),
                       physical=("-8.38861", "8.388607"))  # fmt: skip
    path.write_bytes(edf(signal, kind="D", annotations=[tal("+0"), tal("+3")], bdf=True))
    return path


def write_wfdb(folder: Path) -> Path:
    """Record 7: two leads in format 212 at 4 Hz with a beat and a rhythm."""
    first, second = [1, 2, 3, 4], [-5, -6, -7, -2048]
    mixed = [value for pair in zip(first, second, strict=True) for value in pair]
    (folder / "7.dat").write_bytes(twelve_bits(mixed))
    (folder / "7.atr").write_bytes(mark(28, 0, "(AFIB") + mark(1, 2) + b"\x00\x00")
    path = folder / "7.hea"
    path.write_text(
        "7 2 4 4 10:00:00 1/5/2001\n"
        f"7.dat 212 200 12 0 {first[0]} {checksum(first)} 0 MLII\n"
        f"7.dat 212 200 12 0 {second[0]} {checksum(second)} 0 V1\n"
        "# 61 F\n"
    )
    return path


def write_csv(folder: Path) -> Path:
    """Wrist acceleration and PPG at 4 Hz with one stamp missing; the mapping lies beside it."""
    path = folder / "walk.csv"
    rows = [(0.0, 1, 0.5), (0.25, 2, 0.5), (0.75, 3, 0.25), (1.0, 4, 0.125)]
    path.write_text("t,ax,ppg,label\n" + "".join(f"{1_700_000_000 + t},{ax},{ppg},walk\n" for t, ax, ppg in rows))
    mapping = {
        "participant": "P7",
        "time": {"column": "t", "unit": "s"},
        "channels": {
            "ax": {"modality": "acc", "unit": "mg", "axis": "x", "placement": "wrist"},
            "ppg": {"modality": "ppg"},
        },
        "events": {"label": {"kind": "activity"}},
    }
    (folder / "walk.csv.json").write_text(json.dumps(mapping))
    return path


def write_parquet(folder: Path) -> Path:
    """The table of `write_csv` as Parquet, with a TOML mapping for the whole folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "walk.parquet"
    pq.write_table(pa.table({"t": [0, 250, 500, 750], "ppg": np.array([1, 2, 3, 4], dtype=np.int16)}), path)
    (folder / "wearfm.toml").write_text('time = { column = "t", unit = "ms" }\n[channels.ppg]\nmodality = "ppg"\n')
    return path


E4 = {
    "BVP.csv": "1551453301.00\n64.000000\n-0.50\n0.25\n1.00\n",
    "EDA.csv": "1551453301.000000\n4.000000\n0.125\n0.250\n",
    "TEMP.csv": "1551453301.000000\n4.000000\n33.5\n33.5\n",
    "ACC.csv": "1551453301.000000, 1551453301.000000, 1551453301.000000\n32.000000, 32.000000, 32.000000\n-1,65,5\n0,64,32\n",
    "HR.csv": "1551453311.000000\n1.000000\n88.00\n90.50\n",
    "IBI.csv": "1551453301.000000, IBI\n5.500000,0.750000\n",
    "tags.csv": "1551453302.25\n",
}


def write_e4(folder: Path) -> Path:
    """An E4 folder with one gzipped member."""
    path = folder / "S02"
    path.mkdir()
    for name, text in E4.items():
        (path / name).write_text(text)
    (path / "EDA.csv").unlink()
    (path / "EDA.csv.gz").write_bytes(gzip.compress(E4["EDA.csv"].encode(), mtime=0))
    return path


def write_e4_zip(folder: Path) -> Path:
    """The E4 session as the zip that the vendor delivers."""
    path = folder / "S02.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in E4.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return path


WRITERS: dict[str, tuple[str, Write]] = {
    "edf": ("edf", write_edf),
    "bdf": ("edf", write_bdf),
    "bids": ("bids", write_bids),
    "brainvision": ("brainvision", write_brainvision),
    "wfdb": ("wfdb", write_wfdb),
    "csv": ("csv", write_csv),
    "parquet": ("csv", write_parquet),
    "e4 folder": ("empatica", write_e4),
    "e4 zip": ("empatica", write_e4_zip),
    "actilife": ("actilife", write_actilife),
    "agd": ("agd", write_agd),
    "cwa": ("cwa", write_cwa),
    "geneactiv": ("geneactiv", write_geneactiv),
    "gt3x": ("gt3x", write_gt3x),
    "gt3x nhanes": ("gt3x", write_nhanes),
    "embraceplus": ("embraceplus", write_embraceplus),
    "hdf5": ("hdf5", write_hdf5),
    "mat": ("mat", write_mat),
    "mat 7.3": ("mat", write_mat_7_3),
    "npy": ("numpy", write_npy),
    "npz": ("numpy", write_npz),
    "arff": ("arff", write_arff),
    "faros": ("faros", write_faros),
    "muse": ("muse", write_muse),
    "shimmer": ("shimmer", write_shimmer),
    "actiwatch awd": ("actiwatch", write_awd),
    "actiware": ("actiwatch", write_actiware),
    "mesa": ("actiwatch", write_mesa),
    "condor": ("condor", write_condor),
    "fit": ("fit", write_fit),
    "polar": ("polar", write_polar),
    "withings": ("withings", write_withings_hr),
    "fitbit": ("fitbit", write_takeout_steps),
    "fitabase": ("fitabase", write_fitabase_steps),
    "garmin live": ("garmin_live", write_garmin_acc),
    "apple health": ("apple_health", write_apple_health),
    "apple health zip": ("apple_health", write_apple_health_zip),
    "apple ecg": ("apple_ecg", write_apple_ecg),
    "matrix": ("matrix", write_matrix),
}
