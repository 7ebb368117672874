"""LSM-2: days of minute features with their gaps, learned by adaptive and inherited masking (AIM; arXiv:2506.05321).

    (B, S, 1440) ─prepare─▶ z-scored minutes ─tokens─▶ (B, S 144, 10): ten minutes of one signal each
                 ─mask─▶ inherited (really missing) or artificial (hidden to learn); half of the tokens dropped, these first
                 ─encoder─▶ the tokens that are neither dropped nor masked ─decoder─▶ all tokens, the others as one mask token
                 ─loss─▶ squared error where hidden *and* really measured
    embedding: only what was measured is encoded; the mean over its tokens, 0 for a day without any

Nothing was released. Same as published by the authors' blog and an independent re-implementation (OpenMHC): tokens, three
strategies, budget, loss. Widths are OpenMHC's, which give the stated 25 million parameters. Ours: one projection shared by
all signals, signals numbered by the registry so that a subset keeps its places, and packing: masked tokens are left out
instead of being computed and ignored, which changes nothing but the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.backbones.patches import PatchDecoder, PatchEncoder, every_place
from wearfm.nn.draws import Draws
from wearfm.nn.gather import weight_of_own
from wearfm.nn.initial import xavier
from wearfm.nn.masking import Mask, count_kept, keep, restore_tokens
from wearfm.nn.moments import Moments
from wearfm.nn.packing import Packing, group_mean
from wearfm.nn.pooling import masked_mean
from wearfm.nn.positions import sincos
from wearfm.objectives.reconstruction import reconstruction_error
from wearfm.recipes.base import Embedded, Loss, Masked, Series
from wearfm.signals.minutes.features import LSM_FEATURES, MINUTE_FEATURES, MINUTE_HZ, feature_number
from wearfm.signals.units import modality
from wearfm.windows.batch import Batch
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.sample import Shuffled

DAY_S = 86_400.0
STRATEGIES = ("tokens", "times", "signals")


@dataclass(frozen=True, kw_only=True)
class LSM2Config:
    """[blog] the authors' post of 2025-07-22, [OpenMHC] an independent re-implementation, "ours" a choice of this library."""

    features: tuple[str, ...] = tuple(LSM_FEATURES)  # [blog] 26 minute features; any of `MINUTE_FEATURES`
    window_s: float = DAY_S  # [blog] one day; days begin at local midnight (ours)
    min_valid: float = 0.1  # ours: least share of a day, over the features of its recording, that was measured
    patch: int = 10  # [OpenMHC] minutes of one signal that make a token
    min_observed: float = 1.0  # ours: share of a token's minutes that must be measured; below 1 the missing ones are the mean
    gaps: str = "inherited"  # AIM; "filled": gaps become the mean and count as measured, what AIM is compared with (ours)
    strategies: tuple[str, ...] = STRATEGIES  # [OpenMHC] one of them for each window, all equally likely
    token_share: float = 0.8  # [OpenMHC] "tokens": chance of a token to be hidden
    time_share: float = 0.5  # [OpenMHC] "times": chance of ten minutes to be hidden in all signals
    signal_share: float = 0.5  # [OpenMHC] "signals": chance of a signal to be hidden all day
    dropped: float = 0.5  # [OpenMHC] share of the tokens that the encoder never gets, masked ones first
    pack: bool = True  # ours: leave out masked tokens; False computes and ignores them, for static shapes while compiling
    width: int = 384  # [OpenMHC]
    depth: int = 12  # [OpenMHC]
    heads: int = 6  # [OpenMHC]
    mlp_width: int = 1536  # [OpenMHC] 4 x width
    decoder_width: int = 256  # [OpenMHC]
    decoder_depth: int = 4  # [OpenMHC]
    decoder_heads: int = 4  # [OpenMHC]
    decoder_mlp_width: int = 1024  # [OpenMHC] 4 x decoder_width

    def __post_init__(self) -> None:
        for kind, names, known in (
            ("minute feature", self.features, MINUTE_FEATURES),
            ("strategy of lsm2", self.strategies, STRATEGIES),
            ("gaps of lsm2", (self.gaps,), ("inherited", "filled")),
        ):
            for name in names:
                if name not in known:
                    raise UnknownName(kind, name, known)
        for claim, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{claim}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        for name in ("features", "strategies"):
            given = getattr(self, name)
            yield f"{name}={given}", len(set(given)) == len(given) > 0, "name at least one, each once"
        whole = self.patch >= 1 and self.window_s > 0 and self.window_s % (60 * max(self.patch, 1)) == 0
        yield f"window_s={self.window_s:g}", whole, f"tokens of {self.patch} minutes must fill a window; change either"
        for name in ("token_share", "time_share", "signal_share", "min_observed"):
            yield f"{name}={getattr(self, name):g}", 0 < getattr(self, name) <= 1, "give a share above 0, at most 1"
        yield f"dropped={self.dropped:g}", 0 <= self.dropped < 1, "the encoder needs tokens; give a share below 1"
        for name in ("width", "decoder_width"):
            yield f"{name}={getattr(self, name)}", getattr(self, name) % 4 == 0, "positions need a multiple of 4"

    @property
    def grid(self) -> tuple[int, int]:
        """Signals and tokens of each."""
        return len(self.features), round(self.window_s / 60) // self.patch


