"""PAT, the pretrained actigraphy transformer: a week of minutes, restored from a tenth of its patches.

Ruan et al. 2024, "AI foundation models for wearable movement data in mental health research" (arXiv:2411.15240), [paper];
the notebooks njacobsonlab/Pretrained-Actigraphy-Transformer @57ad9c7, [code].

    counts (B, T) ── standardise ── patches of 18 min ── seen tenth ── encoder ─┬─ mean over tokens ─▶ vector (B, 96)
                                                                                ╰─ + mask tokens ── decoder ─▶ minutes (B, T)

Same as published: both patch embeddings, encoder, decoder, positions, what attention maps show, weight names, and, in the
presets of the paper, one mask for the whole batch and a mean and deviation of each minute of the window. Different by
default: a mask for every week, and one mean and deviation for all minutes, which a small cohort can tell. Ours throughout:
minutes that were not measured are 0 after standardisation and no part of the loss; patches without any measured minute
are looked at by nobody. Its option to score hidden minutes only is what it says; the original's scores about 500 minutes
of the first week of the batch, because it takes patch numbers for minute numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.backbones.post_norm import PostNormBlock
from wearfm.nn.draws import Draws
from wearfm.nn.heads import MLPHead
from wearfm.nn.initial import xavier
from wearfm.nn.keras import Entry, take_from_keras, to_keras
from wearfm.nn.masking import Mask, gather_tokens, restore_tokens
from wearfm.nn.moments import Moments
from wearfm.nn.pooling import masked_mean
from wearfm.nn.positions import sincos
from wearfm.objectives.reconstruction import reconstruction_error
from wearfm.recipes.base import Embedded, Loss, Masked, Series
from wearfm.signals.minutes.features import MINUTE_HZ
from wearfm.signals.units import modality
from wearfm.windows.batch import Batch
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import SECOND, UNDATED, WindowIndex
from wearfm.windows.sample import Shuffled

COUNTS = "counts"
DAY_S = 86_400.0
MINUTE_S = 60
CALIBRATION_WINDOWS = 30_000  # as many as the largest published cohort has, 29,307 [paper]
BATCH_STREAM = 0x5EED_0FBA  # ours: sets the noise that a batch shares apart from the noise of its rows
SCALES = ("global", "column")
EMBEDDINGS = ("linear", "conv")
SCORED = ("all", "hidden")


@dataclass(frozen=True, kw_only=True)
class PATConfig:
    """Every number of the method. Sizes are those of PAT-S; "ours" is a choice of this library."""

    # input
    window_s: float = 604_800.0  # seven days from local midnight, 10,080 minutes [paper]
    min_valid: float = 4 / 7  # ours: as much as four of the seven days must have been measured
    scale: str = "global"  # ours: one mean and deviation; "column": of each minute of the window [paper 4.3]
    # encoder
    patch: int = 18  # minutes [code]; PAT-L: 9
    embedding: str = "linear"  # "conv": convolution within the patch, then its mean [code]
    width: int = 96  # [code]
    heads: int = 6  # [code]; PAT-M, PAT-L: 12
    head_width: int = 96  # of each head [code]
    mlp_width: int = 256  # [code]
    depth: int = 1  # blocks [code]; PAT-M: 2, PAT-L: 4
    dropout: float = 0.1  # of what attention and MLP add [code]
    # pretraining
    mask_share: float = 0.9  # of the measured patches [paper]
    is_mask_shared: bool = False  # ours; True: the same patches are hidden in every week of a batch [code]
    scored: str = "all"  # minutes that the loss counts, seen ones too [paper]; "hidden": ours, those not seen
    is_misplaced: bool = False  # ours; True: the decoder gets what was seen at places of hidden patches [code]
    reach: float = 2.0  # the decoder's tanh is stretched to +- so many deviations [code]

    def __post_init__(self) -> None:
        for kind, name, known in (
            ("scale", self.scale, SCALES),
            ("embedding", self.embedding, EMBEDDINGS),
            ("scored", self.scored, SCORED),
        ):
            if name not in known:
                raise UnknownName(kind, name, known)
        for value, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{value}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        sizes = {name: getattr(self, name) for name in ("patch", "heads", "head_width", "mlp_width", "depth")}
        for name, size in sizes.items():
            yield f"{name}={size}", size >= 1, "it must be at least 1"
        is_days = self.window_s > 0 and self.window_s % DAY_S == 0
        yield f"window_s={self.window_s:g}", is_days, f"windows are whole days; use a multiple of {DAY_S:.0f}"
        is_whole = self.minutes % self.patch == 0
        yield f"patch={self.patch}", is_whole, f"it does not divide the {self.minutes} minutes of a window; use a divisor"
        yield f"width={self.width}", self.width >= 2 and self.width % 2 == 0, "positions need an even number"
        yield f"dropout={self.dropout:g}", 0 <= self.dropout < 1, "it must lie in [0, 1)"
        is_share = 0 <= self.mask_share < 1 and self.num_seen >= 1
        yield f"mask_share={self.mask_share:g}", is_share, f"leave at least one of the {self.num_patches} patches visible"
        yield f"reach={self.reach:g}", self.reach > 0, "it must be positive"

    @property
    def minutes(self) -> int:
        """Minutes of a window."""
        return round(self.window_s / MINUTE_S)

    @property
    def num_patches(self) -> int:
        """Patches of a window."""
        return self.minutes // self.patch

    @property
    def num_seen(self) -> int:
        """Patches that the encoder sees in pretraining, of a window without gaps."""
        return self.num_patches - round(self.mask_share * self.num_patches)


def pat_s() -> PATConfig:
    """PAT-S as published: 274,720 parameters in the encoder."""
    return PATConfig(scale="column", is_mask_shared=True, is_misplaced=True)


def pat_m() -> PATConfig:
    """PAT-M as published: 993,440 parameters in the encoder."""
    return replace(pat_s(), heads=12, depth=2)


def pat_l() -> PATConfig:
    """PAT-L as published, 1,984,192 parameters in the encoder: the best on three of five labels, hence "paper"."""
    return replace(pat_m(), patch=9, depth=4)


def small() -> PATConfig:
    """PAT-S with our defaults: a few hundred steps take minutes on two cores."""
    return PATConfig()


class Prepared(NamedTuple):
    """values: (B, T) standardised counts, 0 where not measured. valid: (B, T) bool."""

    values: Tensor
    valid: Tensor


class ConvEmbedding(nn.Module):
    """A convolution over the minutes of each patch by itself, ReLU, mean over the patch [code]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, width, 3, padding=1)

    def forward(self, patches: Tensor) -> Tensor:
        """Return one token a patch, (B, N, P) -> (B, N, D)."""
        maps = self.conv(patches.reshape(-1, 1, patches.shape[2])).relu()  # (B * N, D, P)
        return maps.mean(dim=2).reshape(*patches.shape[:2], -1)  # type: ignore[no-any-return]


