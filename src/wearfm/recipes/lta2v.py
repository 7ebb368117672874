"""LTA2V, in its spirit: a day and a night of movement in epochs of 30 s, each of which knows what time it is.

    acc  ─spectra of 1 s─▶ mean and deviation in each epoch ─┐                    ┌─ time of day, day, place in the window
    or counts, heart rate ... ─▶ the samples of each epoch  ─┴─▶ (B, N, K, P) ──hide──▶ + ──▶ 6 pre-norm layers ──▶ all of it
                                                                 tokens see 2 h around them and 8 tokens that see everything

Logacjov, Bach & Mork 2025 (Engineering Applications of Artificial Intelligence, 109758), "Long-term self-supervised
learning for accelerometer-based sleep-wake recognition". Neither its code nor its weights are public, and nobody here has
read more of it than the title: a long-term model, a global position, sleep and wake. Everything below is ours, built from
what the same authors did in SelfPAB (`recipes.selfpab`); see docs/recipes/lta2v.md. Not worn is a mask, never a value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.backbones.transformer import Attention, Block, in_parts
from wearfm.nn.calendar import DAY, SECOND, calendar_waves, midnights, time_of_day
from wearfm.nn.draws import Draws
from wearfm.nn.initial import xavier
from wearfm.nn.masking import last_block
from wearfm.nn.moments import Moments
from wearfm.nn.pooling import masked_mean
from wearfm.nn.positions import sincos
from wearfm.nn.tokens.stft import amplitude_of, magnitudes, measured, num_bins, num_frames
from wearfm.objectives.reconstruction import masked_l1
from wearfm.recipes.base import Embedded, Loss, Masked, Series
from wearfm.signals.units import modality
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import UNDATED, WindowIndex
from wearfm.windows.sample import Shuffled

CHOICES = {
    "tokens": ("samples", "spectra"),
    "scale": ("linear", "log"),
    "attention": ("full", "local"),
    "clock": ("calendar", "day", "none"),
}
CALIBRATION_WINDOWS = 128
EPOCHS_AT_ONCE = 2048  # spectra of so many epochs of one channel are in memory together: 25 MB at 50 Hz


@dataclass(frozen=True, kw_only=True)
class LTA2VConfig:
    """Every number of the method, all ours; [SelfPAB] marks what is taken over from there."""

    # input
    modalities: tuple[str, ...] = ("acc",)  # a recording needs one of them; what it lacks is masked
    channels: tuple[int, ...] = (6,)  # of each modality: lower back and thigh [SelfPAB]
    tokens: str = "spectra"  # of what an epoch is made; "samples": the samples themselves, for series of epochs
    rate_hz: float = 50.0  # [SelfPAB]; of series of epochs 1/30 or 1/60
    window_s: float = 86_400.0  # a day: 2,880 tokens
    min_valid: float = 0.25  # share of samples that must have been measured; days begin and end somewhere
    epoch_s: float = 30.0  # what sleep is scored in
    epoch_valid: float = 0.5  # least share of an epoch's frames that must be measured; spectra only
    frame_s: float = 1.0  # [SelfPAB]; spectra only
    hop_s: float = 0.5  # [SelfPAB]; spectra only
    scale: str = "linear"  # [SelfPAB]; "log": sign(x) log(1 + |x|), for counts
    # network
    width: int = 256
    depth: int = 6
    heads: int = 8
    mlp_width: int = 1024
    attention: str = "local"  # cost grows with the length of the window; "full": with its square
    reach: int = 120  # tokens to each side that local attention sees: 2 h in all
    global_tokens: int = 8  # that see everything and are seen by everything
    # position
    clock: str = "day"  # time of day and day; "calendar": month, day, weekday, hour, minute; "none": for comparison
    harmonics: int = 16  # of the time of day; the last one tells 90 minutes apart
    clock_shift_s: float = 0.0  # added to every clock: a control that must cost accuracy, if the clock is used honestly
    # task
    block_shortest: int = 10  # tokens, 5 min
    block_longest: int = 60  # tokens, 30 min
    share_lowest: float = 0.15  # of the tokens, in blocks [SelfPAB]
    share_highest: float = 0.40
    band_probability: float = 0.9  # that frequencies, or series, are hidden throughout [SelfPAB]
    band_share: float = 0.2  # of the frequencies or series [SelfPAB]
    band_block: int = 3  # neighbours that are hidden together [SelfPAB]

    def __post_init__(self) -> None:
        for name in self.modalities:
            modality(name)
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise UnknownName(f"{name} of lta2v", getattr(self, name), known)
        for value, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{value}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        is_paired = len(self.channels) == len(self.modalities) >= 1 and min(self.channels, default=0) >= 1
        yield f"channels={self.channels}", is_paired, f"give one count for each of {self.modalities}"
        samples = self.epoch_s * self.rate_hz
        yield (
            f"epoch_s={self.epoch_s:g} has {samples:g} samples at {self.rate_hz:g} Hz",
            samples > 0.5 and abs(samples - round(samples)) < 1e-6,
            "an epoch needs a whole number: change epoch_s",
        )
        is_long = self.tokens == "samples" or (self.hop >= 1 and self.epoch >= self.frame >= 2)
        yield f"frame_s={self.frame_s:g}, hop_s={self.hop_s:g}", is_long, 'an epoch holds no such frame: tokens="samples"'
        whole = self.window_s / self.epoch_s
        yield f"window_s={self.window_s:g}", abs(whole - round(whole)) < 1e-6, f"use a multiple of {self.epoch_s:g} s"
        yield f"width={self.width}", self.width % (2 * self.heads) == 0, f"use a multiple of twice the {self.heads} heads"
        yield f"reach={self.reach}", self.reach >= 1, "local attention needs a neighbour; for none lower depth"
        yield f"global_tokens={self.global_tokens}", self.global_tokens >= 1, "one at least: somebody must see everything"
        blocks = f"blocks of {self.block_shortest} to {self.block_longest} tokens"
        is_rising = 1 <= self.block_shortest <= self.block_longest < self.num_tokens
        yield blocks, is_rising, f"they must rise and be shorter than the {self.num_tokens} tokens of a window"
        shares = f"shares {self.share_lowest:g} to {self.share_highest:g}"
        yield shares, 0 < self.share_lowest <= self.share_highest < 1, "they must rise between 0 and 1"

    @property
    def num_tokens(self) -> int:
        """Epochs of a window."""
        return round(self.window_s / self.epoch_s)

    @property
    def epoch(self) -> int:
        """Samples of an epoch."""
        return round(self.epoch_s * self.rate_hz)

    @property
    def frame(self) -> int:
        """Samples of a frame."""
        return round(self.frame_s * self.rate_hz)

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return round(self.hop_s * self.rate_hz)

    @property
    def features(self) -> tuple[int, int]:
        """What a token is made of, K x P: frequencies x (mean, deviation) of every channel, or series x samples."""
        if self.tokens == "spectra":
            return num_bins(self.frame), 2 * sum(self.channels)
        return sum(self.channels), self.epoch

    @property
    def bands(self) -> int:
        """How many blocks of frequencies or series are hidden; something always stays."""
        return min(
            max(int(self.band_share * self.features[0] / self.band_block), 1), max(self.features[0] - self.band_block, 0)
        )


def paper() -> LTA2VConfig:
    """Two accelerometers at 50 Hz, a day: what we would build from what is known; the paper's own numbers are not."""
    return LTA2VConfig()