def paper() -> LSM2Config:
    """Return the construction of 25 million parameters for 26 features a day."""
    return LSM2Config()


def small() -> LSM2Config:
    """Return a model of half a million parameters that learns from days in minutes on two cores. Ours."""
    return LSM2Config(
        patch=20,  # with 26 features the decoder's attention over 3744 tokens would take four times as long
        width=96,
        depth=4,
        heads=4,
        mlp_width=384,
        decoder_width=64,
        decoder_depth=1,
        decoder_heads=2,
        decoder_mlp_width=256,
    )


class Prepared(NamedTuple):
    """What the masks and the encoder eat, S signals of P tokens, N = S * P, signal after signal.

    values: (B, N, patch) z-scored minutes, 0 where not measured. observed: (B, N, patch) bool.
    """

    values: Tensor
    observed: Tensor


class Noise(NamedTuple):
    """Uniform numbers behind the masks. strategy: (B, 1). tokens, order: (B, N). times: (B, P). signals: (B, S)."""

    strategy: Tensor
    tokens: Tensor
    times: Tensor
    signals: Tensor
    order: Tensor


class Masks(NamedTuple):
    """Two kinds of masked tokens, apart until the loss, and which tokens the encoder gets at all.

    inherited: (B, N) bool, missing in reality. artificial: (B, N) bool, hidden to be guessed. budget: the tokens that are
    not dropped, equally many in each row.
    """

    inherited: Tensor
    artificial: Tensor
    budget: Mask

    @property
    def seen(self) -> Tensor:
        """(B, N) bool, tokens that can be attended to: neither masked nor dropped."""
        return ~(self.inherited | self.artificial | self.budget.hidden)

    @property
    def scored(self) -> Tensor:
        """(B, N) bool, tokens that carry loss: hidden on purpose and really measured."""
        return self.artificial & ~self.inherited


