"""LSM-2: what leaving out masked tokens saves in training and embedding, and how rows of different lengths attend best.

Days of minute features, CPU time, one interleaved run a row, random weights: time does not depend on them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.row import Row, interleave
from wearfm.nn.backbones.transformer import Attention
from wearfm.nn.draws import Draws
from wearfm.nn.packing import Packing, packed_attention
from wearfm.recipes.lsm2 import LSM2, LSM2Config, paper, small
from wearfm.signals.minutes.features import MINUTE_HZ
from wearfm.windows.batch import Batch, Signal

THREE = ("hr", "steps", "temp")
PADDING = 0.1  # largest share of padding in a bucket


def days(config: LSM2Config, *, rows: int, missing: Sequence[float]) -> Batch:
    """Noise, with hours missing at random: the r-th row misses the share missing[r % len]."""
    generator = torch.Generator().manual_seed(0)
    minutes, share = round(config.window_s / 60), torch.tensor([missing[row % len(missing)] for row in range(rows)])
    streams = {}
    for name in config.features:
        valid = (torch.rand(rows, 1, minutes // 60, generator=generator) >= share[:, None, None]).repeat_interleave(60, dim=2)
        streams[name] = Signal(signal=torch.randn(valid.shape, generator=generator) * valid, valid=valid, rate_hz=MINUTE_HZ)
    number = torch.arange(rows)
    return Batch(streams=streams, participant=number, recording=number, start_ns=number, local_ns=number)


def training_steps() -> list[Row]:
    """Forward and backward with 80 % of the tokens hidden, no gaps: every masked token left out, against none."""
    return [
        _training("paper, 26 features", paper(), rows=1, repeats=2),
        _training("paper, 3 features", replace(paper(), features=THREE), rows=8, repeats=3),
        _training("small, 26 features", small(), rows=4, repeats=3),
    ]


def _training(what: str, config: LSM2Config, *, rows: int, repeats: int) -> Row:
    config = replace(config, strategies=("tokens",), token_share=0.8)
    batch = days(config, rows=rows, missing=[0.0])
    ways = {
        "ours": LSM2(config),
        "everything": LSM2(replace(config, pack=False, dropped=0.0)),
        "budget": LSM2(replace(config, pack=False)),
    }

    def step(way: str) -> Callable[[], None]:
        return lambda: ways[way].loss(batch, Draws(seed=0)).total.backward()

    ours, theirs = interleave(step("ours"), step("everything"), repeats=repeats)
    _, published = interleave(step("ours"), step("budget"), repeats=repeats)
    note = f"half of the tokens dropped, masked ones computed and ignored: {rows / median(published):.3g} samples/s"
    return _row(
        f"training step, {what}, 80 % hidden", "all tokens in the encoder", ours, theirs, rows=rows, target=3, note=note
    )


def embeddings() -> list[Row]:
    """Days that miss 5 to 95 %: packed, against padding to the longest."""
    return [
        _embedding("small, 26 features", small(), rows=16, repeats=5),
        _embedding("paper, 3 features", replace(paper(), features=THREE), rows=32, repeats=3),
    ]


def _embedding(what: str, config: LSM2Config, *, rows: int, repeats: int) -> Row:
    recipe = LSM2(config).eval()
    values, observed = recipe.prepare(days(config, rows=rows, missing=[0.05, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.6]))
    seen = observed.all(dim=2)
    packing = Packing.of(seen)
    longest = packing.lengths[-1]
    kept = (~seen).int().argsort(dim=1, stable=True)[:, :longest]
    with torch.no_grad():
        padded = recipe.encoder.masked(values, seen, kept)
        packed = packing.unpack(recipe.encoder(values, packing), torch.zeros(config.width))
        apart = (packed.gather(1, kept[..., None].expand_as(padded)) - padded)[seen.gather(1, kept)].abs().max()
        ours, theirs = interleave(
            lambda: recipe.encoder(values, packing), lambda: recipe.encoder.masked(values, seen, kept), repeats=repeats
        )
    shares = (
        f"rows of {packing.lengths[0]} to {longest} tokens, {sum(packing.lengths) / (rows * longest):.0%} of the padded ones"
    )
    note = f"{shares}; largest difference {float(apart):.0e}"
    return _row(f"embedding, {what}, days with gaps", "padded to the longest", ours, theirs, rows=rows, target=None, note=note)


def attentions() -> list[Row]:
    """Attention of rows of different lengths: a call a row, against buckets of nearly equal lengths."""
    rows = ((5, 40, 64), (20, 130, 64), (100, 400, 32), (300, 1200, 16))
    return [_attention(low, high, rows=count, size=size) for size in ((384, 6), (64, 4)) for low, high, count in rows]


def _attention(low: int, high: int, *, rows: int, size: tuple[int, int]) -> Row:
    generator, (width, heads) = torch.Generator().manual_seed(0), size
    lengths = tuple(sorted(torch.randint(low, high, (rows,), generator=generator).tolist()))
    with torch.random.fork_rng(devices=[]):
        attention = Attention(width, heads=heads)
    tokens = torch.randn(sum(lengths), width, generator=generator)
    with torch.no_grad():
        apart = (packed_attention(attention, tokens, lengths) - bucketed_attention(attention, tokens, lengths)).abs().max()

    def step(way: Callable[[Attention, Tensor, tuple[int, ...]], Tensor]) -> Callable[[], None]:
        return lambda: way(attention, tokens, lengths).sum().backward()

    ours, theirs = interleave(step(packed_attention), step(bucketed_attention), repeats=9)
    name = f"attention and its gradient, width {width}, {rows} rows of {low} to {high} tokens"
    note = f"{heads} heads; largest difference {float(apart):.0e}"
    return _row(name, f"buckets with {PADDING:.0%} padding at most", ours, theirs, rows=rows, target=None, note=note)


def bucketed_attention(attention: Attention, tokens: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """The alternative: neighbouring rows padded to the longest of them and masked."""
    total, width = tokens.shape
    mixed = attention.qkv(tokens).reshape(total, 3, attention.heads, width // attention.heads)
    out, first = [], 0
    for bucket in _buckets(lengths):
        there = torch.arange(bucket[-1]) < torch.tensor(bucket)[:, None]  # (R, n)
        part = mixed[first : first + sum(bucket)]
        padded = mixed.new_zeros(*there.shape, *mixed.shape[1:]).index_put((there,), part)  # (R, n, 3, heads, D / heads)
        query, key, value = padded.permute(2, 0, 3, 1, 4)
        gathered = F.scaled_dot_product_attention(query, key, value, attn_mask=there[:, None, None])
        out.append(gathered.transpose(1, 2)[there].flatten(1))
        first += sum(bucket)
    return attention.project(torch.cat(out))


def _buckets(lengths: tuple[int, ...]) -> list[list[int]]:
    """Ascending lengths in runs whose padding stays within the limit."""
    buckets: list[list[int]] = [[]]
    for length in lengths:
        together = [*buckets[-1], length]
        if length * len(together) > (1 + PADDING) * sum(together):
            buckets.append([length])
        else:
            buckets[-1] = together
    return buckets


def _row(
    name: str, reference: str, ours: list[float], theirs: list[float], *, rows: int, target: float | None, note: str
) -> Row:
    ratio = median(theirs) / median(ours)
    spread = f"{min(ours):.3g} to {max(ours):.3g} s against {min(theirs):.3g} to {max(theirs):.3g} s of CPU"
    return Row(
        name=name,
        reference=reference,
        ours=rows / median(ours),
        reference_value=rows / median(theirs),
        unit="samples/s",
        ratio=ratio,
        target="no target" if target is None else f">= {target:g}x",
        met=None if target is None else ratio >= target,
        note=f"{note}; {spread}",
    )


BENCHMARKS = (training_steps, embeddings, attentions)