class Encoder(nn.Module):
    """Patches with their places, through the blocks; no norm at the end."""

    positions: Tensor

    def __init__(self, config: PATConfig) -> None:
        super().__init__()
        self.patch = config.patch
        self.embed = ConvEmbedding(config.width) if config.embedding == "conv" else nn.Linear(config.patch, config.width)
        self.register_buffer("positions", _positions(config), persistent=False)
        self.blocks = nn.ModuleList(_block(config) for _ in range(config.depth))

    def forward(
        self,
        values: Tensor,
        measured: Tensor,
        *,
        kept: Tensor | None = None,
        draws: Draws | None = None,
        depth: int | None = None,
    ) -> Tensor:
        """Return the tokens of all patches, (B, T) -> (B, N, D), or of those kept, (B, M) -> (B, M, D).

        measured: (B, N) bool, patches that may be looked at. draws: for dropout. depth: how many blocks, None for all.
        """
        patches, places = values.reshape(len(values), -1, self.patch), self.positions  # (B, N, P), (N, D)
        if kept is not None:
            patches, measured, places = gather_tokens(patches, kept), measured.gather(1, kept), places[kept]
        tokens, visible = self.embed(patches) + places, _someone(measured)
        for block in self.blocks[:depth]:
            tokens = block(tokens, visible, draws)
        return tokens  # type: ignore[no-any-return]

    def received(self, values: Tensor, measured: Tensor) -> Tensor:
        """Return how much each patch is looked at in the last block, (B, heads, N), summed over those that look."""
        last = self.blocks[-1]
        assert isinstance(last, PostNormBlock)
        return last.attention.received(self(values, measured, depth=len(self.blocks) - 1), _someone(measured))