def small() -> LTA2VConfig:
    """One accelerometer at 32 Hz, 15 minutes in epochs of 5 s, 0.1 million parameters: minutes on two cores."""
    return LTA2VConfig(
        channels=(3,),
        rate_hz=32.0,
        window_s=900.0,
        epoch_s=5.0,
        width=64,
        depth=3,
        heads=4,
        mlp_width=128,
        reach=24,
        global_tokens=4,
        block_shortest=4,
        block_longest=24,
    )


def epochs() -> LTA2VConfig:
    """Activity counts and heart rate every 30 s, eight hours: what a watch writes down of a night; minutes on two cores."""
    return LTA2VConfig(
        modalities=("counts", "hr"),
        channels=(1, 1),
        tokens="samples",
        rate_hz=1 / 30,
        window_s=28_800.0,
        scale="log",
        width=64,
        depth=4,
        heads=4,
        mlp_width=256,
        reach=60,
        band_probability=0.5,
        band_share=0.5,
        band_block=1,
    )


class Prepared(NamedTuple):
    """Windows as the network eats them.

    values: (B, N, K, P) standardised, 0 where not known. known: bool, as values. middle_ns: (B, N) int64, the middle of
    every epoch on the wearer's clock. dated: (B,) bool, False where nobody knows what the clock said.
    """

    values: Tensor
    known: Tensor
    middle_ns: Tensor
    dated: Tensor


