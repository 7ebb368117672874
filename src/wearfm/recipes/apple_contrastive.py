"""Participant-level contrastive learning for PPG and ECG: two windows of one person must find each other.

Abbaspourazad et al. 2024 (ICLR, arXiv:2312.05409), "Large-scale training of foundation models for wearable biosignals";
the code of the PPG model is apple/ml-ppg-age-analysis @8b8b448 ([code] below), written for Miller et al. 2025 (Nature
Communications, doi:10.1038/s41467-025-64275-4).

    window 2k   ── standardise ── augment ── student ─┐                 encoder (B, D) ── head (B, out)
    window 2k+1 ── standardise ── augment ── teacher ─┴─ InfoNCE, + KoLeo of the student; then the other way round

Same as published: the encoder, the head, the momentum teacher (parameters only, batch norms in training mode with buffers
of its own), both losses, the five augmentations with their probabilities. Different unless a preset of the released code
is chosen: no window of the same person is ever a negative, KoLeo has no constant teacher half, and simultaneous channels
are warped in time together. Ours throughout: gaps are 0 after standardisation and never enter a statistic.

Apple holds a patent application on the method (US 2025/0104861 A1): see docs/recipes/apple_contrastive.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from wearfm.augment import Step, cascade, cut_out, permute_channels, warp_magnitude, warp_time, white_noise
from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.backbones.efficientnet import EfficientNet, Stage
from wearfm.nn.draws import Draws
from wearfm.nn.gather import gather_rows
from wearfm.nn.heads import ProjectionHead
from wearfm.nn.initial import uniform_by_fan_in
from wearfm.nn.modes import evaluating
from wearfm.nn.momentum import follow, follower
from wearfm.nn.normalise import standardise
from wearfm.objectives.info_nce import info_nce
from wearfm.objectives.koleo import koleo
from wearfm.objectives.spread import alignment, watch
from wearfm.recipes.base import Embedded, Loss, Recipe, preset, refuse_difference, refuse_unpaired
from wearfm.signals.units import modality
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.pairs import SameParticipant

NEGATIVES = ("others", "apple_code")
UNIT = 36  # widths are int(embedding_size / 36 * m): the last stage has m = 36 [code efficientnet.py]


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A stage as published. m: width in units of embedding_size / 36. is_long: kernel 2k - 1 instead of k."""

    m: int
    stride: int
    is_long: bool
    is_expanded: bool = True


STEM_M = 6
STAGES = (  # [code efficientnet.py]
    _Row(m=4, stride=1, is_long=False, is_expanded=False),
    _Row(m=5, stride=2, is_long=False),
    _Row(m=7, stride=2, is_long=True),
    _Row(m=9, stride=2, is_long=False),
    _Row(m=11, stride=2, is_long=True),
    _Row(m=14, stride=2, is_long=True),
    _Row(m=18, stride=1, is_long=True),
)
REPEATS = (1, 2, 2, 3, 3, 4, 1)