class LSM2(Masked):
    """The recipe; construction is a pure function of config and seed."""

    name: ClassVar[str] = "lsm2"
    Config: ClassVar[type[LSM2Config]] = LSM2Config
    config: LSM2Config
    pretext: ClassVar[tuple[str, ...]] = ("decoder.",)
    mean: Tensor
    std: Tensor
    lowest: Tensor
    highest: Tensor

    def __init__(self, config: LSM2Config, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that `xavier` replaces
            self.encoder, self.decoder = _encoder(config), _decoder(config)
        xavier(self, torch.Generator().manual_seed(seed))
        kinds = [modality(name) for name in config.features]
        self.register_buffer("mean", torch.zeros(len(kinds)))
        self.register_buffer("std", torch.ones(len(kinds)))
        self.register_buffer("lowest", torch.tensor([kind.low for kind in kinds]), persistent=False)
        self.register_buffer("highest", torch.tensor([kind.high for kind in kinds]), persistent=False)

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], LSM2Config]]:
        """Return the presets by name."""
        return {"paper": paper, "small": small}

    @property
    def input(self) -> InputContract:
        """Windows from local midnight on, of all features that a recording has."""
        streams = (Stream(modality=n, rate_hz=MINUTE_HZ, channels=1, is_optional=True) for n in self.config.features)
        return InputContract(
            streams=tuple(streams),
            window_s=self.config.window_s,
            min_valid=self.config.min_valid,
            align_s=min(self.config.window_s, DAY_S),
        )

    @property
    def embedding_size(self) -> int:
        """The width."""
        return self.config.width

    @property
    def calibration_windows(self) -> int:
        """A thousand days: half a million measured minutes of each feature."""
        return 1024

    def plan(self, index: WindowIndex, *, seed: int) -> Shuffled:
        """Return every window once an epoch."""
        return Shuffled(len(index), seed=seed)

    def calibrate(self, batches: Iterator[Batch]) -> None:
        """Set mean and standard deviation of every feature, over measured minutes; 0 and 1 for one that is never there."""
        moments = Moments(len(self.config.features))
        for batch in batches:
            series = self.series(batch)
            moments.add(series.values.transpose(1, 2).flatten(0, 1), series.valid.transpose(1, 2).flatten(0, 1))  # (B T, S)
        self.mean.copy_(moments.mean)
        self.std.copy_(moments.std())

    def series(self, batch: Batch) -> Series:
        """Return all features of the config in their order; one that the batch lacks is not valid."""
        config, minutes = self.config, round(self.config.window_s / 60)
        values = self.mean.new_zeros(len(batch), len(config.features), minutes)
        valid = torch.zeros_like(values, dtype=torch.bool)
        for number, name in enumerate(config.features):
            stream = batch.streams.get(name)
            if stream is None:
                continue
            if abs(stream.rate_hz - MINUTE_HZ) > 1e-6 or stream.signal.shape[1:] != (1, minutes):
                raise BadConfiguration(
                    f"{name} comes as {stream.signal.shape[1]} x {stream.signal.shape[2]} samples at {stream.rate_hz:g} Hz; "
                    f"lsm2 reads one channel of {minutes} minutes: cut windows by its input contract"
                )
            values[:, number] = torch.where(stream.valid, stream.signal, 0.0)[:, 0]
            valid[:, number] = stream.valid[:, 0]
        units = tuple(modality(name).unit for name in config.features)
        return Series(values=values, valid=valid, names=config.features, units=units, step_s=60.0, block=config.patch)

    def prepare(self, batch: Batch) -> Prepared:
        """Return z-scored tokens and which of their minutes were measured; all of them if gaps are filled."""
        series = self.series(batch)
        scaled = (series.values - self.mean[:, None]) / self.std[:, None]
        values = self._tokens(torch.where(series.valid, scaled, 0.0))
        observed = self._tokens(series.valid)
        return Prepared(values, torch.ones_like(observed) if self.config.gaps == "filled" else observed)

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the mean squared error, in z-scores, over measured minutes of tokens that were hidden on purpose.

        The mean is over the batch of all processes, however unequally the hidden minutes are spread among them.
        """
        values, observed = self.prepare(batch)
        masks = self.mask(self._missing(observed), self.draw(len(batch), draws, device=values.device))
        guess = self.reconstruct(values, masks.seen, masks.budget)
        scored = masks.scored[..., None]
        weight = weight_of_own((observed & scored).sum(dim=(1, 2)))
        error = weight * reconstruction_error(guess, values, valid=observed, hidden=scored)
        encoded = masks.seen if self.config.pack else ~masks.budget.hidden
        shares = {"encoded_share": encoded.float().mean(), "scored_share": masks.scored.float().mean()}
        return Loss(total=error, parts={"reconstruction": error.detach(), **shares})

    def embed(self, batch: Batch) -> Embedded:
        """Return the mean over the tokens that were measured, of a window and of each signal; zeros where none was."""
        values, observed = self.prepare(batch)
        seen = ~self._missing(observed)
        signals, times = self.config.grid
        if torch.compiler.is_exporting():  # a graph cannot depend on how many tokens there are
            return Embedded(vector=masked_mean(self.encoder.masked(values, seen, every_place(seen)), seen))
        rows = Packing.of(seen)
        latent = self.encoder(values, rows)
        channels = group_mean(latent, rows.place // times, count=len(seen) * signals)  # (B S, D)
        vector = group_mean(latent, rows.row, count=len(seen))
        return Embedded(vector=vector, channels=channels.reshape(len(seen), signals, -1))

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:  # noqa: ARG002
        """Return the mean over the signals measured in each ten minutes, (B, P, D); zeros where none was."""
        values, observed = self.prepare(batch)
        rows = Packing.of(~self._missing(observed))
        times = self.config.grid[1]
        group = rows.row * times + rows.column % times
        return group_mean(self.encoder(values, rows), group, count=len(batch) * times).reshape(len(batch), times, -1)

    @torch.no_grad()
    def fill(self, batch: Batch, hidden: Tensor) -> Tensor:
        """Return the days with every minute that is hidden or not valid guessed, (B, S, T); what is visible stays as it is.

        A token with a hidden minute is not looked at (unless `min_observed` allows it). Guesses stay in the range of their
        unit: no steps below 0.
        """
        series, (values, observed) = self.series(batch), self.prepare(batch)
        shown = observed & ~self._tokens(hidden)
        guess = self.reconstruct(torch.where(shown, values, 0.0), ~self._missing(shown))
        guess = guess.float().reshape(series.values.shape) * self.std[:, None] + self.mean[:, None]  # (B, S, T)
        guess = torch.minimum(torch.maximum(guess, self.lowest[:, None]), self.highest[:, None])
        return torch.where(series.valid & ~hidden, series.values, guess)

    def draw(self, rows: int, draws: Draws, *, device: torch.device) -> Noise:
        """Return the numbers behind the masks of some windows."""
        signals, times = self.config.grid
        tokens = signals * times
        return Noise(*(draws.uniform(rows, size, device=device) for size in (1, tokens, times, signals, tokens)))

    def mask(self, inherited: Tensor, noise: Noise) -> Masks:
        """Return the masks of windows with missing tokens, (B, N) bool: a strategy for each, then the budget."""
        artificial = artificial_mask(self.config, noise)
        count = count_kept(inherited.shape[1], self.config.dropped)
        return Masks(inherited, artificial, keep(count, ~(inherited | artificial), noise=noise.order))

    def reconstruct(self, values: Tensor, seen: Tensor, budget: Mask | None = None) -> Tensor:
        """Return all tokens guessed from the seen ones, (B, N, patch) and (B, N) bool -> (B, N, patch).

        budget: the tokens that go through the encoder where masked ones are computed and ignored (`pack=False`).
        """
        decoder = self.decoder
        if self.config.pack or budget is None:
            rows = Packing.of(seen)
            return decoder(rows.unpack(decoder.embed(self.encoder(values, rows)), decoder.mask_token))  # type: ignore[no-any-return]
        latent = decoder.embed(self.encoder.masked(values, seen, budget.kept))
        tokens = restore_tokens(latent, decoder.mask_token[None, None], budget.restore)
        return decoder(torch.where(seen[..., None], tokens, decoder.mask_token.to(tokens.dtype)))  # type: ignore[no-any-return]

    def _tokens(self, series: Tensor) -> Tensor:
        return series.reshape(len(series), -1, self.config.patch)  # (B, S, T) -> (B, N, patch)

    def _missing(self, observed: Tensor) -> Tensor:
        """Return which tokens have too few measured minutes, (B, N, patch) -> (B, N) bool."""
        return observed.sum(dim=2) < self.config.min_observed * self.config.patch


def artificial_mask(config: LSM2Config, noise: Noise) -> Tensor:
    """Return the tokens that are hidden to be guessed, (B, N) bool; each window by the strategy that its noise chooses."""
    signals, times = config.grid
    masks = {
        "tokens": noise.tokens < config.token_share,
        "times": (noise.times < config.time_share).repeat(1, signals),  # (B, P) -> (B, N)
        "signals": (noise.signals < config.signal_share).repeat_interleave(times, dim=1),  # (B, S) -> (B, N)
    }
    offered = torch.stack([masks[name] for name in config.strategies], dim=1)  # (B, K, N)
    choice = (noise.strategy * len(config.strategies)).long()
    return offered[torch.arange(len(choice), device=choice.device), choice[:, 0]]


def _encoder(config: LSM2Config) -> PatchEncoder:
    return PatchEncoder(
        config.patch,
        positions=_positions(config, config.width),
        depth=config.depth,
        heads=config.heads,
        mlp_width=config.mlp_width,
    )


def _decoder(config: LSM2Config) -> PatchDecoder:
    return PatchDecoder(
        config.patch,
        width=config.width,
        positions=_positions(config, config.decoder_width),
        depth=config.decoder_depth,
        heads=config.decoder_heads,
        mlp_width=config.decoder_mlp_width,
    )


def _positions(config: LSM2Config, width: int) -> Tensor:
    """Return [sine-cosine of the signal's number, sine-cosine of the time], (N, width) float32 [OpenMHC]."""
    times = config.grid[1]
    number = np.array([feature_number(name) for name in config.features], dtype=np.float64)
    signal = np.repeat(sincos(number, width // 2), times, axis=0)  # (N, width / 2)
    time = np.tile(sincos(np.arange(times, dtype=np.float64), width // 2), (len(number), 1))  # (N, width / 2)
    return torch.tensor(np.concatenate([signal, time], axis=1), dtype=torch.float32)
