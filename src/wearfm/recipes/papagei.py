"""PaPaGei: an encoder of pulses that learns which of them have the same shape, or which come from the same person.

    (B, 1, T) ─prepare─▶ upright if asked for, standardised ─augment─▶ 18 residual blocks ─mean─▶ h ─dense─▶ z (B, 512)

    preset "s"        z: pulses of one class of sVRI must meet; h: experts guess IPA and SQI; the three losses are added
    preset "s_svri"   z alone; of the pairs of a class only those that SQI finds hard
    preset "p"        h ─projector─▶ (B, 128): two views of one window, or two windows of one person, must meet

Pillai et al. 2025 (ICLR, arXiv:2410.20542); [code] is Nokia-Bell-Labs/papagei-foundation-model at 0c537da. Same as published:
encoder, experts, projector, losses, indices and augmentations, all agreeing with the original to 1e-4; weights load strictly.
Different unless a preset or setting says so: indices are medians over beats, since the published ones tell mainly where the
window was cut (`signals.morphology`); the SQI term is connected; classes have fixed edges; rows of all ranks are contrasted.
Ours throughout: gaps are 0 after standardisation, and a window whose shape cannot be read is in no pair and no term.

The original is filtered before it is cut: `filter_channel(channel, PulseBand())` from `signals.pulse_filter`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from wearfm.augment import Step, cascade, crop_pad, negate, reverse, scale_channels, warp_pace, white_noise
from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.backbones.resnet1d import Drop, Layer, ResNet1D, Stem
from wearfm.nn.draws import Draws
from wearfm.nn.gather import gather_rows
from wearfm.nn.heads import ProjectionHead
from wearfm.nn.modes import evaluating
from wearfm.objectives.spread import watch
from wearfm.objectives.supervised_contrast import Pairs, mine, pairs_by_label, supervised_contrast
from wearfm.recipes.base import Embedded, Loss, Recipe, load_strictly, preset, refuse_unpaired
from wearfm.signals.morphology import beat_ipa, beat_sqi, beat_svri, equal_bins, window_ipa, window_sqi, window_svri
from wearfm.signals.units import modality
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.pairs import SameParticipant
from wearfm.windows.plan import Plan
from wearfm.windows.sample import Balanced, Shuffled

CHOICES = {
    "polarity": ("recorded", "upright"),
    "learns": ("shape", "person"),
    "indices": ("beats", "window"),
    "edges": ("training", "batch"),
    "mining": ("none", "both", "quality"),
    "pairs": ("segment", "participant"),
    "projected": ("embedding", "hidden"),
}
UNUSED = tuple(
    f"basicblock_list.0.bn1.{key}" for key in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
)
CALIBRATION_WINDOWS = 4096  # ours: for the edges of the classes; [code] reads all
SVRI, IPA, SQI = range(3)  # columns of `PaPaGei.indices`
USUAL = ((0.0, 2.0), (-10.0, 10.0), (-3.0, 3.0))  # [code] harmonize_datasets: other windows are left out of pretraining


@dataclass(frozen=True, kw_only=True)
class PaPaGeiConfig:
    """Every number of the method. [code] is the released configuration, [paper] the paper, "ours" a choice of this library."""

    # input
    modality: str = "ppg"
    rate_hz: float = 125.0  # [code]
    window_s: float = 10.0  # [code]: 1250 samples
    min_valid: float = 0.9  # ours: share of samples that must have been measured
    polarity: str = "recorded"  # [code]; "upright": windows whose steepest slopes fall are turned over
    # encoder
    width: int = 32  # [code] channels of the stem, doubled every `widened_every` blocks
    kernel: int = 3  # [code] samples
    depth: int = 18  # [code] blocks; every second one halves the rate
    widened_every: int = 4  # [code]
    dropout: float = 0.5  # [code] before each convolution of a block but the very first
    embedding_size: int = 512  # [code]
    # what is learnt
    learns: str = "shape"  # "shape": S, "person": P
    temperature: float = 0.07  # [code]
    # shape
    contrast_weight: float = 0.6  # [code] alpha; the experts share the rest; at 1 there are none
    is_sqi_learned: bool = True  # [paper]; [code] never connects it, and IPA has its share
    experts: int = 3  # [code] for each of IPA and SQI
    expert_size: int = 256  # [code] hidden units
    expert_dropout: float = 0.3  # [code] of the experts of SQI; those of IPA have none
    indices: str = "beats"  # ours: medians over beats; "window" [code]
    classes: int = 8  # [code] of sVRI, equally wide
    edges: str = "training"  # of the classes: least and largest of the training side [code], or of each batch
    is_largest_apart: bool = False  # ours; True: what is not below the last edge is one class more, as in [code] by rounding
    mining: str = "none"  # [code] S; "both": pairs of sVRI that SQI finds hard; "quality": pairs of SQI that are hard
    mining_classes: int = 5  # [code] of SQI
    mining_margin: float = 0.1  # [code] of cosine
    # person
    pairs: str = "participant"  # [paper]; "segment": two views of one window [code]
    apart_s: float = 10.0  # ours: windows of a pair do not overlap
    projected: str = "embedding"  # ours: z; "hidden": h [code], which leaves the layer that makes z untrained
    projection_hidden: int = 256  # [code]
    projection_size: int = 128  # [code]; 0 for none: z itself is contrasted
    # augmentation: the share of windows that undergo each, in this order
    noise: float = 0.0  # [code] S
    noise_deviation: float = 0.05  # [code] standard deviations of the window
    negate: float = 0.0  # [code] S
    warp: float = 0.0  # [code]
    warp_knots: int = 4  # [code]
    warp_deviation: float = 0.2  # [code]
    reverse: float = 0.0  # [code] S
    scale: float = 0.0  # [code] S
    scale_deviation: float = 0.1  # [code]
    crop: float = 0.25  # [code] S
    crop_concentration: float = 0.5  # [code]

    def __post_init__(self) -> None:
        modality(self.modality)
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise UnknownName(name, getattr(self, name), known)
        for value, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{value}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        least = {"width": 1, "kernel": 1, "depth": 1, "widened_every": 1, "embedding_size": 1, "experts": 1, "classes": 2}
        for name, lowest in least.items():
            yield f"{name}={getattr(self, name)}", getattr(self, name) >= lowest, f"must be at least {lowest}"
        for name in ("dropout", "expert_dropout"):
            yield f"{name}={getattr(self, name):g}", 0 <= getattr(self, name) < 1, "must lie in [0, 1)"
        yield f"temperature={self.temperature:g}", self.temperature > 0, "it divides, so it must be positive"
        yield f"contrast_weight={self.contrast_weight:g}", 0 <= self.contrast_weight <= 1, "a share lies in [0, 1]"
        yield (
            f"window_s={self.window_s:g} at {self.rate_hz:g} Hz",
            self.window_s >= 2 and self.rate_hz >= 24,
            "the shape of a pulse needs 2 s and 24 Hz; use a longer window or a higher rate",
        )

    @property
    def has_experts(self) -> bool:
        """Whether indices are guessed."""
        return self.learns == "shape" and self.contrast_weight < 1

    def augmentations(self) -> tuple[Step, ...]:
        """Return the steps in the order of [code] augmentations.get_transformations."""
        return (
            Step(self.noise, partial(white_noise, lowest=self.noise_deviation, highest=self.noise_deviation)),
            Step(self.negate, negate),
            Step(self.warp, partial(warp_pace, knots=self.warp_knots, deviation=self.warp_deviation, is_shared=True)),
            Step(self.reverse, reverse),
            Step(self.scale, partial(scale_channels, deviation=self.scale_deviation)),
            Step(self.crop, partial(crop_pad, concentration=self.crop_concentration)),
        )


def s() -> PaPaGeiConfig:
    """PaPaGei-S as the paper describes it, on the released encoder: 5,785,612 parameters with the experts."""
    return PaPaGeiConfig(min_valid=1.0, indices="window", edges="training")


def s_released() -> PaPaGeiConfig:
    """PaPaGei-S as its released script runs: no SQI term, a class for the largest value."""
    return replace(s(), is_sqi_learned=False, is_largest_apart=True)


def s_svri() -> PaPaGeiConfig:
    """PaPaGei-S without experts, its pairs mined by quality: 4,993,024 parameters."""
    return replace(s(), contrast_weight=1.0, mining="both", noise=0.25, crop=0.25)


def p() -> PaPaGeiConfig:
    """PaPaGei-P as its released script runs: two views of one window; 5,157,760 parameters with the projector."""
    return PaPaGeiConfig(
        min_valid=1.0,
        learns="person",
        pairs="segment",
        projected="hidden",
        noise=0.35,
        negate=0.20,
        reverse=0.20,
        scale=0.40,
        crop=0.50,
    )


def small() -> PaPaGeiConfig:
    """S on a narrower and shorter encoder, 0.1 million parameters, at 64 Hz: learns on two cores in minutes. Numbers ours."""
    return PaPaGeiConfig(rate_hz=64.0, width=16, depth=10, embedding_size=128, expert_size=64, dropout=0.1)


class Encoded(NamedTuple):
    """hidden: (B, H), the mean map. vector: (B, D), the embedding."""

    hidden: Tensor
    vector: Tensor


class Encoder(nn.Module):
    """Blocks, norm, ReLU, mean over time, and a linear layer [code resnet.py]."""

    def __init__(self, config: PaPaGeiConfig) -> None:
        super().__init__()
        layers = [
            Layer(width=config.width * 2 ** (number // config.widened_every), kernel=config.kernel, stride=1 + number % 2)
            for number in range(config.depth)
        ]
        stem = Stem(width=config.width, kernel=config.kernel)
        self.blocks = ResNet1D(1, stem=stem, layers=layers, shortcut="pad", has_active_start=False)
        self.norm = nn.BatchNorm1d(self.blocks.width)
        self.dense = nn.Linear(self.blocks.width, config.embedding_size)

    def forward(self, signal: Tensor, drop: Drop | None = None) -> Encoded:
        """Return both vectors of (B, 1, T)."""
        hidden = self.norm(self.blocks(signal, drop)).relu().mean(dim=2)  # (B, H, N) -> (B, H)
        return Encoded(hidden, self.dense(hidden))


class Experts(nn.Module):
    """Small networks that guess one number, weighed by a gate that looks at the same vector."""

    def __init__(self, width: int, *, count: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.experts = nn.ModuleList(ProjectionHead(width, hidden=hidden, out=1, dropout=dropout) for _ in range(count))
        self.gate = nn.Linear(width, count)

    def forward(self, hidden: Tensor, draws: Draws | None = None) -> Tensor:
        """Return the guesses, (B, H) -> (B,). draws: for dropout while training."""
        guesses = [self._guess(head, hidden, draws) for head in self.experts]
        weights: Tensor = self.gate(hidden).softmax(dim=1)
        return (weights * torch.cat(guesses, dim=1)).sum(dim=1)  # K times (B, 1) -> (B,)

    @staticmethod
    def _guess(head: nn.Module, hidden: Tensor, draws: Draws | None) -> Tensor:
        assert isinstance(head, ProjectionHead)
        return head(hidden, None if draws is None else head.keep(len(hidden), draws, device=hidden.device))  # type: ignore[no-any-return]


class PaPaGei(Recipe):
    """The method; construction is a pure function of config and seed."""

    name: ClassVar[str] = "papagei"
    pretext: ClassVar[tuple[str, ...]] = ("ipa.", "sqi.", "projector.")
    Config: ClassVar[type[PaPaGeiConfig]] = PaPaGeiConfig
    config: PaPaGeiConfig
    edges: Tensor

    def __init__(self, config: PaPaGeiConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            self.encoder = Encoder(config)
            width = self.encoder.blocks.width
            if config.has_experts:
                sizes = {"count": config.experts, "hidden": config.expert_size}
                self.ipa = Experts(width, dropout=0.0, **sizes)
                self.sqi = Experts(width, dropout=config.expert_dropout, **sizes) if config.is_sqi_learned else None
            if config.learns == "person" and config.projection_size:
                self.encoder.dense.requires_grad_(config.projected == "embedding")
                self.projector = _projector(width if config.projected == "hidden" else config.embedding_size, config)
        self.register_buffer("edges", torch.tensor([USUAL[SVRI], USUAL[SQI]], dtype=torch.float64))  # of sVRI and SQI
        _initialise(self, torch.Generator().manual_seed(seed))
        self.augmentations = config.augmentations()

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], PaPaGeiConfig]]:
        """Return preset name -> function that makes its config."""
        return {"paper": s, "s": s, "s_released": s_released, "s_svri": s_svri, "p": p, "small": small}

    @property
    def input(self) -> InputContract:
        """One channel of one modality."""
        c = self.config
        stream = Stream(modality=c.modality, rate_hz=c.rate_hz, channels=1)
        return InputContract(streams=(stream,), window_s=c.window_s, min_valid=c.min_valid)

    @property
    def embedding_size(self) -> int:
        """Width of z."""
        return self.config.embedding_size

    def plan(self, index: WindowIndex, *, seed: int) -> Plan:
        """Return every window once for shapes; for persons each of them equally often, single windows or pairs."""
        if self.config.learns == "shape":
            return Shuffled(len(index), seed=seed)
        if self.config.pairs == "segment":
            return Balanced(index, seed=seed)
        return SameParticipant(index, seed=seed, apart_s=self.config.apart_s)

    def prepare(self, batch: Batch) -> Tensor:
        """Return windows standardised over their valid samples, (B, 1, T), 0 in gaps and in windows that do not move."""
        stream = self._stream(batch)
        signal = standardise(stream.signal, stream.valid)
        return signal * upright(signal, stream.valid) if self.config.polarity == "upright" else signal

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the loss of shapes or of persons; parts besides are those of `objectives.spread.watch` of z."""
        is_paired = self.config.learns == "person" and self.config.pairs == "participant"
        if is_paired:
            refuse_unpaired(batch)
        signal, valid = self.prepare(batch), self._stream(batch).valid
        if self.config.learns == "shape":
            encoded = self.encoder(*self._view(signal, valid, draws))
            total, parts = self.of_shapes(encoded, self.indices(signal, valid), draws)
            return self._logged(total, parts, encoded.vector, batch.participant)
        repeats = 1 if is_paired else 2  # two windows once each, or one window twice
        signal, valid = signal.repeat_interleave(repeats, dim=0), valid.repeat_interleave(repeats, dim=0)
        encoded = self.encoder(*self._view(signal, valid, draws))
        vectors = gather_rows(self.project(encoded))
        partner = torch.arange(len(vectors), device=vectors.device) // 2
        contrast = supervised_contrast(vectors, self._between(partner, batch, repeats), temperature=self.config.temperature)
        return self._logged(contrast, {"contrast": contrast}, encoded.vector, batch.participant.repeat_interleave(repeats))

    def project(self, encoded: Encoded) -> Tensor:
        """Return the vectors in which persons are contrasted, (B, out); z itself without a projector."""
        if not self.config.projection_size:
            return encoded.vector
        return self.projector(encoded.hidden if self.config.projected == "hidden" else encoded.vector)  # type: ignore[no-any-return]

    def _between(self, partner: Tensor, batch: Batch, repeats: int) -> Pairs:
        """Return partners as positive pairs; two windows of one participant are no negatives where persons are paired."""
        pairs = pairs_by_label(partner)
        if self.config.pairs == "segment":
            return pairs
        participant = gather_rows(batch.participant.repeat_interleave(repeats))
        return pairs._replace(negative=pairs.negative & (participant[:, None] != participant))

    def of_shapes(self, encoded: Encoded, indices: Tensor, draws: Draws | None) -> tuple[Tensor, dict[str, Tensor]]:
        """Return total and parts of the loss of shapes: a contrast + (1 - a) / 2 (IPA + SQI), or (1 - a) IPA alone.

        indices: (B, 3) float64 sVRI, IPA, SQI of the same rows, NaN where unknown. IPA and SQI are mean absolute errors.
        """
        c = self.config
        vectors, known = gather_rows(encoded.vector), gather_rows(indices)
        parts = {"contrast": supervised_contrast(vectors, self.shape_pairs(vectors, known), temperature=c.temperature)}
        total = c.contrast_weight * parts["contrast"]
        if c.has_experts:
            terms = {"ipa": (self.ipa, IPA)} | ({"sqi": (self.sqi, SQI)} if self.sqi is not None else {})
            for name, (heads, column) in terms.items():
                parts[name] = absolute_error(gather_rows(heads(encoded.hidden, draws)), known[:, column])
                total = total + (1 - c.contrast_weight) / len(terms) * parts[name]
        parts["readable"] = known[:, SVRI].isfinite().float().mean()
        return total, parts

    def shape_pairs(self, vectors: Tensor, indices: Tensor) -> Pairs:
        """Return which rows have the same shape: equal classes of sVRI, mined by classes of SQI if asked for.

        The miner of [code] works on SQI: its library then forgets the classes of sVRI ("quality" [inferred]); "both" asks
        that a hard pair of SQI be one of sVRI too.
        """
        c = self.config
        pairs = pairs_by_label(self._classes(indices[:, SVRI], row=0, count=c.classes))
        if c.mining == "none":
            return pairs
        hard = mine(
            vectors, pairs_by_label(self._classes(indices[:, SQI], row=1, count=c.mining_classes)), margin=c.mining_margin
        )
        if c.mining == "quality":
            return hard
        return Pairs(pairs.positive & hard.positive, pairs.negative & hard.negative)

    def _classes(self, values: Tensor, *, row: int, count: int) -> Tensor:
        known = values[values.isfinite()]
        if self.config.edges == "batch" and len(known):
            low, high = known.min().item(), known.max().item()
        else:
            low, high = self.edges[row].tolist()
        classes = equal_bins(values.cpu().numpy(), low=low, high=high, count=count, clip=not self.config.is_largest_apart)
        return torch.from_numpy(classes).to(values.device)

    @torch.no_grad()
    def indices(self, signal: Tensor, valid: Tensor) -> Tensor:
        """Return sVRI, IPA and SQI of prepared windows (B, 1, T), (B, 3) float64, computed on the CPU.

        NaN where the shape cannot be read, and all three where one is outside what is usual [code]. Windows that are not
        whole are read as they stand, gaps 0, with indices="window"; with "beats" only whole beats count.
        """
        rows, mask, rate_hz = signal[:, 0].double().cpu().numpy(), valid[:, 0].cpu().numpy(), self.config.rate_hz
        if self.config.indices == "window":
            columns = [window_svri(rows), window_ipa(rows, rate_hz=rate_hz), window_sqi(rows)]
        else:
            columns = [index(rows, mask, rate_hz=rate_hz) for index in (beat_svri, beat_ipa, beat_sqi)]
        found = np.stack(columns, axis=1)
        low, high = np.array(USUAL).T
        is_odd = ((found <= low) | (found >= high)).any(axis=1) | np.isnan(found[:, SVRI])  # NaN compares as False
        return torch.from_numpy(np.where(is_odd[:, None], np.nan, found)).to(signal.device)

    @property
    def calibration_windows(self) -> int:
        """How many windows the edges of the classes are learnt from."""
        return CALIBRATION_WINDOWS if self.config.learns == "shape" and self.config.edges == "training" else 0

    def calibrate(self, batches: Iterator[Batch]) -> None:
        """Set the edges of the classes to the least and the largest sVRI and SQI; without any they stay."""
        found = torch.cat([self.indices(self.prepare(batch), self._stream(batch).valid) for batch in batches])
        for row, column in enumerate((SVRI, SQI)):
            known = found[:, column][found[:, column].isfinite()]
            if len(known) > 1:
                self.edges[row] = torch.stack((known.min(), known.max())).to(self.edges)

    def embed(self, batch: Batch) -> Embedded:
        """Return z, (B, D), with the running statistics of its batch norms in either mode."""
        with evaluating(self.encoder):
            return Embedded(vector=self.encoder(self.prepare(batch)).vector.float())

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return z with the dropout and batch statistics of training where there are draws."""
        if draws is None:
            return self.embed(batch).vector
        return self.encoder(self.prepare(batch), self._drop(draws)).vector  # type: ignore[no-any-return]

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:
        """Return a recipe holding weights in the names of [code]; strict, but for `UNUSED`, which [code] stores and never runs.

        state: S with experts, P or S-sVRI without, with a projector or not, with or without the prefix `module.`. Shapes give
        all widths; settings: other fields on top of a preset, `preset="s"` with experts and "p" without unless one is named.
        """
        given = {key.removeprefix("module."): tensor for key, tensor in state.items()}
        sizes = _sizes(given)
        name = settings.pop("preset", "s" if "experts" in sizes else "p")
        for field in sizes.keys() & settings.keys():
            if settings[field] != sizes[field]:
                raise BadConfiguration(f"{field}={settings[field]}, but the weights have {sizes[field]}; leave {field} out")
        recipe = cls(preset(cls, name, **settings, **sizes))
        names = {original: key for key, original in _names(recipe.state_dict()).items()}
        edges = {"edges": recipe.edges}
        own = {names.get(key, key): tensor for key, tensor in given.items()}
        load_strictly(recipe, own | edges, what="papagei", ignore=UNUSED)
        return recipe

    def to_original(self) -> dict[str, Tensor]:
        """Return the weights, not copied, in the names of [code]; without `UNUSED` and without the edges of the classes."""
        state = self.state_dict()
        return {original: state[key] for key, original in _names(state).items()}

    def _view(self, signal: Tensor, valid: Tensor, draws: Draws) -> tuple[Tensor, Drop | None]:
        """Return the augmented signal, and dropout."""
        signal, _ = cascade(signal, valid, draws, steps=self.augmentations)
        return signal, self._drop(draws)

    def _drop(self, draws: Draws) -> Drop | None:
        share = self.config.dropout
        if not self.training or share == 0:
            return None
        return lambda map_: map_ * (draws.uniform(*map_.shape, device=map_.device) >= share) / (1 - share)

    def _logged(self, total: Tensor, parts: dict[str, Tensor], vector: Tensor, participant: Tensor) -> Loss:
        parts |= watch(gather_rows(vector.detach()), gather_rows(participant))
        return Loss(total=total, parts={name: part.detach() for name, part in parts.items()})

    def _stream(self, batch: Batch) -> Signal:
        name = self.config.modality
        if name not in batch.streams:
            raise BadConfiguration(
                f"a batch of {', '.join(batch.streams) or 'nothing'}; this recipe reads {name}: set modality"
            )
        stream = batch.streams[name]
        if stream.signal.shape[1] != 1:
            raise BadConfiguration(f"windows of {stream.signal.shape[1]} {name} channels; this recipe reads 1: choose it")
        return stream


def standardise(signal: Tensor, valid: Tensor) -> Tensor:
    """Return each window minus its mean over its population standard deviation + 1e-7 [code], over valid samples; 0 in gaps.

    signal, valid: (B, 1, T). The mean is taken out twice: a PPG's DC may be 10,000 times its pulse. What float32 does not
    resolve beside the mean becomes zeros.
    """
    count = valid.sum(dim=2, keepdim=True).clamp(min=1)
    level = torch.where(valid, signal.float(), 0.0).sum(dim=2, keepdim=True) / count
    centred = torch.where(valid, signal.float() - level, 0.0)
    centred = torch.where(valid, centred - centred.sum(dim=2, keepdim=True) / count, 0.0)
    deviation = (centred.square().sum(dim=2, keepdim=True) / count).sqrt()
    return torch.where(deviation > 1e-6 * level.abs(), centred / (deviation + 1e-7), 0.0)


def upright(signal: Tensor, valid: Tensor) -> Tensor:
    """Return 1 for each window whose steps from sample to sample are skewed upwards, -1 for the others, (B, 1, 1).

    The sign of `signals.morphology.rise_skewness`, in torch.
    """
    both = valid[..., 1:] & valid[..., :-1]
    steps = torch.where(both, signal.diff(dim=-1), 0.0)
    count = both.sum(dim=-1, keepdim=True).clamp(min=1)
    centred = torch.where(both, steps - steps.sum(dim=-1, keepdim=True) / count, 0.0)
    return torch.where(centred.pow(3).sum(dim=-1, keepdim=True) < 0, -1.0, 1.0)


def absolute_error(guess: Tensor, target: Tensor) -> Tensor:
    """Return the mean absolute error where the target is known, (N,) and (N,) with NaN; 0 where none is."""
    known = target.isfinite()
    error = (guess.float() - torch.where(known, target, 0.0).float()).abs()
    return torch.where(known, error, 0.0).sum() / known.sum().clamp(min=1)


def _projector(width: int, config: PaPaGeiConfig) -> nn.Sequential:
    hidden = config.projection_hidden
    return nn.Sequential(nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, config.projection_size))


@torch.no_grad()
def _initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw weights and biases uniform within 1 / sqrt(fan in), torch's own default, from a generator; norms stay 1 and 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Linear):
            bound = layer.weight[0].numel() ** -0.5
            for parameter in layer.parameters(recurse=False):
                parameter.uniform_(-bound, bound, generator=generator)


def _names(keys: Mapping[str, Tensor]) -> dict[str, str]:
    """Return key of `PaPaGei` -> key of [code]."""
    plain = {
        "encoder.blocks.stem.conv": "first_block_conv.conv",
        "encoder.blocks.stem.norm": "first_block_bn",
        "encoder.norm": "final_bn",
        "encoder.dense": "dense",
        "ipa.gate": "gating_network_1.0",
        "sqi.gate": "gating_network_2.0",
    }
    inside = {"norm1": "bn1", "conv1": "conv1.conv", "norm2": "bn2", "conv2": "conv2.conv"}
    places = {"ipa": (1, {"inner": 0, "outer": 2}), "sqi": (2, {"inner": 0, "outer": 3})}  # a dropout is number 2 of SQI's
    names = {}
    for key in keys:
        module, tensor = key.rpartition(".")[::2]
        parts = module.split(".")
        if module in plain:
            names[key] = f"{plain[module]}.{tensor}"
        elif parts[0] == "projector":
            names[key] = key
        elif parts[0] == "encoder":
            names[key] = f"basicblock_list.{parts[3]}.{inside[parts[4]]}.{tensor}"
        elif parts[0] in places:
            number, layers = places[parts[0]]
            names[key] = f"expert_layers_{number}.{parts[2]}.{layers[parts[3]]}.{tensor}"
    return names


def _sizes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the config fields that shapes and keys decide; what a key should have told and is missing, strictness names."""
    sizes: dict[str, Any] = {"is_sqi_learned": "gating_network_2.0.weight" in state}
    shapes = {key: tuple(tensor.shape) for key, tensor in state.items()}
    if "first_block_conv.conv.weight" in shapes:
        sizes["width"], _, sizes["kernel"] = shapes["first_block_conv.conv.weight"]
    if "dense.weight" in shapes:
        sizes["embedding_size"] = shapes["dense.weight"][0]
    blocks = {int(key.split(".")[1]) for key in shapes if key.startswith("basicblock_list.")}
    if blocks:
        sizes["depth"] = max(blocks) + 1
    if "gating_network_1.0.weight" in shapes:
        sizes["experts"] = shapes["gating_network_1.0.weight"][0]
        sizes["expert_size"] = shapes.get("expert_layers_1.0.0.weight", (256,))[0]
        return sizes
    del sizes["is_sqi_learned"]
    inner, outer = shapes.get("projector.0.weight"), shapes.get("projector.3.weight")
    if inner and outer:
        return sizes | {"projection_hidden": inner[0], "projection_size": outer[0]}
    return sizes | {"projection_size": 0}