@dataclass(frozen=True, kw_only=True)
class ContrastiveConfig:
    """Every number of the method. [code] is the released configuration; "ours" is a choice of this library."""

    # input
    modality: str = "ppg"
    channels: int = 4  # optical paths [code]
    rate_hz: float = 64.0  # 3840 samples = 60 s [code]
    window_s: float = 60.0  # [paper]
    min_valid: float = 0.9  # ours: share of samples that must have been measured
    apart_s: float = 60.0  # ours: the windows of a pair do not overlap; the paper says "different segments"
    # encoder
    embedding_size: int = 256  # [code]
    width: int = 0  # ours: what the widths of the stages derive from, in place of embedding_size [code]; 0: embedding_size
    repeats: tuple[int, ...] = REPEATS  # blocks in each of the first stages of `STAGES`; fewer numbers, fewer stages
    kernel: int = 3  # [code]; the paper's 3.3 M parameters suggest 15
    expansion: int = 7  # [code]; 6 fits the paper's 2.5 M parameters for ECG
    squeeze: float = 0.25  # share of the expanded channels [code]
    # head
    hidden_size: int = 1024  # [code]
    projection_size: int = 128  # [code]
    dropout: float = 0.1  # [code], of student and teacher
    # loss
    momentum: float = 0.99  # of the teacher, constant [code]
    temperature: float = 0.04  # [code]
    negatives: str = "others"  # ours; "apple_code": two windows of one person in different views stay negatives
    koleo_weight: float = 0.05  # ours: the gradient of [code], whose 0.1 weighs a mean with a constant teacher half
    koleo_teacher: bool = False  # ours; True: mean of the student's and the teacher's KoLeo [code]
    # augmentation: the share of windows that undergo each, in this order
    cut_out: float = 0.40  # [code]
    cut_out_shortest: float = 0.3  # share of the window [code]
    cut_out_longest: float = 0.5  # share of the window [code]
    warp_magnitude: float = 0.25  # [code]
    warp_magnitude_deviation: float = 0.2  # [code]
    warp_time: float = 0.15  # [code]
    warp_time_deviation: float = 0.1  # [code]
    share_time_warp: bool = True  # ours: channels are simultaneous; False: each channel has its own time [code]
    knots: int = 5  # between the two at the ends, of both warps [code]
    noise: float = 0.25  # [code]
    noise_lowest: float = 0.05  # standard deviations of the window [code]
    noise_highest: float = 0.1  # standard deviations of the window [code]
    permute_channels: float = 0.25  # [code]

    def __post_init__(self) -> None:
        modality(self.modality)
        if self.negatives not in NEGATIVES:
            raise UnknownName("negatives", self.negatives, NEGATIVES)
        for value, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{value}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        samples = round(self.rate_hz * self.window_s)
        is_repeats = 1 <= len(self.repeats) <= len(STAGES) and min(self.repeats, default=0) >= 1
        yield f"channels={self.channels}", self.channels >= 1, "a window needs at least 1"
        yield f"repeats={self.repeats}", is_repeats, f"give 1 to {len(STAGES)} numbers of blocks, each at least 1"
        yield f"kernel={self.kernel}", self.kernel % 2 == 1, "symmetric padding needs an odd kernel"
        yield (
            f"window_s={self.window_s:g} at {self.rate_hz:g} Hz has {samples} samples",
            samples >= self.total_stride,
            f"the encoder divides time by {self.total_stride}; use a longer window or fewer stages",
        )
        yield f"embedding_size={self.embedding_size}", self.embedding_size >= 1, "an embedding needs at least 1 number"
        source = "width" if self.width else "embedding_size"
        yield f"{source}={getattr(self, source)}", getattr(self, source) >= UNIT / 4, f"widths need at least {UNIT // 4}"
        yield f"temperature={self.temperature:g}", self.temperature > 0, "it divides, so it must be positive"
        yield f"momentum={self.momentum:g}", 0 <= self.momentum <= 1, "it must lie in [0, 1]"
        yield f"dropout={self.dropout:g}", 0 <= self.dropout < 1, "it must lie in [0, 1)"
        noise = f"noise {self.noise_lowest:g} to {self.noise_highest:g}"
        yield noise, 0 <= self.noise_lowest <= self.noise_highest, "standard deviations must rise and not be negative"
        is_cut = 0 <= self.cut_out_shortest <= self.cut_out_longest <= 1
        yield f"cut_out {self.cut_out_shortest:g} to {self.cut_out_longest:g}", is_cut, "shares must rise and lie in [0, 1]"

    @property
    def total_stride(self) -> int:
        """How many samples become one step of the last feature map."""
        stride = 2
        for row in STAGES[: len(self.repeats)]:
            stride *= row.stride
        return stride

    def encoder(self) -> EfficientNet:
        """Return a fresh encoder: widths int(m * embedding_size / 36), or of `width` in its place, kernels k and 2k - 1."""

        def width(m: int) -> int:
            return int((self.width or self.embedding_size) / UNIT * m)

        stages = [
            Stage(
                width=width(row.m),
                kernel=2 * self.kernel - 1 if row.is_long else self.kernel,
                stride=row.stride,
                expansion=self.expansion if row.is_expanded else 1,
                repeats=repeats,
            )
            for row, repeats in zip(STAGES, self.repeats, strict=False)
        ]
        return EfficientNet(
            channels=self.channels,
            stem=width(STEM_M),
            stem_kernel=self.kernel,
            stages=stages,
            squeeze=self.squeeze,
            width=self.embedding_size,
        )

    def augmentations(self) -> tuple[Step, ...]:
        """Return the cascade, in the published order."""
        magnitude = partial(warp_magnitude, knots=self.knots, deviation=self.warp_magnitude_deviation)
        time = partial(warp_time, knots=self.knots, deviation=self.warp_time_deviation, is_shared=self.share_time_warp)
        return (
            Step(self.cut_out, partial(cut_out, shortest=self.cut_out_shortest, longest=self.cut_out_longest)),
            Step(self.warp_magnitude, magnitude),
            Step(self.warp_time, time),
            Step(self.noise, partial(white_noise, lowest=self.noise_lowest, highest=self.noise_highest)),
            Step(self.permute_channels, permute_channels),
        )


