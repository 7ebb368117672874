"""LIFT-PD: learn how a body moves by filling in what was blotted out, then let a few labels say what freezing is.

Soumma et al. 2024 (arXiv:2410.21326), "Self-supervised learning and opportunistic inference for continuous monitoring of
freezing of gait in Parkinson's disease". [abstract] is all of it that this file is written from.

    acc (B, 3, T) ── minus its line ── spans of time blotted out ── conv x 3 (B, 128, T/8) ── deconv x 3 ── (B, 3, T)
                                                                         ╰ mean over time: embedding (B, 128)

Same as published: one accelerometer at the waist, pretraining without labels, a small labelled set afterwards. Ours, since
the abstract gives no number: everything else. The other two parts of the method stand where they belong: hops that balance
the classes in `windows.hop`, the gate that wakes the network in `signals.movement`.

A patent application covers the combination (US 2026/0041334 A1): see docs/recipes/lift_pd.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws
from wearfm.nn.initial import xavier
from wearfm.nn.modes import evaluating
from wearfm.nn.moments import Moments
from wearfm.nn.pooling import masked_mean
from wearfm.objectives.reconstruction import reconstruction_error
from wearfm.recipes.base import Embedded, Loss, Masked, Series
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.sample import Shuffled

CALIBRATION_WINDOWS = 1024  # an hour of movement says how a sensor hangs


@dataclass(frozen=True, kw_only=True)
class LiftPDConfig:
    """Every number of the method. [abstract] is the paper's; "ours" is a choice of this library."""

    channels: int = 3  # one tri-axial accelerometer [abstract]
    rate_hz: float = 64.0  # ours; freezing shakes at 3 to 8 Hz, and a public data set of freezing has this rate
    window_s: float = 4.0  # ours: 256 samples; long enough for a few steps, short enough to be in time
    min_valid: float = 0.75  # ours: share of samples that must have been measured
    widths: tuple[int, ...] = (32, 64, 128)  # ours: channels after each convolution; the last is the embedding
    kernel: int = 5  # ours: samples
    stride: int = 2  # ours: of each convolution
    hidden_share: float = 0.3  # ours: of the window's samples that are blotted out, in all channels at once
    shortest: int = 4  # ours: samples of the shortest blot, 1/16 s
    longest: int = 16  # ours: samples of the longest blot, 1/4 s: one swing at 4 Hz
    noise_share: float = 0.5  # ours: windows whose blots hold noise as strong as the rest of the window, not 0

    def __post_init__(self) -> None:
        for value, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{value}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        yield f"channels={self.channels}", self.channels >= 1, "a window needs at least 1"
        yield f"widths={self.widths}", min(self.widths, default=0) >= 1, "give at least one width, each at least 1"
        yield f"kernel={self.kernel}", self.kernel % 2 == 1, "symmetric padding needs an odd kernel"
        yield f"stride={self.stride}", 1 <= self.stride <= self.kernel, "a stride of 1 to the kernel leaves no sample out"
        yield (
            f"window_s={self.window_s:g} at {self.rate_hz:g} Hz has {self.length} samples",
            self.length > 0 and self.length % self.total_stride == 0,
            f"the encoder divides time by {self.total_stride}; use a multiple of {self.total_stride / self.rate_hz:g} s",
        )
        yield f"hidden_share={self.hidden_share:g}", 0 < self.hidden_share < 1, "something must be hidden and something seen"
        blots = f"blots of {self.shortest} to {self.longest} samples"
        yield blots, 1 <= self.shortest <= self.longest <= self.length, "lengths must rise from 1 and fit into the window"
        yield f"noise_share={self.noise_share:g}", 0 <= self.noise_share <= 1, "a share lies in [0, 1]"

    @property
    def length(self) -> int:
        """Samples of a window."""
        return round(self.rate_hz * self.window_s)

    @property
    def total_stride(self) -> int:
        """How many samples become one step of the last feature map."""
        return int(self.stride ** len(self.widths))

    @property
    def num_hidden(self) -> int:
        """Samples that are blotted out in each window."""
        return max(1, round(self.hidden_share * self.length))


def paper() -> LiftPDConfig:
    """Return the network and the task as this library reads them: 52,128 parameters in the encoder."""
    return LiftPDConfig()


def small() -> LiftPDConfig:
    """Return half the widths: 13,264 parameters in the encoder, a minute of training on two cores."""
    return replace(paper(), widths=(16, 32, 64))


class Prepared(NamedTuple):
    """What the encoder eats. signal: (B, C, T) g without its line, 0 where not seen. line: (B, C, T) g. seen: (B, C, T)."""

    signal: Tensor
    line: Tensor
    seen: Tensor


