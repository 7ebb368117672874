"""Actiwatch: activity counts by epoch, from `.AWD` files and from the tables that Actiware and the NSRR cohorts write.

Actiwatch: actigraphs of Philips Respironics, Mini Mitter and Cambridge Neurotechnology. Three kinds of text file are told apart
by their first lines: `.AWD` (seven lines, then one for each epoch), exports of Actiware 5 and 6 (a CSV in sections, in the
language of the computer), and tables in the columns of the MESA sleep study (National Sleep Research Resource, "actigraphy").

| in the file | in the recording |
|---|---|
| counts | channel `counts`, integers; the rate is one an epoch |
| light (`.AWD`), white light | channel `light` (lux); of an `.AWD` only if it ever is above 0 |
| red, green and blue light | channels of modality `other` (microwatts per cm2 in the file) |
| markers | events `tag` |
| off-wrist status | not valid, counted; events `off_wrist` |
| sleep/wake score | events `sleep_stage`: `asleep`, `W` |
| interval status | events `interval`: `active`, `rest`, `sleep`, `excluded` |
| age, sex | facts `age_years` and `sex` |
| the first line of an `.AWD`, the identity of an export | the participant if it is a code (with a digit, without spaces) |
| other names, addresses, date of birth, statistics | not read |

Codes of epochs in an `.AWD`: 1, 2, 4, 8, 20 for 15, 30, 60, 120 and 300 s; files with another code are refused.

**Time.** An `.AWD` is on the wall clock of an unknown zone (`local`). An export tells its offset from UTC, which holds for the
whole file: UTC then. Tables of MESA have times of day without a date: `relative`, counted from the first midnight. Dates before
1980 are those of files made anonymous: the time of day is kept, the clock is `relative`. Whether 04/07 is April or July is
read from how dates follow each other; if they do not tell, only times of day are kept, with a note.

**Broken files.** Lines of an `.AWD` that are no epoch are masked and counted. Rows of a table with the wrong number of cells or
without a time are dropped and counted; NaN and empty cells are masked.

**Limits.** Column titles are known in English and Dutch from genuine files, in German, French and Spanish from the program's
translations as remembered. The calibration of the watch is not applied, as Actiware has done so.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wearfm.readers.actiwatch_awd import is_awd, read_awd
from wearfm.readers.actiwatch_table import is_table, read_table
from wearfm.readers.base import Reader, peek
from wearfm.signals.recording import Recording


def read(path: Path) -> Iterator[Recording]:
    """Yield the recording of an .AWD file or of a table of epochs."""
    yield read_awd(path) if is_awd(peek(path)) else read_table(path)


def recognises(path: Path, head: bytes) -> bool:
    """Return whether the first lines are those of one of the three kinds of file."""
    return not path.is_dir() and (is_awd(head) or is_table(head))


READER = Reader(
    name="actiwatch",
    describes="Actiwatch: .AWD files, exports of Actiware (CSV), tables in the columns of the MESA sleep study",
    devices=("Philips Respironics Actiwatch", "Mini Mitter Actiwatch", "CamNtech Actiwatch"),
    clock="local (.AWD), UTC with the offset that the export tells, relative where there is no date",
    suffixes=(".AWD", ".csv"),
    recognises=recognises,
    read=read,
)