def paper() -> ContrastiveConfig:
    """The released PPG configuration, with its quirks [code]: 3,146,129 parameters in the encoder."""
    return ContrastiveConfig(min_valid=1.0, negatives="apple_code", koleo_weight=0.1, koleo_teacher=True, share_time_warp=False)


def ppg_paper() -> ContrastiveConfig:
    """The PPG encoder whose 3,299,513 parameters fit the paper's 3.3 M; the kernel is inferred, not published."""
    return replace(paper(), kernel=15)


def ecg() -> ContrastiveConfig:
    """Lead I ECG, 30 s at 128 Hz, stronger augmentation: 2,468,755 parameters; the paper gives 2.5 M."""
    return replace(
        paper(),
        modality="ecg",
        channels=1,
        rate_hz=128.0,
        window_s=30.0,
        apart_s=30.0,
        expansion=6,
        cut_out=0.80,
        warp_magnitude=0.50,
        warp_time=0.30,
        noise=0.50,
        permute_channels=0.0,
    )


def small() -> ContrastiveConfig:
    """One PPG channel, 8 s, 46 thousand parameters: learns something in minutes on two cores. All numbers ours."""
    return ContrastiveConfig(
        channels=1,
        window_s=8.0,
        apart_s=8.0,
        embedding_size=128,
        repeats=(1, 1, 1, 2, 1),
        kernel=7,
        expansion=3,
        hidden_size=256,
        projection_size=64,
        momentum=0.95,
        temperature=0.1,
        permute_channels=0.0,
    )