class LiftPD(Masked):
    """Masked-value prediction on a waist-worn accelerometer; construction is a pure function of config and seed."""

    name: ClassVar[str] = "lift_pd"
    Config: ClassVar[type[LiftPDConfig]] = LiftPDConfig
    pretext: ClassVar[tuple[str, ...]] = ("decoder.",)
    config: LiftPDConfig
    level_g: Tensor

    def __init__(self, config: LiftPDConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            self.encoder = _encoder(config)
            self.decoder = _decoder(config)
        xavier(self, torch.Generator().manual_seed(seed))
        self.register_buffer("level_g", torch.zeros(config.channels))

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], LiftPDConfig]]:
        """Return the presets by name."""
        return {"paper": paper, "small": small}

    @property
    def input(self) -> InputContract:
        """One accelerometer; gaps are allowed up to `min_valid` because they are 0 after `prepare`."""
        c = self.config
        stream = Stream(modality="acc", rate_hz=c.rate_hz, channels=c.channels)
        return InputContract(streams=(stream,), window_s=c.window_s, min_valid=c.min_valid)

    @property
    def embedding_size(self) -> int:
        """Width of the last convolution."""
        return self.config.widths[-1]

    @property
    def calibration_windows(self) -> int:
        """Windows from which `calibrate` learns where gravity points."""
        return CALIBRATION_WINDOWS

    def calibrate(self, batches: Iterator[Batch]) -> None:
        """Keep each channel's mean on the training side: the guess for a channel of which nothing is seen."""
        moments = Moments(self.config.channels)
        for batch in batches:
            stream = self._stream(batch)
            moments.add(stream.signal.transpose(1, 2).flatten(0, 1), stream.valid.transpose(1, 2).flatten(0, 1))  # (B*T, C)
        with torch.no_grad():
            self.level_g.copy_(moments.mean)

    def plan(self, index: WindowIndex, *, seed: int) -> Shuffled:
        """Return every window once an epoch, alone."""
        return Shuffled(len(index), seed=seed)

    def prepare(self, batch: Batch) -> Prepared:
        """Return each channel without the line through its valid samples."""
        stream = self._stream(batch)
        return self._prepared(stream, stream.valid)

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the mean squared error of blotted-out samples that were measured, g².

        Part besides: explained, 1 - error / power of what was blotted out; 0 is what guessing the line gives.
        """
        stream = self._stream(batch)
        hidden = self._blots(len(batch), draws, device=stream.signal.device)
        prepared = self._prepared(stream, stream.valid & ~hidden)
        guess = self.decoder(self.encoder(self._blotted(prepared, stream.valid & hidden, draws)))
        target = stream.signal - prepared.line
        error = reconstruction_error(guess, target, valid=stream.valid, hidden=hidden)
        with torch.no_grad():
            power = reconstruction_error(torch.zeros_like(guess), target, valid=stream.valid, hidden=hidden)
            explained = 1 - error / power.clamp(min=1e-12)
        return Loss(total=error, parts={"error_g2": error.detach(), "explained": explained})

    def embed(self, batch: Batch) -> Embedded:
        """Return the mean of the last feature map over time, (B, D), with running statistics in either mode."""
        with evaluating(self):
            tokens, vector = self._encoded(self.prepare(batch))
        return Embedded(vector=vector, tokens=tokens)

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the embedding with gradient, (B, D); with draws batch norms use the batch, so that they can adapt."""
        with evaluating(self, unless=draws is not None):
            return self._encoded(self.prepare(batch))[1]

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the last feature map in the order of time, with gradient, (B, N, D); N = T / total_stride; draws as above."""
        with evaluating(self, unless=draws is not None):
            return self._encoded(self.prepare(batch))[0]

    def series(self, batch: Batch) -> Series:
        """Return the acceleration itself, in g, gravity included."""
        stream = self._stream(batch)
        names = tuple(f"acc {number}" for number in range(self.config.channels))
        values = torch.where(stream.valid, stream.signal, 0.0)
        return Series(values=values, valid=stream.valid, names=names, units=("g",) * len(names), step_s=1 / self.config.rate_hz)

    def fill(self, batch: Batch, hidden: Tensor) -> Tensor:
        """Return the decoder's guess plus the line through what is seen, (B, C, T) g; hidden: (B, C, T)."""
        stream = self._stream(batch)
        prepared = self._prepared(stream, stream.valid & ~hidden)
        with evaluating(self):
            guess: Tensor = self.decoder(self.encoder(prepared.signal))
        return guess.float() + prepared.line

    def _encoded(self, prepared: Prepared) -> tuple[Tensor, Tensor]:
        """Return (tokens (B, N, D), vector (B, D)); a token of which no sample was measured does not count."""
        tokens = self.encoder(prepared.signal).transpose(1, 2)  # (B, D, N) -> (B, N, D)
        measured = prepared.seen.any(dim=1).view(*tokens.shape[:2], -1).any(dim=2)  # (B, C, T) -> (B, N)
        return tokens, masked_mean(tokens, measured)

    def _prepared(self, stream: Signal, seen: Tensor) -> Prepared:
        """Return the signal without the line through what is seen; a line that saw what is hidden would tell of it."""
        line = fit_line(stream.signal.float(), seen, otherwise=self.level_g)
        return Prepared(torch.where(seen, stream.signal - line, 0.0), line, seen)

    def _blots(self, rows: int, draws: Draws, *, device: torch.device) -> Tensor:
        """Return which moments of each window are blotted out, (B, 1, T) bool, the same in all channels."""
        c = self.config
        spans = -(-4 * c.num_hidden // c.shortest)  # so many that they hardly ever cover too little
        start = (draws.uniform(rows, spans, device=device) * c.length).long()
        length = c.shortest + (draws.uniform(rows, spans, device=device) * (c.longest - c.shortest + 1)).long()
        return hide_spans(start, length, samples=c.length, num_hidden=c.num_hidden)[:, None]

    def _blotted(self, prepared: Prepared, hidden: Tensor, draws: Draws) -> Tensor:
        """Return the encoder's input with noise in the blots of some windows and 0 in those of the others."""
        signal = prepared.signal
        noise = draws.normal(*signal.shape, device=signal.device)
        is_noisy = draws.uniform(len(signal), 1, 1, device=signal.device) < self.config.noise_share
        power = signal.square().sum(dim=2, keepdim=True) / prepared.seen.sum(dim=2, keepdim=True).clamp(min=1)  # (B, C, 1)
        return torch.where(hidden & is_noisy, noise * power.sqrt(), signal)

    def _stream(self, batch: Batch) -> Signal:
        stream, wanted = batch.streams.get("acc"), self.config.channels
        if stream is None:
            raise BadConfiguration(f"a batch of {', '.join(batch.streams) or 'nothing'}; this recipe reads acc")
        if stream.signal.shape[1] != wanted:
            found = stream.signal.shape[1]
            raise BadConfiguration(f"windows of {found} acc channels; this recipe was made for {wanted}: set channels={found}")
        return stream


def fit_line(signal: Tensor, seen: Tensor, *, otherwise: Tensor) -> Tensor:
    """Return the least-squares line through the seen samples of each channel, at every sample, (B, C, T).

    seen: (B, C, T) bool. A line through one sample is level; where nothing is seen it is `otherwise`, (C,).
    """
    count = seen.sum(dim=2, keepdim=True)
    time = torch.linspace(-1, 1, signal.shape[2], dtype=signal.dtype, device=signal.device).expand_as(signal)

    def mean(values: Tensor) -> Tensor:
        return torch.where(seen, values, 0.0).sum(dim=2, keepdim=True) / count.clamp(min=1)

    middle, level = mean(time), mean(signal)
    slope = mean((time - middle) * (signal - level)) / mean((time - middle).square()).clamp(min=1e-8)
    return torch.where(count > 0, level + slope * (time - middle), otherwise.to(signal.dtype)[:, None])


def hide_spans(start: Tensor, length: Tensor, *, samples: int, num_hidden: int) -> Tensor:
    """Return which samples spans of time hide, (B, S) first samples and lengths -> (B, T) bool, `num_hidden` in every row.

    The spans are laid one after the other, as far as the window goes, until enough is hidden; the last one ends early. If all
    of them hide too little, so do the first samples that are left.
    """
    place = torch.arange(samples, device=start.device)
    covers = (place >= start[..., None]) & (place < (start + length)[..., None])  # (B, S, T)
    first = torch.where(covers.any(dim=1), covers.to(torch.uint8).argmax(dim=1), start.shape[1])  # (B, T) by which span
    chosen = (first * samples + place).argsort(dim=1)[:, :num_hidden]
    return torch.zeros_like(first, dtype=torch.bool).scatter(1, chosen, value=True)


def _encoder(config: LiftPDConfig) -> nn.Sequential:
    """Return convolutions with batch norm and ReLU, (B, C, T) -> (B, D, T / total_stride); norms stand for the biases."""
    layers: list[nn.Module] = []
    for inside, outside in pairwise((config.channels, *config.widths)):
        padding = config.kernel // 2
        convolution = nn.Conv1d(inside, outside, config.kernel, stride=config.stride, padding=padding, bias=False)
        layers += [convolution, nn.BatchNorm1d(outside), nn.ReLU()]
    return nn.Sequential(*layers)


def _decoder(config: LiftPDConfig) -> nn.Sequential:
    """Return the encoder's mirror image, (B, D, T / total_stride) -> (B, C, T).

    The last layer is linear and has no offset: the line through the window is not its business.
    """
    layers: list[nn.Module] = []
    kernel, stride = config.kernel, config.stride
    for inside, outside in pairwise((*config.widths[::-1], config.channels)):
        if layers:
            layers += [nn.BatchNorm1d(inside), nn.ReLU()]
        grow = nn.ConvTranspose1d(
            inside, outside, kernel, stride=stride, padding=kernel // 2, output_padding=stride - 1, bias=False
        )
        layers.append(grow)  # (B, C, T) -> (B, C', T * stride)
    return nn.Sequential(*layers)
