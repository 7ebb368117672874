"""What goes wrong on a wrist, made on purpose: motion, a loose contact, dropouts, saturation.

s is the standard deviation of a channel's valid samples and T the length of the window; U(a, b) is drawn anew for every row,
and all channels of a row suffer the same at the same time, because they sit in one device.

    shake      x + s (a sin(2 pi f t + p) + two bursts)      a U(1, 2), f U(0.1, 0.4) Hz; a burst is U(2, 4) high, swings at
                                                             U(1, 4) Hz under half a sine wave and lasts U(0.1, 0.3) T
    loosen     m + g (x - m) + s (j + n w) in one stretch    m mean of the channel, gain g U(0.05, 0.3), jump j U(1, 3) up or
                                                             down, white noise w with n U(0.1, 0.3); lasts U(0.3, 0.7) T
    drop_out   three runs of one value, U(0.04, 0.12) T each the last valid sample before the run, or 0, by a coin for the row
    saturate   x clipped above, below or on both sides       U(0.15, 0.4) of the range of the channel is cut off a side

`strength` multiplies what is given in s, no durations. Validity stays as it came: a device that delivers nonsense does not say
so, and telling it from signal is what these are for. Samples that are not valid stay as they are and are never read. All
figures are ours, chosen by eye (docs/pictures/augmentations.png).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws

KINDS = ("none", "motion", "loose contact", "dropout", "saturation")
BURSTS, RUNS = 2, 3


class Corrupted(NamedTuple):
    """Windows and what was done to them. signal, valid: (B, C, T). kind: (B,) int64, places in `KINDS`."""

    signal: Tensor
    valid: Tensor
    kind: Tensor


def corrupt(signal: Tensor, valid: Tensor, draws: Draws, *, rate_hz: float, strength: float) -> Corrupted:
    """Return windows of which each is left alone or corrupted in one of four ways, all five equally likely.

    signal, valid: (B, C, T), any unit. strength: of what is given in standard deviations, > 0. A window in which nothing
    changed, because it does not move or because a dropout fell into its gap, is of kind "none". Numbers are drawn for all
    kinds, so that a row's fate is its own.
    """
    kind = (len(KINDS) * draws.uniform(len(signal), device=signal.device)).long()
    versions = (
        shake(signal, valid, draws, rate_hz=rate_hz, strength=strength),
        loosen(signal, valid, draws, strength=strength),
        drop_out(signal, valid, draws),
        saturate(signal, valid, draws),
    )
    made = signal
    for number, (version, _) in enumerate(versions, start=1):
        made = torch.where((kind == number)[:, None, None], version, made)
    is_changed = (valid & (made != signal)).flatten(1).any(dim=1)
    return Corrupted(made, valid, torch.where(is_changed, kind, 0))


def shake(signal: Tensor, valid: Tensor, draws: Draws, *, rate_hz: float, strength: float) -> tuple[Tensor, Tensor]:
    """Return windows in motion: a slow swing of the baseline and two short bursts on top. signal, valid: (B, C, T)."""
    _check(strength)
    rows, _, length = signal.shape
    _, size = _moments(signal, valid)
    time_s = torch.arange(length, device=signal.device) / rate_hz
    height, cycles_hz, phase = (_between(draws, rows, 1, low, high, signal) for low, high in ((1, 2), (0.1, 0.4), (0, 1)))
    curve = height * torch.sin(2 * math.pi * (cycles_hz * time_s + phase))  # (B, 1), (T,) -> (B, T)
    high, fast_hz, turn = (_between(draws, rows, BURSTS, low, high, signal) for low, high in ((2, 4), (1, 4), (0, 1)))
    lasts_s = _between(draws, rows, BURSTS, 0.1, 0.3, signal) * length / rate_hz
    start_s = draws.uniform(rows, BURSTS, device=signal.device) * (length / rate_hz - lasts_s)
    since_s = time_s - start_s[..., None]  # (B, 2, T)
    share = (since_s / lasts_s[..., None]).clamp(0, 1)
    bursts = torch.sin(math.pi * share) * torch.sin(2 * math.pi * (fast_hz[..., None] * since_s + turn[..., None]))
    curve = curve + (high[..., None] * bursts).sum(dim=1)
    return torch.where(valid, signal + (strength * size * curve[:, None]).to(signal.dtype), signal), valid


def loosen(signal: Tensor, valid: Tensor, draws: Draws, *, strength: float) -> tuple[Tensor, Tensor]:
    """Return windows whose amplitude collapses for a stretch, at another level and in noise. signal, valid: (B, C, T)."""
    _check(strength)
    rows, channels, length = signal.shape
    level, size = _moments(signal, valid)
    inside = _stretches(draws, rows, 1, shares=(0.3, 0.7), like=signal)[:, 0]
    gain, jump, side = (_between(draws, rows, 1, low, high, signal) for low, high in ((0.05, 0.3), (1, 3), (-1, 1)))
    floor = _between(draws, rows, 1, 0.1, 0.3, signal)
    noise = floor[..., None] * draws.normal(rows, channels, length, device=signal.device)
    moved = (jump * torch.where(side < 0, -1.0, 1.0))[..., None] + noise
    loose = level + gain[..., None] * (signal - level) + strength * size * moved
    return torch.where(valid & inside[:, None], loose.to(signal.dtype), signal), valid


def drop_out(signal: Tensor, valid: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """Return windows with three runs of the value before them, or of 0, as devices fill what they lost.

    signal, valid: (B, C, T). A run at the very beginning holds the first sample that arrives.
    """
    rows, _, length = signal.shape
    runs = _stretches(draws, rows, RUNS, shares=(0.04, 0.12), like=signal)  # (B, 3, T)
    is_held = draws.uniform(rows, 1, 1, device=signal.device) < 0.5
    inside = runs.any(dim=1)[:, None]  # (B, 1, T)
    time = torch.arange(length, device=signal.device)
    last = torch.where(valid & ~inside, time, -1).cummax(dim=2).values  # (B, C, T) last sample that arrived
    first = (valid & ~inside).int().argmax(dim=2, keepdim=True)
    source = torch.where(last < 0, first, last)
    has_any = (valid & ~inside).any(dim=2, keepdim=True)
    held = torch.where(is_held & has_any, signal.gather(2, source), 0.0)
    return torch.where(valid & inside, held, signal), valid


def saturate(signal: Tensor, valid: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """Return windows that leave the range of the converter above, below or on both sides. signal, valid: (B, C, T)."""
    rows = len(signal)
    share = _between(draws, rows, 1, 0.15, 0.4, signal)[..., None]  # (B, 1, 1)
    side = (3 * draws.uniform(rows, 1, 1, device=signal.device)).long()  # 0 above, 1 below, 2 both
    low = torch.where(valid, signal, torch.inf).amin(dim=2, keepdim=True)
    high = torch.where(valid, signal, -torch.inf).amax(dim=2, keepdim=True)
    cut = share * (high - low)
    clipped = torch.where(side != 1, torch.minimum(signal, high - cut), signal)
    clipped = torch.where(side != 0, torch.maximum(clipped, low + cut), clipped)
    return torch.where(valid, clipped.to(signal.dtype), signal), valid


def _moments(signal: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and population standard deviation of each channel's valid samples, (B, C, 1); 0 where there are none."""
    count = valid.sum(dim=2, keepdim=True).clamp(min=1)
    level = torch.where(valid, signal, 0.0).sum(dim=2, keepdim=True) / count
    centred = torch.where(valid, signal - level, 0.0)
    size = (centred.square().sum(dim=2, keepdim=True) / count).sqrt()
    return level, torch.where(size > 1e-6 * level.abs(), size, 0.0)  # below that float32 sees its own rounding


def _stretches(draws: Draws, rows: int, count: int, *, shares: tuple[float, float], like: Tensor) -> Tensor:
    """Return where stretches lie that last a share of the window each, anywhere inside it, (B, count, T) bool."""
    length = like.shape[2]
    lasts = (_between(draws, rows, count, *shares, like) * length).round().clamp(min=1)[..., None]
    start = (draws.uniform(rows, count, 1, device=like.device) * (length - lasts + 1)).floor()
    time = torch.arange(length, device=like.device)
    return (time >= start) & (time < start + lasts)


def _between(draws: Draws, rows: int, count: int, low: float, high: float, like: Tensor) -> Tensor:
    return low + (high - low) * draws.uniform(rows, count, device=like.device)  # (B, count)


def _check(strength: float) -> None:
    if not strength > 0:
        raise BadConfiguration(f"strength={strength:g}: a corruption of no strength cannot be recognised; give more than 0")
