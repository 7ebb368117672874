"""wearfm embed: a store in, an embedding table out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from wearfm.cli import terminal
from wearfm.engines import EngineName


@dataclass(frozen=True, kw_only=True)
class Options:
    """Turn every window of a store into a vector. A second call after an interruption goes on where it stopped."""

    model: Annotated[str, tyro.conf.Positional]
    """A run folder, a checkpoint folder, or the name of a recipe (random weights: a control, not a model)."""
    store: Annotated[Path, tyro.conf.Positional]
    """The store's folder."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("embeddings.parquet")
    """The table to write."""
    stride_s: float | None = None
    """Seconds from window to window; by default windows touch."""
    modalities: tuple[str, ...] = ()
    """Only these modalities; by default all that the recipe takes."""
    where: str = ""
    """Only channels of which this is true, as in `wearfm store query`: "device like 'Empatica%' and rate_hz >= 32"."""
    batch_size: int = 64
    """Windows computed together: speed and memory, not results."""
    device: str = "cpu"
    """cpu, cuda ..."""
    workers: int | None = None
    """Workers that compute with one thread each; the table is the same for any number. By default one, with all threads."""
    engine: EngineName = "processes"
    """processes: of this machine. ray: a cluster whose nodes see the store under the same name."""
    ray_address: str = ""
    """Of the Ray cluster; by default RAY_ADDRESS, or one that is started here for the time being."""
    json: bool = False
    """Print JSON."""


def run(words: Sequence[str]) -> int:
    """Run the verb."""
    options = terminal.parse(Options, "embed", words)
    from wearfm.embeddings.extract import Cut, embed_to
    from wearfm.store import Store
    from wearfm.workflow import load

    with Store.open(options.store) as store, terminal.progress("embed", unit="windows") as progress:
        table = embed_to(
            options.output,
            load(options.model),
            store,
            cut=Cut(stride_s=options.stride_s, modalities=options.modalities or None, where=options.where),
            batch_size=options.batch_size,
            device=options.device,
            workers=options.workers,
            engine=options.engine,
            ray_address=options.ray_address,
            progress=progress,
        )
    summary = {"table": str(options.output), "windows": len(table), "width": table.vector.shape[1], **table.header.to_json()}
    if options.json:
        terminal.emit(summary)
        return 0
    terminal.say(f"{options.output}: {len(table)} windows, {table.vector.shape[1]} numbers each ({table.header.recipe})")
    for reason, seconds in table.header.skipped.items():
        terminal.say(f"  without a vector, {reason}: {terminal.duration(seconds)}")
    return 0