class Decoder(nn.Module):
    """Mask tokens where nothing was seen, one block over all places, the minutes of every patch."""

    positions: Tensor

    def __init__(self, config: PATConfig) -> None:
        super().__init__()
        self.reach = config.reach
        self.mask_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.register_buffer("positions", _positions(config), persistent=False)
        self.block = _block(config)
        self.predict = nn.Linear(config.width, config.patch)

    def forward(self, latent: Tensor, restore: Tensor, *, seen: Tensor, draws: Draws | None = None) -> Tensor:
        """Return standardised minutes, tokens (B, M, D) and the places of all patches (B, N) -> (B, T).

        seen: (B, M) bool; mask tokens stand for tokens that were not.
        """
        latent = torch.where(seen[..., None], latent, self.mask_token.to(latent.dtype))
        tokens = restore_tokens(latent, self.mask_token, restore) + self.positions  # (B, N, D)
        return self.reach * self.predict(self.block(tokens, None, draws)).tanh().flatten(1)  # type: ignore[no-any-return]


class PAT(Masked):
    """The recipe; construction is a pure function of config and seed."""

    name: ClassVar[str] = "pat"
    Config: ClassVar[type[PATConfig]] = PATConfig
    pretext: ClassVar[tuple[str, ...]] = ("decoder.",)
    config: PATConfig
    mean: Tensor
    std: Tensor

    def __init__(self, config: PATConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        columns = config.minutes if config.scale == "column" else 1
        self.register_buffer("mean", torch.zeros(columns))
        self.register_buffer("std", torch.ones(columns))
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that `xavier` replaces
            self.encoder = Encoder(config)
            self.decoder = Decoder(config)
        xavier(self, torch.Generator().manual_seed(seed))

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], PATConfig]]:
        """Return the presets by name; "paper" is PAT-L."""
        plain = {"s": pat_s, "m": pat_m, "l": pat_l}
        return {"paper": pat_l, **plain, **{f"conv_{name}": _with_conv(make) for name, make in plain.items()}, "small": small}

    @property
    def input(self) -> InputContract:
        """Counts a minute in windows of whole days from local midnight."""
        stream = Stream(modality=COUNTS, rate_hz=MINUTE_HZ, channels=1)
        c = self.config
        return InputContract(streams=(stream,), window_s=c.window_s, min_valid=c.min_valid, align_s=DAY_S)

    @property
    def embedding_size(self) -> int:
        """The width."""
        return self.config.width

    @property
    def calibration_windows(self) -> int:
        """Every week there is, up to the size of the largest published cohort."""
        return CALIBRATION_WINDOWS

    def calibrate(self, batches: Iterator[Batch]) -> None:
        """Set mean and deviation of all minutes, or of each minute of the window, from the training side.

        A minute of the window at which nobody was measured, or all did the same, gets the values of all minutes: its own
        deviation, 0, would make the first person who moves then infinitely far from everybody.
        """
        overall, columns = Moments(1), Moments(self.config.minutes)
        for batch in batches:
            values, valid = self._counts(batch)
            overall.add(values.reshape(-1, 1), valid.reshape(-1, 1))
            columns.add(values, valid)
        mean, std = overall.mean, overall.std()
        if self.config.scale == "column":
            is_flat = columns.std() == 1  # what `Moments.std` says where it cannot tell
            mean, std = torch.where(is_flat, mean, columns.mean), torch.where(is_flat, std, columns.std())
        self.mean.copy_(mean)
        self.std.copy_(std)

    def plan(self, index: WindowIndex, *, seed: int) -> Shuffled:
        """Return every window once an epoch."""
        return Shuffled(len(index), seed=seed)

    def prepare(self, batch: Batch) -> Prepared:
        """Return standardised counts, 0 (the mean) where they were not measured."""
        values, valid = self._counts(batch)
        return Prepared(torch.where(valid, (values - self.mean) / self.std, 0.0), valid)

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the mean squared error over measured minutes: of all patches, or of hidden ones only. Parts: both."""
        values, valid = self.prepare(batch)
        mask = self.draw_mask(self.measured(valid), draws)
        guess = self.reconstruct(values, mask, draws=draws if self.training else None)
        everything = reconstruction_error(guess, values, valid=valid)
        unseen = reconstruction_error(guess, values, valid=valid, hidden=self.by_minute(mask.hidden))
        total = everything if self.config.scored == "all" else unseen
        return Loss(total=total, parts={"reconstruction": everything.detach(), "hidden": unseen.detach()})

    def embed(self, batch: Batch) -> Embedded:
        """Return one token a patch, and their mean over the patches that were measured."""
        values, valid = self.prepare(batch)
        measured = self.measured(valid)
        tokens = self.encoder(values, measured)
        return Embedded(vector=masked_mean(tokens, measured).float(), tokens=tokens)

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the mean over measured patches, with dropout in the encoder if draws are given, (B, D)."""
        values, valid = self.prepare(batch)
        measured = self.measured(valid)
        return masked_mean(self.encoder(values, measured, draws=draws), measured)

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return one token a patch, (B, N, D), with dropout in the encoder if draws are given."""
        values, valid = self.prepare(batch)
        return self.encoder(values, self.measured(valid), draws=draws)  # type: ignore[no-any-return]

    def attention(self, batch: Batch) -> Tensor:
        """Return how much the last block looks at each minute, (B, T); 0 at minutes that were not measured.

        Summed over queries, mean over heads, divided by the sum over patches, then given to each minute of the patch
        [code]. The paper's text sums over keys, which would be 1 for every patch.
        """
        values, valid = self.prepare(batch)
        measured = self.measured(valid)
        received = self.encoder.received(values, measured).mean(dim=1) * measured  # (B, heads, N) -> (B, N)
        share = received / received.sum(dim=1, keepdim=True).clamp(min=1e-12)
        return self.by_minute(share) * valid

    def series(self, batch: Batch) -> Series:
        """Return the counts."""
        values, valid = self._counts(batch)
        return Series(
            values=torch.where(valid, values, 0.0)[:, None],
            valid=valid[:, None],
            names=(COUNTS,),
            units=(modality(COUNTS).unit,),
            step_s=MINUTE_S,
            block=self.config.patch,
        )

    def fill(self, batch: Batch, hidden: Tensor) -> Tensor:
        """Return the decoder's counts, at least 0, from patches of which no minute is hidden and one at least measured."""
        values, valid = self.prepare(batch)
        seen = self.measured(valid) & ~self.by_patch(hidden[:, 0]).any(dim=2)
        order = (~seen).long().argsort(dim=1, stable=True)
        mask = self.mask_of(order, seen=seen, count=max(int(seen.sum(dim=1).max()), 1))
        guess = self.reconstruct(torch.where(self.by_minute(seen), values, 0.0), mask)
        return (guess * self.std + self.mean).clamp(min=0)[:, None]

    def measured(self, valid: Tensor) -> Tensor:
        """Return which patches have a measured minute, (B, T) -> (B, N)."""
        return self.by_patch(valid).any(dim=2)

    def by_patch(self, minutes: Tensor) -> Tensor:
        """Return the minutes of every patch, (B, T) -> (B, N, P)."""
        return minutes.reshape(len(minutes), -1, self.config.patch)

    def by_minute(self, patches: Tensor) -> Tensor:
        """Return the value of its patch for every minute, (B, N) -> (B, T)."""
        return patches.repeat_interleave(self.config.patch, dim=1)

    def draw_mask(self, measured: Tensor, draws: Draws) -> Mask:
        """Return which patches are hidden: at random, `mask_share` of those measured in each week and the others anyway."""
        rows, length = measured.shape
        if self.config.is_mask_shared:  # a stream of its own: that of `draws` belongs to the rows
            noise = Draws(seed=draws.seed ^ BATCH_STREAM, step=draws.step).uniform(1, length, device=measured.device)
        else:
            noise = draws.uniform(rows, length, device=measured.device)
        order = (noise + 2.0 * ~measured).argsort(dim=1)
        count = measured.sum(dim=1, keepdim=True)
        wanted = (count - (self.config.mask_share * count.double()).round().long()).clamp(min=1)
        seen = (order.argsort(dim=1) < wanted) & measured
        return self.mask_of(order, seen=seen, count=self.config.num_seen)

    def mask_of(self, order: Tensor, *, seen: Tensor, count: int) -> Mask:
        """Return the mask under which some patches are seen, (B, N) bool.

        order: (B, N) patches, those seen first. count: the largest number seen in a row; so many go through the encoder.
        """
        kept, rest = order[:, :count], order[:, count:]
        places = torch.cat([rest, kept], dim=1) if self.config.is_misplaced else order
        return Mask(kept=kept, restore=places.argsort(dim=1), hidden=~seen)

    def reconstruct(self, values: Tensor, mask: Mask, *, draws: Draws | None = None) -> Tensor:
        """Return standardised minutes decoded from the patches that are not hidden, (B, T) -> (B, T)."""
        seen = ~mask.hidden
        latent = self.encoder(values, seen, kept=mask.kept, draws=draws)
        return self.decoder(latent, mask.restore, seen=seen.gather(1, mask.kept), draws=draws)  # type: ignore[no-any-return]

    def _counts(self, batch: Batch) -> Prepared:
        """Return counts and which were measured, (B, T) each; BadConfiguration for other rates and lengths."""
        stream = batch.streams[COUNTS]
        length = stream.signal.shape[2]
        if abs(stream.rate_hz / MINUTE_HZ - 1) > 1e-6 or length != self.config.minutes:
            raise BadConfiguration(
                f"windows of {length} counts every {1 / stream.rate_hz:g} s; pat reads {self.config.minutes}, one a minute"
            )
        return Prepared(stream.signal[:, 0], stream.valid[:, 0])

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:
        """Return a recipe holding published weights, an encoder alone or the whole masked autoencoder.

        state: data set path -> tensor, as `training.read_foreign` gives it of an .h5 file. settings: fields of the config
        that no shape tells. The mean and deviation of the training data are not part of published files: call `calibrate`
        with training windows of your own. A file without decoder leaves the decoder with new weights.
        """
        recipe = cls(replace(_config_of(state), **settings))
        has_decoder = any(name.startswith(("decoder", "mask_layer")) for name in state)
        parts = ("encoder.", "decoder.") if has_decoder else ("encoder.",)
        own = {key: value for key, value in recipe.state_dict().items() if key.startswith(parts)}
        take_from_keras(own, state, entries=_entries(own, heads=recipe.config.heads), what="pat")
        return recipe

    def to_original(self) -> dict[str, Tensor]:
        """Return the weights under the original's names and in its layout, without the scale of the input."""
        own = {key: value for key, value in self.state_dict().items() if key.startswith(("encoder.", "decoder."))}
        return to_keras(own, _entries(own, heads=self.config.heads))


