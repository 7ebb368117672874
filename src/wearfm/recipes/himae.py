"""HiMAE: a convolutional masked autoencoder whose every level is an embedding of its own resolution (arXiv:2510.25785).

    (B, C, T) ─prepare─▶ each channel min-max scaled to [-1, 1]
              ─hide─▶ 80 % of the patches of 5 samples become 0, before the encoder
              ─encoder─▶ 5 residual blocks, each of half the resolution: T/2, T/4, T/8, T/16, T/32
              ─decoder─▶ back up, with the encoder's maps beside it; tanh; the hidden samples are scored
    embedding: the mean over time of one level's map (`level`), or of all of them

Same as the released code (github.com/Simonlee711/HiMAE_Inference at c84b016): encoder, decoder, scaling, masks, loss;
weights load strictly and agree to 1e-4. Ours: gaps (samples that are not valid are 0 like hidden ones, enter no minimum and no
maximum and are never scored; positions without a valid sample are left out of the mean; windows without any are not
shown to the batch norms), one mask for simultaneous channels, and splits by participant where the original splits windows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws
from wearfm.nn.initial import uniform_by_fan_in
from wearfm.nn.masking import keep
from wearfm.nn.modes import evaluating
from wearfm.nn.normalise import Limits, limits
from wearfm.nn.pooling import masked_mean
from wearfm.objectives.reconstruction import reconstruction_error
from wearfm.recipes.base import Embedded, Loss, Masked, Series, load_renamed, renamed
from wearfm.signals.units import modality
from wearfm.windows.batch import Batch
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.sample import Shuffled

ALL = -1  # as `level`: every resolution, one behind the other
FLAT = 1e-6  # [code] a channel whose range is not larger becomes zeros


@dataclass(frozen=True, kw_only=True)
class HiMAEConfig:
    """The released construction. [code] is the repository at c84b016, "ours" a choice of this library."""

    modalities: tuple[str, ...] = ("ppg",)  # [code] PPG, ECG or both: one channel each
    rate_hz: float = 100.0  # [code]; 25 Hz for the smaller watch model
    window_s: float = 10.0  # [code]: 1000 samples
    min_valid: float = 0.75  # ours: least share of samples that must have been measured
    widths: tuple[int, ...] = (16, 32, 64, 128, 256)  # [code] channels of the levels, finest first
    kernel: int = 5  # [code] samples, of every convolution but the shortcuts
    patch: int = 5  # [code] samples hidden together; the trainer's, the inference class of [code] takes 40
    mask_share: float = 0.8  # [code] of the patches, rounded down
    level: int = 4  # [code] which map the embedding is the mean of: 0 finest to 4 coarsest; -1 for all of them

    def __post_init__(self) -> None:
        for name in self.modalities:
            modality(name)
        for value, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{value}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        levels, length = len(self.widths), self.length
        is_once = len(set(self.modalities)) == len(self.modalities) > 0
        yield f"modalities={self.modalities}", is_once, "name at least one, each once"
        yield f"widths={self.widths}", min(self.widths, default=0) >= 1, "give at least one, each at least 1"
        yield f"kernel={self.kernel}", self.kernel % 2 == 1, "symmetric padding needs an odd kernel"
        yield f"level={self.level}", -1 <= self.level < levels, f"choose 0 to {levels - 1}, or -1 for all levels"
        yield f"mask_share={self.mask_share:g}", 0 < self.mask_share < 1, "something must be hidden and something seen"
        yield (
            f"window_s={self.window_s:g} at {self.rate_hz:g} Hz has {length} samples",
            length >= 2**levels,
            f"{levels} levels divide time by {2**levels}; use a longer window or fewer widths",
        )
        yield (
            f"window_s={self.window_s:g} at {self.rate_hz:g} Hz has {length} samples",
            self.patch >= 1 and length % max(self.patch, 1) == 0,
            f"patches of {self.patch} must fill it; change window_s or patch",
        )

    @property
    def length(self) -> int:
        """Samples of a window."""
        return round(self.rate_hz * self.window_s)


def paper() -> HiMAEConfig:
    """Return the released PPG construction at 100 Hz, 1,245,953 parameters."""
    return HiMAEConfig()


def hz25() -> HiMAEConfig:
    """Return the released construction at 25 Hz; patches of 0.2 s are ours, none are published."""
    return replace(paper(), rate_hz=25.0)


def ecg() -> HiMAEConfig:
    """Return the released construction for one lead of ECG."""
    return replace(paper(), modalities=("ecg",))


def ppg_ecg() -> HiMAEConfig:
    """Return the released construction for simultaneous PPG and ECG as two channels."""
    return replace(paper(), modalities=("ppg", "ecg"))


def small() -> HiMAEConfig:
    """Return half the widths at 25 Hz, 313 thousand parameters: hundreds of windows a second on a laptop. Ours."""
    return replace(hz25(), widths=(8, 16, 32, 64, 128))


class Prepared(NamedTuple):
    """What the encoder eats. signal: (B, C, T) in [-1, 1], 0 where not valid. valid: (B, C, T) bool."""

    signal: Tensor
    valid: Tensor


class Down(nn.Module):
    """A residual block of half the resolution: GELU(two convolutions + a strided shortcut)."""

    def __init__(self, before: int, after: int, *, kernel: int) -> None:
        super().__init__()
        self.main = nn.Sequential(*_convolution(before, after, kernel, stride=2), *_convolution(after, after, kernel)[:2])
        self.shortcut = nn.Sequential(*_convolution(before, after, 1, stride=2)[:2])

    def forward(self, signal: Tensor) -> Tensor:
        """Return (B, C, T) -> (B, C', ceil(T / 2))."""
        return F.gelu(self.main(signal) + self.shortcut(signal))


class Up(nn.Module):
    """Twice the resolution and half the channels, blended with the encoder's map of that resolution."""

    def __init__(self, before: int, after: int, *, kernel: int) -> None:
        super().__init__()
        self.widen = _widening(before, after, kernel)
        self.blend = nn.Sequential(*_convolution(2 * after, after, kernel), *_convolution(after, after, kernel))

    def forward(self, signal: Tensor, beside: Tensor) -> Tensor:
        """Return (B, C, T) and (B, C', T') -> (B, C', T'); T' is 2 T or 2 T - 1."""
        wide = self.widen(signal)[..., : beside.shape[2]]  # (B, C', 2 T) -> (B, C', T')
        return self.blend(torch.cat([wide, beside], dim=1))  # type: ignore[no-any-return]


class HiMAE(Masked):
    """The recipe; construction is a pure function of config and seed."""

    name: ClassVar[str] = "himae"
    pretext: ClassVar[tuple[str, ...]] = ("decoder.", "last.")
    Config: ClassVar[type[HiMAEConfig]] = HiMAEConfig
    config: HiMAEConfig

    def __init__(self, config: HiMAEConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config, widths = config, (len(config.modalities), *config.widths)
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that `uniform_by_fan_in` replaces
            self.encoder = nn.ModuleList(Down(a, b, kernel=config.kernel) for a, b in pairwise(widths))
            self.decoder = nn.ModuleList(Up(a, b, kernel=config.kernel) for a, b in pairwise(config.widths[::-1]))
            self.last = _widening(widths[1], widths[0], config.kernel)
        uniform_by_fan_in(self, torch.Generator().manual_seed(seed))

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], HiMAEConfig]]:
        """Return the presets by name."""
        return {"paper": paper, "hz25": hz25, "ecg": ecg, "ppg_ecg": ppg_ecg, "small": small}

    @property
    def input(self) -> InputContract:
        """One channel of each modality, resampled; gaps are allowed up to `min_valid` because they are like hidden samples."""
        streams = tuple(Stream(modality=name, rate_hz=self.config.rate_hz, channels=1) for name in self.config.modalities)
        return InputContract(streams=streams, window_s=self.config.window_s, min_valid=self.config.min_valid)

    @property
    def embedding_size(self) -> int:
        """Width of the chosen level, or the sum of all."""
        return sum(self.config.widths) if self.config.level == ALL else self.config.widths[self.config.level]

    def plan(self, index: WindowIndex, *, seed: int) -> Shuffled:
        """Return every window once an epoch."""
        return Shuffled(len(index), seed=seed)

    def prepare(self, batch: Batch) -> Prepared:
        """Return each channel scaled to [-1, 1] by its own valid samples, in the order of `modalities`."""
        signal, valid = self._physical(batch)
        return Prepared(scaled(signal, valid, limits(signal, valid)), valid)

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the mean squared error over hidden samples that were measured [code]."""
        signal, valid = self.prepare(batch)
        hidden = self.draw_mask(len(signal), draws, device=signal.device)
        there = valid.any(dim=2).any(dim=1)  # (B,)
        if bool(there.any()):  # windows without a sample must not enter the batch norms
            signal, valid, hidden = signal[there], valid[there], hidden[there]
        error = reconstruction_error(self.reconstruct(signal, hidden), signal, valid=valid, hidden=hidden)
        return Loss(total=error, parts={"reconstruction": error.detach()})

    def embed(self, batch: Batch) -> Embedded:
        """Return one vector a window, with the running statistics of the batch norms in either mode."""
        levels = self.levels(batch)
        return Embedded(vector=torch.cat(levels, dim=1) if self.config.level == ALL else levels[self.config.level])

    def levels(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return one vector of each resolution, finest first, (B, D) with D of `widths`; zeros for a window without signal."""
        prepared = self.prepare(batch)
        with evaluating(self):
            maps = self.encode(prepared.signal)
        seen = self._seen(prepared.valid)
        return tuple(masked_mean(each.transpose(1, 2), there) for each, there in zip(maps, seen, strict=True))

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:  # noqa: ARG002
        """Return the map of the chosen level, (B, N, D), zeros without signal; all levels are averaged to the coarsest N."""
        prepared = self.prepare(batch)
        with evaluating(self):
            maps = self.encode(prepared.signal)
        maps = [each * there[:, None] for each, there in zip(maps, self._seen(prepared.valid), strict=True)]
        if self.config.level != ALL:
            return maps[self.config.level].transpose(1, 2)
        coarse = maps[-1].shape[2]
        return torch.cat([F.adaptive_avg_pool1d(each, coarse) for each in maps], dim=1).transpose(1, 2)  # (B, N, sum of D)

    def series(self, batch: Batch) -> Series:
        """Return the channels in the units of their modalities."""
        signal, valid = self._physical(batch)
        names = self.config.modalities
        units = tuple(modality(name).unit for name in names)
        step_s = 1 / self.config.rate_hz
        return Series(values=signal, valid=valid, names=names, units=units, step_s=step_s, block=self.config.patch)

    def fill(self, batch: Batch, hidden: Tensor) -> Tensor:
        """Return the reconstruction between the least and the largest visible sample of each channel.

        Single samples are hidden, not whole patches: to the network every sample that is 0 is a hidden one. Where the
        visible samples do not move, their level is the guess; 0 where there is none.
        """
        signal, valid = self._physical(batch)
        visible = valid & ~hidden
        scale = limits(signal, visible)
        with evaluating(self):
            guess = self.reconstruct(scaled(signal, visible, scale), None)
        return torch.where(_moves(scale), (guess + 1) / 2 * (scale.high - scale.low) + scale.low, scale.low)

    def encode(self, signal: Tensor) -> list[Tensor]:
        """Return the maps of all levels, finest first, (B, C, T) -> [(B, D, ceil(T / 2)), (B, D', ceil(T / 4)) ...]."""
        maps = []
        for block in self.encoder:
            signal = block(signal)
            maps.append(signal)
        return maps

    def decode(self, maps: list[Tensor]) -> list[Tensor]:
        """Return the maps on the way back up, coarsest first, and behind them the signal before tanh."""
        signal, risen = maps[-1], []
        for block, beside in zip(self.decoder, maps[-2::-1], strict=True):
            signal = block(signal, beside)
            risen.append(signal)
        return [*risen, self.last(signal)]

    def reconstruct(self, signal: Tensor, hidden: Tensor | None) -> Tensor:
        """Return (B, C, T) in (-1, 1) from what is not hidden, (B, 1 or C, T) bool; None hides nothing more."""
        seen = signal if hidden is None else torch.where(hidden, 0.0, signal)
        made = self.decode(self.encode(seen))[-1]
        if made.shape[2] != signal.shape[2]:
            made = F.interpolate(made, size=signal.shape[2], mode="linear", align_corners=False)
        return torch.tanh(made)

    def draw_mask(self, rows: int, draws: Draws, *, device: torch.device) -> Tensor:
        """Return which samples of each window are hidden, the same in all its channels, (B, 1, T) bool."""
        patches = self.config.length // self.config.patch
        noise = draws.uniform(rows, patches, device=device)
        everything = torch.ones_like(noise, dtype=torch.bool)
        mask = keep(patches - int(self.config.mask_share * patches), everything, noise=noise)
        return mask.hidden.repeat_interleave(self.config.patch, dim=1)[:, None]  # (B, patches) -> (B, 1, T)

    def _physical(self, batch: Batch) -> Prepared:
        """Return the channels in physical units, 0 where not valid, (B, C, T)."""
        for name in self.config.modalities:
            self._check(batch, name)
        streams = [batch.streams[name] for name in self.config.modalities]
        valid = torch.cat([stream.valid for stream in streams], dim=1)
        signal = torch.cat([stream.signal for stream in streams], dim=1).float()
        return Prepared(torch.where(valid, signal, 0.0), valid)

    def _check(self, batch: Batch, name: str) -> None:
        wanted = (1, self.config.length, self.config.rate_hz)
        if name not in batch.streams:
            found = ", ".join(batch.streams) or "nothing"
            raise BadConfiguration(
                f"a batch of {found}; himae was made for {', '.join(self.config.modalities)}: set modalities"
            )
        stream = batch.streams[name]
        given = (*stream.signal.shape[1:], stream.rate_hz)
        if given != wanted:
            raise BadConfiguration(
                f"{name} of {given[0]} channels, {given[1]} samples at {given[2]:g} Hz; himae was made for"
                f" {wanted[0]}, {wanted[1]} at {wanted[2]:g} Hz: set window_s and rate_hz, or cut the windows anew"
            )

    def _seen(self, valid: Tensor) -> list[Tensor]:
        """Return which positions of each level hold a valid sample of any channel, (B, C, T) -> [(B, N) bool ...]."""
        share = valid.any(dim=1, keepdim=True).float()  # (B, 1, T)
        seen = []
        for _ in self.config.widths:
            share = F.max_pool1d(share, kernel_size=2, ceil_mode=True)
            seen.append(share[:, 0] > 0)
        return seen

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:
        """Return a recipe holding published weights, with or without the prefix `model.` of the training framework; strict.

        Shapes give modalities (PPG alone, or PPG and ECG), widths and kernel. settings: what they do not tell, such as
        modalities=("ecg",), rate_hz=25.
        """
        bare = {key.removeprefix("model."): value for key, value in state.items()}
        config = replace(paper(), **{**_shapes_of(bare), **settings})
        recipe = cls(config)
        load_renamed(recipe, bare, original=original_name, what="himae")
        return recipe

    def to_original(self) -> dict[str, Tensor]:
        """Return the weights under the original's names, without prefix."""
        return {original_name(key): value.detach().clone() for key, value in self.state_dict().items()}