class Noise(NamedTuple):
    """Uniform numbers that decide what is hidden of B windows, and first frequencies of hidden bands, (B, m) int64."""

    share: Tensor  # (B,), how much
    lengths: Tensor  # (B, J), of the blocks into which the window falls
    offset: Tensor  # (B,), how much of the first block lies before the window
    order: Tensor  # (B, J), in which they are hidden
    band: Tensor  # (B,), whether bands are hidden
    bands: Tensor


class LocalAttention(Attention):
    """`Attention`, seen through a band: the first `leaders` tokens see all and are seen by all, others see `reach` around.

    The same numbers as `Attention` gives with that mask, but in chunks of `reach` queries, which need the keys of three
    chunks: time and memory grow with the length, not with its square. Beltagy et al. 2020 (arXiv:2004.05150), section 3.
    """

    def __init__(self, width: int, *, heads: int, reach: int, leaders: int) -> None:
        super().__init__(width, heads=heads)
        self.reach, self.leaders = reach, leaders

    def forward(self, tokens: Tensor, visible: Tensor | None = None) -> Tensor:
        """Return what each token gathers, (B, L + N, D) -> (B, L + N, D). visible: (B, L + N) bool, leaders are always."""
        B, length, D = tokens.shape
        visible = tokens.new_ones(B, length, dtype=torch.bool) if visible is None else visible
        packed = self.qkv(tokens).reshape(B, length, 3, self.heads, D // self.heads)
        query, key, value = packed.permute(2, 0, 3, 1, 4).unbind(0)  # 3 of (B, H, L + N, d)
        leading = F.scaled_dot_product_attention(query[:, :, : self.leaders], key, value, attn_mask=visible[:, None, None])
        following = self._follow(query[:, :, self.leaders :], key, value, visible)
        mixed = torch.cat([leading, following], dim=2)
        return self.project(mixed.transpose(1, 2).reshape(B, length, D))  # type: ignore[no-any-return]

    def _follow(self, query: Tensor, key: Tensor, value: Tensor, visible: Tensor) -> Tensor:
        """Return what each token gathers from the leaders and around itself, (B, H, N, d)."""
        B, H, N, d = query.shape
        size, count = self.reach, -(-N // self.reach)
        queries = F.pad(query, (0, 0, 0, count * size - N)).reshape(B, H, count, size, d)
        keys, values = (self._around(part, count) for part in (key, value))  # (B, H, count, L + 3 size, d)
        place = torch.arange(3 * size, device=query.device)
        near = (place[None] - place[size : 2 * size, None]).abs() <= size  # (size, 3 size)
        seen = self._around(visible[:, None, :, None], count)[:, 0, :, None, :, 0]  # (B, count, 1, L + 3 size)
        mask = seen & F.pad(near, (self.leaders, 0), value=True)  # (B, count, size, L + 3 size)
        queries, keys, values = (part.transpose(1, 2).flatten(0, 1) for part in (queries, keys, values))  # (B * count, H, ., d)
        mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask.flatten(0, 1)[:, None])
        return mixed.reshape(B, count, H, size, d).transpose(1, 2).reshape(B, H, count * size, d)[:, :, :N]

    def _around(self, part: Tensor, count: int) -> Tensor:
        """Return the leaders and the neighbourhood of every chunk, (B, H, L + N, d) -> (B, H, count, L + 3 size, d)."""
        leading, following = part[:, :, : self.leaders], part[:, :, self.leaders :]
        size, length = self.reach, following.shape[2]
        padded = F.pad(following, (0, 0, size, (count + 1) * size - length))  # (B, H, (count + 2) size, d)
        around = padded.unfold(2, 3 * size, size).transpose(3, 4)  # (B, H, count, 3 size, d)
        return torch.cat([leading[:, :, None].expand(-1, -1, count, -1, -1), around], dim=3)


class Encoder(nn.Module):
    """Tokens with their time and place through layers of local or full attention."""

    positions: Tensor
    days: Tensor

    def __init__(self, config: LTA2VConfig) -> None:
        super().__init__()
        self.config = config
        self.project = nn.Linear(math.prod(config.features), config.width)
        self.global_token = nn.Parameter(torch.zeros(1, config.global_tokens, config.width))
        self.hours = nn.Linear(2 * config.harmonics, config.width, bias=False) if config.clock == "day" else None
        self.blocks = nn.ModuleList(
            Block(config.width, heads=config.heads, mlp_width=config.mlp_width) for _ in range(config.depth)
        )
        if config.attention == "local":
            for block in self.blocks:
                block.attention = LocalAttention(
                    config.width, heads=config.heads, reach=config.reach, leaders=config.global_tokens
                )
        self.norm = nn.LayerNorm(config.width)
        self.register_buffer("positions", _table(config.num_tokens, config.width), persistent=False)
        num_days = math.ceil(config.window_s * SECOND / DAY) + 1  # a window of a day may touch two
        self.register_buffer("days", _table(num_days, config.width), persistent=False)

    def forward(self, shown: Prepared) -> Tensor:
        """Return the tokens, (B, N, K, P) -> (B, N, D)."""
        tokens = self.project(shown.values.flatten(2)) + self.positions + self.clock(shown)  # (B, N, K, P) -> (B, N, D)
        leaders = self.global_token.expand(len(tokens), -1, -1)
        visible = F.pad(shown.known.flatten(2).any(dim=2), (leaders.shape[1], 0), value=True)  # (B, L + N)
        tokens = torch.cat([leaders.to(tokens.dtype), tokens], dim=1)
        for block in self.blocks:
            tokens = in_parts(block, tokens, visible)
        return self.norm(tokens[:, leaders.shape[1] :])  # type: ignore[no-any-return]

    def clock(self, shown: Prepared) -> Tensor:
        """Return what the time adds to each token, (B, N, D); 0 where it is not known."""
        if self.hours is not None:
            waves = self.hours(time_of_day(shown.middle_ns, harmonics=self.config.harmonics))
            waves = waves + self.days[midnights(shown.middle_ns)]
        elif self.config.clock == "calendar":
            waves = calendar_waves(shown.middle_ns, size=self.config.width)
        else:
            return torch.zeros_like(self.positions)
        return torch.where(shown.dated[:, None, None], waves, 0.0)


class LTA2V(Masked):
    """The recipe; construction is a pure function of config and seed."""

    name: ClassVar[str] = "lta2v"
    Config: ClassVar[type[LTA2VConfig]] = LTA2VConfig
    pretext: ClassVar[tuple[str, ...]] = ("predict.",)
    config: LTA2VConfig
    mean: Tensor
    std: Tensor

    def __init__(self, config: LTA2VConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that `xavier` replaces
            self.encoder = Encoder(config)
            self.predict = nn.Linear(config.width, math.prod(config.features))
        xavier(self, torch.Generator().manual_seed(seed))
        self.register_buffer("mean", torch.zeros(math.prod(config.features)))
        self.register_buffer("std", torch.ones(math.prod(config.features)))

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], LTA2VConfig]]:
        """Return preset name -> function that makes its config."""
        return {"paper": paper, "small": small, "epochs": epochs}

    @property
    def input(self) -> InputContract:
        """Each modality at one rate; of several, a recording may lack all but one."""
        c = self.config
        streams = tuple(
            Stream(modality=name, rate_hz=c.rate_hz, channels=count, is_optional=len(c.modalities) > 1)
            for name, count in zip(c.modalities, c.channels, strict=True)
        )
        return InputContract(streams=streams, window_s=c.window_s, min_valid=c.min_valid)

    @property
    def embedding_size(self) -> int:
        """The width."""
        return self.config.width

    def plan(self, index: WindowIndex, *, seed: int) -> Shuffled:
        """Return every window once an epoch."""
        return Shuffled(len(index), seed=seed)

    @property
    def calibration_windows(self) -> int:
        """Windows from which mean and deviation of each feature are learned."""
        return CALIBRATION_WINDOWS

    def calibrate(self, batches: Iterator[Batch]) -> None:
        """Set mean and standard deviation of every feature over all measured epochs."""
        moments = Moments(len(self.mean))
        for batch in batches:
            values, known = self._physical(batch)
            moments.add(self._scaled(values).flatten(2).flatten(0, 1), known.flatten(2).flatten(0, 1))  # (B * N, K * P)
        self.mean.copy_(moments.mean)
        self.std.copy_(moments.std())

    def prepare(self, batch: Batch) -> Prepared:
        """Return the standardised features of every epoch, and what the clock said."""
        c = self.config
        values, known = self._physical(batch)
        standard = (self._scaled(values) - self.mean.view(c.features)) / self.std.view(c.features)
        dated = batch.local_ns != UNDATED
        start_ns = torch.where(dated, batch.local_ns, 0) + round(c.clock_shift_s * SECOND)
        epoch_ns = round(c.epoch_s * SECOND)
        middle = torch.arange(c.num_tokens, device=start_ns.device) * epoch_ns + epoch_ns // 2
        middle_ns = start_ns[:, None] + middle  # (B,) -> (B, N)
        return Prepared(torch.where(known, standard, 0.0), known, middle_ns, dated)

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return how far the network is off where something was hidden, in standard deviations."""
        prepared = self.prepare(batch)
        hidden = hide(self.draw(len(batch), draws), config=self.config)
        guess = self._guess(prepared._replace(values=prepared.values.masked_fill(hidden, 0.0)))
        mask = hidden & prepared.known
        error = masked_l1(guess, prepared.values, mask=mask)
        return Loss(total=error, parts={"masked_l1": error.detach(), "masked_share": mask.float().mean()})

    def draw(self, rows: int, draws: Draws) -> Noise:
        """Return what decides what is hidden of `rows` windows."""
        c, device = self.config, self.mean.device
        blocks = -(-c.num_tokens // c.block_shortest) + 1
        one, lengths, order = (draws.uniform(rows, count, device=device) for count in (3, blocks, blocks))
        bands = draws.permutation(rows, c.features[0] - c.band_block + 1, device=device)[:, : c.bands]
        return Noise(share=one[:, 0], lengths=lengths, offset=one[:, 1], order=order, band=one[:, 2], bands=bands)

    def embed(self, batch: Batch) -> Embedded:
        """Return the mean of the measured epochs' tokens, and the tokens, (B, N, D)."""
        prepared = self.prepare(batch)
        tokens = self.encoder(prepared)
        return Embedded(vector=masked_mean(tokens, prepared.known.flatten(2).any(dim=2)), tokens=tokens)

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:  # noqa: ARG002
        """Return a token for every epoch, (B, N, D)."""
        return self.encoder(self.prepare(batch))  # type: ignore[no-any-return]

    def series(self, batch: Batch) -> Series:
        """Return mean and deviation of every amplitude in each epoch, or the samples, in their units."""
        c = self.config
        values, known = self._physical(batch)
        channels = [(name, number) for name, count in zip(c.modalities, c.channels, strict=True) for number in range(count)]
        named = [(name, f"{name} {number}") for name, number in channels]
        if c.tokens == "spectra":
            hertz = [f"{k / c.frame_s:g} Hz" for k in range(c.features[0])]
            named = [(name, f"{label} {kind} {hz}") for hz in hertz for name, label in named for kind in ("mean", "std")]
        return Series(
            values=self._to_series(values),
            valid=self._to_series(known),
            names=tuple(label for _, label in named),
            units=tuple(modality(name).unit for name, _ in named),
            step_s=c.epoch_s if c.tokens == "spectra" else 1 / c.rate_hz,
        )

    def fill(self, batch: Batch, hidden: Tensor) -> Tensor:
        """Return the network's guess of `series`, hidden values shown as 0, as in training; each hides alone."""
        c, prepared = self.config, self.prepare(batch)
        shown = prepared.values.masked_fill(self._from_series(hidden), 0.0)
        scaled = self._guess(prepared._replace(values=shown)) * self.std.view(c.features) + self.mean.view(c.features)
        guess = scaled.sign() * scaled.abs().clamp(max=30.0).expm1() if c.scale == "log" else scaled
        if c.tokens == "spectra":
            return self._to_series(guess.clamp(min=0))
        known = [modality(name) for name, count in zip(c.modalities, c.channels, strict=True) for _ in range(count)]
        low, high = (guess.new_tensor(bounds)[:, None] for bounds in ([m.low for m in known], [m.high for m in known]))
        return self._to_series(guess.clamp(low, high))

    def _guess(self, shown: Prepared) -> Tensor:
        """Return what the network says of the features of every epoch, (B, N, K, P)."""
        return self.predict(self.encoder(shown)).view_as(shown.values)  # type: ignore[no-any-return]

    def _scaled(self, values: Tensor) -> Tensor:
        return values.sign() * values.abs().log1p() if self.config.scale == "log" else values

    def _to_series(self, features: Tensor) -> Tensor:
        """Return features as series: (B, N, K, P) -> (B, K * P, N) of spectra, (B, K, N * P) of samples."""
        if self.config.tokens == "spectra":
            return features.flatten(2).transpose(1, 2)
        return features.transpose(1, 2).flatten(2)

    def _from_series(self, series: Tensor) -> Tensor:
        """Return series as features, the inverse of `_to_series`."""
        c = self.config
        shape = (len(series), c.num_tokens, *c.features)
        if c.tokens == "spectra":
            return series.transpose(1, 2).reshape(shape)
        return series.view(len(series), c.features[0], c.num_tokens, c.features[1]).transpose(1, 2)

    def _physical(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the features of every epoch in physical units, 0 where not known, and which are known; (B, N, K, P)."""
        c = self.config
        cut = [self._cut(batch, name, count) for name, count in zip(c.modalities, c.channels, strict=True)]
        if c.tokens == "samples":
            both = (torch.cat(parts, dim=1).transpose(1, 2) for parts in zip(*cut, strict=True))  # (B, C, N, P) -> (B, N, C, P)
        else:
            spectra = [self._pooled_spectra(signal, valid) for signal, valid in cut]
            both = (torch.cat(parts, dim=3) for parts in zip(*spectra, strict=True))
        values, known = both
        return values, known

    def _cut(self, batch: Batch, name: str, channels: int) -> tuple[Tensor, Tensor]:
        """Return the samples of every epoch, 0 where not valid, and which are, (B, C, T) -> (B, C, N, samples)."""
        c = self.config
        shape = (len(batch), channels, c.num_tokens, c.epoch)
        if name not in batch.streams:
            nothing = torch.zeros(shape, device=self.mean.device)
            return nothing, nothing.bool()
        stream = self._checked(batch.streams[name], name, channels)
        return torch.where(stream.valid, stream.signal, 0.0).view(shape), stream.valid.view(shape)

    def _checked(self, stream: Signal, name: str, channels: int) -> Signal:
        c = self.config
        given, expected = tuple(stream.signal.shape[1:]), (channels, c.num_tokens * c.epoch)
        if given != expected or abs(stream.rate_hz / c.rate_hz - 1) > 1e-6:
            raise BadConfiguration(
                f"{name}: windows of {given[0]} channels and {given[1]} samples at {stream.rate_hz:g} Hz; this recipe was made"
                f" for {expected[0]} and {expected[1]} at {c.rate_hz:g} Hz: set channels, window_s and rate_hz"
            )
        return stream

    def _pooled_spectra(self, signal: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation of each amplitude over an epoch's measured frames, (B, C, N, samples) -> (B, N, K, 2 C).

        Frames lie inside their epoch, so that no epoch tells of another.
        """
        B, C, N, _ = signal.shape
        signals, valids = signal.flatten(0, 2), valid.flatten(0, 2)  # (B, C, N, samples) -> (B * C * N, samples)
        parts = [slice(first, first + EPOCHS_AT_ONCE) for first in range(0, len(signals), EPOCHS_AT_ONCE)]
        pooled, known = zip(*(self._pool(signals[part], valids[part]) for part in parts), strict=True)  # (R, 2, K), (R,)
        values = torch.cat(pooled).view(B, C, N, 2, -1).permute(0, 2, 4, 1, 3).flatten(3)  # (B, N, K, C * 2)
        share = torch.cat(known).view(B, C, N).transpose(1, 2)  # (B, N, C)
        return values, share.repeat_interleave(2, dim=2)[:, :, None].expand(values.shape)

    def _pool(self, signal: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation over the frames of R epochs, (R, samples) -> (R, 2, K), and which epochs are known."""
        c = self.config
        there = measured(valid, size=c.frame, hop=c.hop)  # (R, frames)
        amplitudes = magnitudes(signal, size=c.frame, hop=c.hop) * amplitude_of(c.frame).to(signal)  # (R, frames, K)
        mean = masked_mean(amplitudes, there)
        deviation = masked_mean((amplitudes - mean[:, None]).square(), there).sqrt()
        count = there.sum(dim=1)
        known = (count > 0) & (count >= c.epoch_valid * num_frames(c.epoch, size=c.frame, hop=c.hop))
        return torch.where(known[:, None, None], torch.stack([mean, deviation], dim=1), 0.0), known


def hide(noise: Noise, *, config: LTA2VConfig) -> Tensor:
    """Return which features are hidden, (B, N, K, 1) bool: blocks of tokens, and frequencies or series throughout.

    A window falls into blocks of random length; they are hidden in random order until the window's share is reached, so
    that at most one block too much is gone.
    """
    c = config
    span = c.block_longest - c.block_shortest + 1
    lengths = c.block_shortest + (noise.lengths * span).long()  # (B, J)
    ends = lengths.cumsum(dim=1) - (noise.offset * lengths[:, 0]).long()[:, None]
    inside = ends.clamp(max=c.num_tokens).diff(dim=1, prepend=torch.zeros_like(ends[:, :1]))  # tokens of each block
    order = noise.order.argsort(dim=1)
    gone = inside.gather(1, order).cumsum(dim=1) - inside.gather(1, order)  # tokens hidden before each one's turn
    wanted = (c.share_lowest + noise.share * (c.share_highest - c.share_lowest)) * c.num_tokens  # (B,)
    chosen = torch.zeros_like(inside, dtype=torch.bool).scatter(1, order, gone < wanted[:, None])
    places = torch.arange(c.num_tokens, device=ends.device).expand(len(ends), -1).contiguous()
    blocks = chosen.gather(1, torch.searchsorted(ends, places, right=True))  # (B, J) -> (B, N)
    bands = last_block(noise.bands, size=c.band_block, length=c.features[0]) >= 0  # (B, K)
    bands = bands & (noise.band < c.band_probability)[:, None]
    return (blocks[:, :, None] | bands[:, None])[..., None]


def _table(count: int, width: int) -> Tensor:
    return torch.tensor(sincos(np.arange(count, dtype=np.float64), width), dtype=torch.float32)
