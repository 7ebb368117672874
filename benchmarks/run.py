"""Run the benchmarks and print the table: `make bench`, or `python -m benchmarks.run store readers --save`.

Every row is a ratio against a named reference, measured in turn with it in the same process, next to what the machine
allows. `--save` keeps the table under benchmarks/results with hardware, commit and command.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.row import Row

WHY_MISSED = {  # row -> why its target is not met, as far as is known
    "band-pass + resample, 2 h of PPG": "the zero-phase filter alone takes most of it; NeuroKit was only run by itself, 23x",
    "CSV -> regular int16": "the parse is pyarrow's own; checking the encoding and laying the time axis cost the rest",
    "random windows, 2 shards": "a warm float32 pickle takes 16 us; 80 times that would exceed what the memory can copy",
    "random windows, 64 shards": "as above",
    "random windows, 2 shards, h5py": "the target was taken from another machine's HDF5 figure; h5py is faster here",
    "EDF to store, hashed and checked": "hashing three times, checking and fsync, none of which the reference does",
    "NormWear embedding, bf16 autocast": "bf16 products are 2.2 to 2.4 times as fast as fp32 here; the rest needs int8",
    "ridge probe, 5 folds, nested choice of 8": "the reference chooses nothing; a third is the float64 Gram matrix",
}

MODULES = (
    "signals",
    "readers",
    "phones",
    "readers_raw",
    "synthetic",
    "minutes",
    "store",
    "windows",
    "normwear",
    "masked_lsm",
    "masked_lsm2",
    "masked_pat",
    "mamba2",
    "training",
    "evaluation",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", default=[], help=f"which of {', '.join(MODULES)}; all by default")
    parser.add_argument("--save", action="store_true", help="keep the table under benchmarks/results")
    arguments = parser.parse_args()
    rows: list[Row] = []
    for name in arguments.modules or MODULES:
        for benchmark in import_module(f"benchmarks.{name}").BENCHMARKS:
            found = benchmark()
            rows += found if isinstance(found, list) else [found]
            print(f"{name}: {rows[-1].name}: {rows[-1].ratio:.3g}x", file=sys.stderr, flush=True)
    text = table(rows)
    print(text)
    if arguments.save:
        path = Path(__file__).parent / "results" / f"{'_'.join(arguments.modules) or 'all'}_{platform.machine()}_{_month()}.md"
        path.write_text(f"# Benchmarks\n\n{circumstances()}\n\n{text}\n")
        print(f"kept in {path.relative_to(Path(__file__).parents[1])}")


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table; a target that was missed says so."""
    lines = ["| what | reference | ours | reference | ratio | target | limit, remarks |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        verdict = {True: "", False: " **missed**", None: ""}[row.met]
        remarks = "; ".join(text for text in (row.limit, row.note) if text)
        lines.append(
            f"| {row.name} | {row.reference} | {row.ours:.3g} {row.unit} | {row.reference_value:.3g} {row.unit} "
            f"| {row.ratio:.3g}x | {row.target}{verdict} | {remarks} |"
        )
    missed = [f"- {row.name} ({row.reference}): {_why(row)}" for row in rows if row.met is False]
    return "\n".join([*lines, "", "Targets missed, and why:", "", *(missed or ["none"])])


def _why(row: Row) -> str:
    """The reason of a row, or of the row against this very reference where a name stands twice."""
    own = f"{row.name}, {row.reference.split(',')[0]}"
    return WHY_MISSED.get(own, WHY_MISSED.get(row.name, "not known"))


def circumstances() -> str:
    """Hardware, software, commit and command, one line each."""
    import torch

    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    model = next(
        (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.processor()
    )
    return "\n".join(
        (
            f"- hardware: {model}, {os.cpu_count()} cores",
            f"- software: Python {platform.python_version()}, torch {torch.__version__}, {torch.get_num_threads()} threads",
            f"- commit: {commit or 'none'}",
            f"- command: python -m benchmarks.run {' '.join(sys.argv[1:])}",
            f"- date: {datetime.date.today().isoformat()}",
        )
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def _month() -> str:
    return f"{datetime.date.today():%Y%m}"


if __name__ == "__main__":
    main()