class Branch(nn.Module):
    """An encoder and the head that only training sees."""

    def __init__(self, config: ContrastiveConfig) -> None:
        super().__init__()
        self.encoder = config.encoder()
        self.head = ProjectionHead(
            config.embedding_size, hidden=config.hidden_size, out=config.projection_size, dropout=config.dropout
        )

    def forward(self, signal: Tensor, keep: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return (embedding (B, D), projection (B, out)) of (B, C, T)."""
        vector = self.encoder(signal)
        return vector, self.head(vector, keep)


class AppleContrastive(Recipe):
    """Participant-level contrastive learning with a momentum teacher; construction is a pure function of config and seed."""

    name: ClassVar[str] = "apple_contrastive"
    pretext: ClassVar[tuple[str, ...]] = ("student.head.", "teacher.")
    Config: ClassVar[type[ContrastiveConfig]] = ContrastiveConfig
    config: ContrastiveConfig

    def __init__(self, config: ContrastiveConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            self.student = Branch(config)
        uniform_by_fan_in(self.student, torch.Generator().manual_seed(seed))
        self.teacher = follower(self.student)
        self.augmentations = config.augmentations()

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], ContrastiveConfig]]:
        """Return preset name -> function that makes its config."""
        return {"paper": paper, "ppg": paper, "ppg_paper": ppg_paper, "ecg": ecg, "small": small}

    @property
    def input(self) -> InputContract:
        """One modality, resampled; gaps are allowed up to `min_valid` because they are neutral after `prepare`."""
        c = self.config
        stream = Stream(modality=c.modality, rate_hz=c.rate_hz, channels=c.channels)
        return InputContract(streams=(stream,), window_s=c.window_s, min_valid=c.min_valid)

    @property
    def embedding_size(self) -> int:
        """Width of the encoder's output."""
        return self.config.embedding_size

    def plan(self, index: WindowIndex, *, seed: int) -> SameParticipant:
        """Return pairs of different windows of one participant; refuses an index with fewer than 2 such participants."""
        return SameParticipant(index, seed=seed, apart_s=self.config.apart_s)

    def prepare(self, batch: Batch) -> Tensor:
        """Return each channel standardised over its valid samples, (B, C, T); 0 in gaps and in constant channels."""
        stream = self._stream(batch)
        return standardise(stream.signal, stream.valid)

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return InfoNCE + KoLeo of pairs, each view once student and once teacher; rows 2k and 2k + 1 are a pair.

        L = (l(s(v1), t(v2)) + l(s(v2), t(v1))) / 2 [code utils_main.py]. Parts besides: alignment of the student's
        projections, and `objectives.spread.watch` of its embeddings, which tells of collapse.
        """
        refuse_unpaired(batch)
        signal, _ = cascade(self.prepare(batch), self._stream(batch).valid, draws, steps=self.augmentations)
        (vector1, student1), (vector2, student2) = self._views(self.student, signal, draws)
        with torch.no_grad():
            (_, teacher1), (_, teacher2) = self._views(self.teacher, signal, draws)
        student1, student2, teacher1, teacher2 = map(gather_rows, (student1, student2, teacher1, teacher2))
        participant = gather_rows(batch.participant[::2])
        there = self.contrast(student1, teacher2, participant)
        back = self.contrast(student2, teacher1, participant)
        parts = {name: (there[name] + back[name]) / 2 for name in there}
        total = parts["nce"] + self.config.koleo_weight * parts["koleo"] if "koleo" in parts else parts["nce"]
        with torch.no_grad():
            parts |= {
                "alignment": alignment(student1, student2),
                **watch(torch.cat((gather_rows(vector1), gather_rows(vector2))), participant.repeat(2)),
            }
        return Loss(total=total, parts={name: part.detach() for name, part in parts.items()})

    def contrast(self, student: Tensor, teacher: Tensor, participant: Tensor) -> dict[str, Tensor]:
        """Return the unweighted terms of one direction. student, teacher: (N, out). participant: (N,) int64.

        A participant who occurs twice: with "others" none of their windows is a negative of another of theirs; with
        "apple_code" this holds inside a view only [code].
        """
        c = self.config
        is_other = participant[:, None] != participant
        across = is_other if c.negatives == "others" else torch.ones_like(is_other)
        parts = {"nce": info_nce(student, teacher, temperature=c.temperature, across=across, within=is_other)}
        if c.koleo_weight > 0:
            parts["koleo"] = (koleo(student) + koleo(teacher)) / 2 if c.koleo_teacher else koleo(student)
        return parts

    def embed(self, batch: Batch) -> Embedded:
        """Return the encoder's output, (B, D), with the running statistics of its batch norms in either mode."""
        return Embedded(vector=self.features(batch))

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the encoder's output with gradient, (B, D); with draws batch norms use the batch, so that they can adapt."""
        with evaluating(self.student.encoder, unless=draws is not None):
            return self.student.encoder(self.prepare(batch))  # type: ignore[no-any-return]

    def advance(self) -> None:
        """Move the teacher towards the student: before every step [code ssl_wrapper.py]."""
        follow(self.teacher, self.student, momentum=self.config.momentum)

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:
        """Return a recipe holding weights in the names of [code]; strict.

        state: the whole wrapper (`backbone.`, `mlp_head.` and their momentum copies), or an encoder alone (`backbone.` or
        no prefix); what an encoder alone does not hold stays as initialised, and the teacher copies the student. Shapes
        give channels, kernel, expansion and widths; settings: other fields of `Config` on top of a preset, `preset="ppg"`
        unless another is named.
        """
        given = {f"backbone.{key}" if key.startswith("layers.") else key: value for key, value in state.items()}
        sizes = _sizes(given)
        for field in sizes.keys() & settings.keys():
            if settings[field] != sizes[field]:
                raise BadConfiguration(f"{field}={settings[field]}, but the weights have {sizes[field]}; leave {field} out")
        fields = {key: value for key, value in settings.items() if key != "preset"}
        recipe = cls(preset(cls, settings.get("preset", "ppg"), **{**fields, **sizes}))
        groups = _groups(given)
        _fill({key: tensor for key, tensor in recipe.to_original().items() if key.split(".")[0] in groups}, given)
        if "backbone_momentum" not in groups:
            recipe.teacher.load_state_dict(recipe.student.state_dict())
        return recipe

    def to_original(self) -> dict[str, Tensor]:
        """Return the weights, not copied, in the names of [code]; the inverse of `from_original`."""
        student, teacher = self.student.state_dict(), self.teacher.state_dict()
        names = _names(student)
        momentum = {name.replace(".", "_momentum.", 1): teacher[key] for key, name in names.items()}
        return {name: student[key] for key, name in names.items()} | momentum

    def _stream(self, batch: Batch) -> Signal:
        c = self.config
        if c.modality not in batch.streams:
            raise BadConfiguration(
                f"a batch of {', '.join(batch.streams) or 'nothing'}; this recipe reads {c.modality}: set modality"
            )
        stream = batch.streams[c.modality]
        if stream.signal.shape[1] != c.channels:
            raise BadConfiguration(
                f"windows of {stream.signal.shape[1]} {c.modality} channels; this recipe was made for {c.channels}:"
                f" set channels={stream.signal.shape[1]} or choose channels"
            )
        return stream

    @staticmethod
    def _views(branch: Branch, signal: Tensor, draws: Draws) -> list[tuple[Tensor, Tensor]]:
        """Return (embedding, projection) of view 1 and of view 2, each a forward pass with batch statistics of its own."""
        keep = branch.head.keep(len(signal), draws, device=signal.device)
        return [branch(signal[view::2], None if keep is None else keep[view::2]) for view in (0, 1)]


def _names(keys: Mapping[str, Tensor]) -> dict[str, str]:
    """Return key of a `Branch` -> key of [code]."""
    parts = {
        "encoder.stem.conv": "backbone.layers.Conv1D_Initial.conv1d",
        "encoder.stem.norm": "backbone.layers.Conv1D_Initial.batch_norm",
        "encoder.last.conv": "backbone.layers.Conv1D_Final_Expansion.conv1d",
        "encoder.last.norm": "backbone.layers.Conv1D_Final_Expansion.batch_norm",
        "head.inner": "mlp_head.mlp.0",
        "head.outer": "mlp_head.mlp.3",
    }
    inside = {
        "expand.conv": "filter_expansion",
        "expand.norm": "bn0",
        "depthwise.conv": "depthwise_conv",
        "depthwise.norm": "bn1",
        "gate.reduce": "se_reduce",
        "gate.expand": "se_expand",
        "project.conv": "final_reduction",
        "project.norm": "bn2",
    }
    names = {}
    for key in keys:
        module, tensor = key.rsplit(".", 1)
        if module.startswith("encoder.blocks."):
            number, layer = module.removeprefix("encoder.blocks.").split(".", 1)
            names[key] = f"backbone.layers.MBConv1d_{int(number) + 1}.{inside[layer]}.{tensor}"
        else:
            names[key] = f"{parts[module]}.{tensor}"
    return names


def _groups(state: Mapping[str, Tensor]) -> set[str]:
    """Return which of the four networks of [code] a state holds; the momentum copies only come together."""
    found = {key.split(".")[0] for key in state} | {"backbone"}
    if any(group.endswith("_momentum") for group in found):
        found |= {"backbone_momentum", "mlp_head_momentum", "mlp_head"}
    return found


def _sizes(state: Mapping[str, Tensor]) -> dict[str, int]:
    """Return the config fields that the shapes of an encoder, and of a head if there is one, decide."""
    layers = "backbone.layers."
    keys = [f"{layers}Conv1D_Initial.conv1d.weight", f"{layers}MBConv1d_2.filter_expansion.weight"]
    keys.append(f"{layers}Conv1D_Final_Expansion.conv1d.weight")
    head = ["mlp_head.mlp.0.weight", "mlp_head.mlp.3.weight"] if "mlp_head.mlp.0.weight" in state else []
    missing = [key for key in keys + head if key not in state]
    if missing:
        raise IncompatibleWeights("apple_contrastive", missing=missing)
    stem, expand, last, *outer = (tuple(state[key].shape) for key in keys + head)
    sizes = {
        "channels": stem[1],
        "kernel": stem[2],
        "expansion": expand[0] // expand[1],
        "embedding_size": last[0],
    }
    return sizes | ({"hidden_size": outer[0][0], "projection_size": outer[1][0]} if outer else {})


@torch.no_grad()
def _fill(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """Copy weights by the names of [code], or raise with all that is missing, left over and misshapen."""
    refuse_difference(own, given, what="apple_contrastive")
    for key, tensor in own.items():
        tensor.copy_(given[key])