def scaled(signal: Tensor, valid: Tensor, scale: Limits) -> Tensor:
    """Return channels between -1 and 1, (B, C, T); 0 where not valid and for a channel that does not move [code]."""
    span = torch.where(_moves(scale), scale.high - scale.low, 1.0)
    return torch.where(valid & _moves(scale), 2 * (signal - scale.low) / span - 1, 0.0)


def _moves(scale: Limits) -> Tensor:
    return scale.high - scale.low > FLAT


def _convolution(before: int, after: int, kernel: int, *, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv1d(before, after, kernel, stride=stride, padding=kernel // 2, bias=False)
    return [convolution, nn.BatchNorm1d(after), nn.GELU()]


def _widening(before: int, after: int, kernel: int) -> nn.ConvTranspose1d:
    return nn.ConvTranspose1d(before, after, kernel, stride=2, padding=kernel // 2, output_padding=1)


RENAMED = (  # ours, original
    (r"^encoder\.(\d+)\.main\.", r"encoder_layers.\1.main_path."),
    (r"^encoder\.(\d+)\.shortcut\.", r"encoder_layers.\1.shortcut."),
    (r"^decoder\.(\d+)\.widen\.", r"decoder_layers.\1.upconv."),
    (r"^decoder\.(\d+)\.blend\.", r"decoder_layers.\1.conv_block."),
    (r"^last\.", "final_deconv."),
)


def original_name(key: str) -> str:
    """Return the original's name of one of our tensors."""
    return renamed(key, RENAMED)


def _shapes_of(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the config fields that the shapes of original weights tell; the released ones where a key is missing."""

    def size(key: str, axis: int, default: int) -> int:
        return state[key].shape[axis] if key in state and state[key].ndim > axis else default

    base, first = paper(), "encoder_layers.0.main_path.0.weight"
    found = {int(match[1]) for match in (re.match(r"encoder_layers\.(\d+)\.", key) for key in state) if match}
    levels = max(found, default=len(base.widths) - 1) + 1
    known = [size(f"encoder_layers.{level}.main_path.0.weight", 0, 2 ** (level + 4)) for level in range(levels)]
    return {
        "modalities": ("ppg", "ecg")[: size(first, 1, 1)],
        "widths": tuple(known),
        "kernel": size(first, 2, base.kernel),
        "level": levels - 1,
    }