def classifier_from_original(state: Mapping[str, Tensor], **settings: Any) -> tuple[PAT, MLPHead]:
    """Return the encoder and the head of a fine-tuned classifier; its probability is sigmoid(head(recipe.features(batch))).

    state, settings: as of `PAT.from_original`.
    """
    recipe = PAT(replace(_config_of(state), **settings))
    hidden, out = _size(state, "dense_128/dense_128/kernel:0", 1, 128), _size(state, "output/output/kernel:0", 1, 1)
    with torch.random.fork_rng(devices=[]):
        head = MLPHead(recipe.config.width, hidden=hidden, out=out)
    own = {key: value for key, value in recipe.state_dict().items() if key.startswith("encoder.")}
    own |= {f"head.{key}": value for key, value in head.state_dict().items()}
    take_from_keras(own, state, entries=_entries(own, heads=recipe.config.heads), what="pat with a head")
    return recipe, head


def hours_of_week(values: Tensor, *, valid: Tensor, local_ns: Tensor) -> Tensor:
    """Return the mean of a value a minute in each hour of the week, (B, T) -> (7, 24) float64; NaN where there is none.

    Monday first. valid: (B, T) bool, minutes that count. local_ns: (B,) as of a batch.
    """
    if bool((local_ns == UNDATED).any()):
        raise BadConfiguration("a window without time on the wearer's clock has no hour of the week; give its recording a zone")
    minute = local_ns[:, None] // (MINUTE_S * SECOND) + torch.arange(values.shape[1], device=values.device)  # (B, T)
    hour = (minute // 60 + 3 * 24) % 168  # 1970 began on a Thursday
    total, count = (values.new_zeros(168, dtype=torch.float64) for _ in range(2))
    total.index_add_(0, hour[valid], values[valid].double())
    count.index_add_(0, hour[valid], torch.ones_like(values[valid], dtype=torch.float64))
    return (total / count).reshape(7, 24)


PLACES = {  # ours -> the original's group and layer
    "encoder.embed": "dense/dense",
    "encoder.embed.conv": "conv1d_patch_embedding/conv1d_patch_embedding",
    "decoder.predict": "decoder_dense/decoder_dense",
    "head.inner": "dense_128/dense_128",
    "head.outer": "output/output",
}
LAYERS = {  # ours -> the original's, within a block
    "attention.query": "attention/query",
    "attention.key": "attention/key",
    "attention.value": "attention/value",
    "attention.project": "attention/attention_output",
    "norm1": "norm1",
    "expand": "ff1",
    "contract": "ff2",
    "norm2": "norm2",
}


def original_name(key: str) -> str:
    """Return the path of one of our tensors in the original's .h5 file."""
    if key == "decoder.mask_token":
        return "mask_layer/mask_layer/mask_token:0"
    place, _, leaf = key.rpartition(".")
    in_block = re.fullmatch(r"(?:encoder\.blocks\.(\d+)|decoder\.block)\.(.+)", place)
    if in_block is None:
        return f"{PLACES[place]}/{'kernel' if leaf == 'weight' else 'bias'}:0"
    block = "decoder_layer_1" if in_block[1] is None else f"encoder_layer_{int(in_block[1]) + 1}"
    names = {"weight": "gamma", "bias": "beta"} if "norm" in in_block[2] else {"weight": "kernel", "bias": "bias"}
    return f"{block}_transformer/{block}_{LAYERS[in_block[2]]}/{names[leaf]}:0"


def _entries(own: Mapping[str, Tensor], *, heads: int) -> dict[str, Entry]:
    """Return where each of our tensors stands in the original's file."""
    return {key: Entry(name=original_name(key), shape=_original_shape(key, value, heads)) for key, value in own.items()}


def _original_shape(key: str, value: Tensor, heads: int) -> tuple[int, ...]:
    shape = tuple(reversed(value.shape))
    if re.search(r"attention\.(query|key|value)\.", key):
        return (*shape[:-1], heads, shape[-1] // heads)
    if key.endswith("attention.project.weight"):
        return (heads, shape[0] // heads, shape[1])
    return tuple(value.shape) if key == "decoder.mask_token" else shape


def _size(state: Mapping[str, Tensor], name: str, axis: int, default: int) -> int:
    return state[name].shape[axis] if name in state and state[name].ndim > axis else default


def _config_of(state: Mapping[str, Tensor]) -> PATConfig:
    """Return the published config with the sizes that shapes tell; a key that is missing is found out later."""
    base, block = pat_s(), "encoder_layer_1_transformer/encoder_layer_1"
    is_conv = "conv1d_patch_embedding/conv1d_patch_embedding/kernel:0" in state
    depth = len({match[1] for match in (re.match(r"encoder_layer_(\d+)_transformer/", name) for name in state) if match})
    published = pat_l().patch if depth == pat_l().depth else base.patch  # all that an encoder of convolutions tells
    patch = _size(state, "decoder_dense/decoder_dense/bias:0", 0, published)
    query = f"{block}_attention/query/kernel:0"
    return replace(
        base,
        embedding="conv" if is_conv else "linear",
        patch=patch if is_conv else _size(state, "dense/dense/kernel:0", 0, patch),
        width=_size(state, query, 0, base.width),
        heads=_size(state, query, 1, base.heads),
        head_width=_size(state, query, 2, base.head_width),
        mlp_width=_size(state, f"{block}_ff1/kernel:0", 1, base.mlp_width),
        depth=max(depth, 1),
    )


def _block(config: PATConfig) -> PostNormBlock:
    return PostNormBlock(
        config.width,
        heads=config.heads,
        head_width=config.head_width,
        mlp_width=config.mlp_width,
        dropout=config.dropout,
        attention_dropout=0.0,
        eps=1e-6,
    )


def _positions(config: PATConfig) -> Tensor:
    """Return the table of places, (N, D): sines, then cosines [code], in float64 where the original rounds on the way."""
    return torch.tensor(sincos(np.arange(config.num_patches, dtype=np.float64), config.width), dtype=torch.float32)


def _someone(visible: Tensor) -> Tensor:
    """Return a mask with something to look at in every row: all of it where there is nothing, (B, N)."""
    return visible | ~visible.any(dim=1, keepdim=True)


def _with_conv(make: Callable[[], PATConfig]) -> Callable[[], PATConfig]:
    return lambda: replace(make(), embedding="conv")
