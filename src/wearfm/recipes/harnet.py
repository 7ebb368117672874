"""harnet: a network that learns how a wrist moves by telling which windows were reversed, cut up or warped.

Yuan et al. 2024 (npj Digital Medicine 7:91, arXiv:2206.02909), "Self-supervised learning for human activity recognition
using 700,000 person-days of wearable data"; [code] is OxWearables/ssl-wearables @150550e.

    acc (B, 3, T), g ── for each task: a fair coin, and the change if it shows heads ── axes switched, device turned ──┐
                                                                                                                     │
    reversed?  cut up?  warped?  ◀── one linear layer each ◀── (B, D) ◀── five stages of a residual network ◀─────────┘

Same as published: networks for 5, 10 and 30 s with their fixed low-pass filters before every down-sampling, the tasks with
their numbers and order, the mean of their cross-entropies, windows drawn by motion (`windows.motion`). Different: a window
whose segments came back in their old order is never called cut up (preset "paper" does), and axes are switched and turned
for each window instead of once for a subject's windows. Ours: gaps, should any be let in, are 0 in what the network sees, and
gravity can be taken out, which helps where there is little to learn from (preset "small").

Code and weights of the original are licensed for academic use only: see docs/recipes/harnet.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import pi
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wearfm.augment import Augmentation, permute_segments, reverse, rotate, scale_clearly, switch_axes, warp_pace
from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.draws import Draws
from wearfm.nn.modes import evaluating
from wearfm.recipes.base import Embedded, Loss, Recipe
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.motion import MOTION, MotionWeighted, measure_motion
from wearfm.windows.plan import Plan
from wearfm.windows.sample import Shuffled
from wearfm.windows.source import Source

AXES = 3
TASKS = {
    "reverse": "aot_h",
    "scale": "scale_h",
    "permute": "permute_h",
    "warp": "time_w_h",
}  # in stacking order: head in [code]


@dataclass(frozen=True, kw_only=True)
class HarnetConfig:
    """Every number of the method. [code] is the released one; "ours" is a choice of this library. Defaults: harnet10."""

    # input
    rate_hz: float = 30.0  # [code]
    window_s: float = 10.0  # 300 samples [code]
    min_valid: float = 1.0  # ours: share of samples that must have been measured; the original knows no gaps
    by_motion: bool = True  # windows are drawn with a probability proportional to their motion [paper]; False: each once
    remove_mean: bool = False  # False: gravity stays in [code]; True: each axis loses its mean over the window
    # network, one number a stage
    widths: tuple[int, ...] = (64, 128, 256, 512, 1024)  # channels; the last is the embedding [code]
    blocks: tuple[int, ...] = (2, 2, 2, 2, 0)  # residual blocks behind the stage's first convolution [code]
    factors: tuple[int, ...] = (2, 2, 5, 5, 3)  # by which time is divided: 150, 75, 15, 3, 1 [code]
    orders: tuple[int, ...] = (2, 2, 1, 1, 1)  # how often the low-pass box is convolved with itself [code]
    kernel: int = 5  # samples of every convolution [code]
    # tasks
    tasks: tuple[str, ...] = ("reverse", "permute", "warp")  # of the released models; "scale" was tried [code]
    segments: int = 4  # of a window that is cut up [code]
    shortest: int = 11  # samples of a segment [code]
    with_identity: bool = False  # ours; True: 1 of 24 windows called cut up is whole [code]
    knots: int = 4  # of the warp's pace, between the two at the ends [code]
    warp_deviation: float = 0.2  # of the pace around 1 [code]
    share_warp: bool = False  # False: each axis has its own pace [code], which pulls simultaneous axes apart
    scale_least: float = 0.15  # how far a gain is from 1 at least [code]
    scale_largest: float = 0.5  # and at most [code]
    # how the device may sit, in every window
    switch_axes: bool = True  # all six orders of the axes [code]
    largest_angle: float = pi  # radians of a turn about a random axis [code]

    def __post_init__(self) -> None:
        for task in self.tasks:
            if task not in TASKS:
                raise UnknownName("task", task, TASKS)
        for value, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{value}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        stages = (self.widths, self.blocks, self.factors, self.orders)
        yield f"tasks={self.tasks}", len(set(self.tasks)) == len(self.tasks) > 0, "name at least one, each once"
        yield (
            f"widths={self.widths}, blocks={self.blocks}, factors={self.factors}, orders={self.orders}",
            len({len(each) for each in stages}) == 1 and len(self.widths) > 0,
            "give each stage one number of each",
        )
        yield f"widths={self.widths}, factors={self.factors}", min(self.widths + self.factors) >= 1, "they must be at least 1"
        yield f"blocks={self.blocks}, orders={self.orders}", min(self.blocks + self.orders) >= 0, "they cannot be negative"
        yield f"kernel={self.kernel}", self.kernel % 2 == 1, "symmetric padding needs an odd kernel"
        lengths = self.lengths
        yield (
            f"window_s={self.window_s:g} at {self.rate_hz:g} Hz becomes {lengths} samples long",
            min(lengths) >= 1 and min(lengths[:-1]) >= self.kernel // 2,
            "no stage may run dry; use a longer window or smaller factors",
        )
        cut = f"{self.segments} segments of {self.shortest} samples"
        fits = 2 <= self.segments <= 7 and self.shortest >= 1 and self.segments * self.shortest <= lengths[0]
        yield cut, fits, f"2 to 7 must fit into the window's {lengths[0]}"
        yield f"knots={self.knots}", self.knots >= 0, "it cannot be negative"
        yield f"warp_deviation={self.warp_deviation:g}", self.warp_deviation > 0, "a warp by nothing cannot be told"
        gains = f"gains {self.scale_least:g} to {self.scale_largest:g} away from 1"
        yield f"largest_angle={self.largest_angle:g}", self.largest_angle >= 0, "0 turns nothing; it cannot be negative"
        yield gains, 0 <= self.scale_least < self.scale_largest < 1, "they must rise within [0, 1)"

    @property
    def lengths(self) -> tuple[int, ...]:
        """Samples of a window, and how many are left after each stage."""
        found = [round(self.rate_hz * self.window_s)]
        for factor, order in zip(self.factors, self.orders, strict=False):
            padded = found[-1] + 2 * (order * (factor - 1) // 2)
            found.append((padded - (factor + order * (factor - 1))) // factor + 1)
        return tuple(found)

    def changes(self) -> dict[str, Augmentation]:
        """Return task -> what it does to a window, in stacking order."""
        every: dict[str, Augmentation] = {
            "reverse": reverse,
            "scale": partial(scale_clearly, least=self.scale_least, largest=self.scale_largest),
            "permute": partial(
                permute_segments, segments=self.segments, shortest=self.shortest, with_identity=self.with_identity
            ),
            "warp": partial(warp_pace, knots=self.knots, deviation=self.warp_deviation, is_shared=self.share_warp),
        }
        return {task: every[task] for task in TASKS if task in self.tasks}


def harnet10() -> HarnetConfig:
    """Return the network for 10 s: features of 1024 numbers from 10,457,408 parameters."""
    return HarnetConfig()


def harnet5() -> HarnetConfig:
    """Return the network for 5 s: features of 512 numbers from 4,227,904 parameters."""
    return HarnetConfig(window_s=5.0, widths=(64, 128, 256, 256, 512), factors=(2, 2, 3, 3, 3))


def harnet30() -> HarnetConfig:
    """Return the network for 30 s: features of 1024 numbers from 10,457,408 parameters."""
    return HarnetConfig(window_s=30.0, factors=(3, 3, 5, 5, 4), orders=(1, 1, 1, 1, 0))


def paper() -> HarnetConfig:
    """Return harnet10 as it was trained: of the windows called cut up, 1 in 24 keeps its order."""
    return replace(harnet10(), with_identity=True)


def small() -> HarnetConfig:
    """Return harnet5 with a quarter of its widths and without gravity: 266 thousand parameters, minutes on two cores.

    All ours. Gravity is larger than most movement and says nothing about the tasks: a few windows learn faster without it.
    """
    return replace(harnet5(), widths=(16, 32, 64, 64, 128), remove_mean=True)


PUBLISHED = {"harnet5": harnet5, "harnet10": harnet10, "harnet30": harnet30}


class Harnet(Recipe):
    """Multi-task self-supervision for wrist accelerometers; construction is a pure function of config and seed."""

    name: ClassVar[str] = "harnet"
    Config: ClassVar[type[HarnetConfig]] = HarnetConfig
    pretext: ClassVar[tuple[str, ...]] = ("heads.",)
    config: HarnetConfig

    def __init__(self, config: HarnetConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            self.stages = _stages(config)
            self.heads = nn.ModuleDict({task: nn.Linear(self.embedding_size, 2) for task in TASKS if task in config.tasks})
        _initialise(self, torch.Generator().manual_seed(seed))
        self.changes = config.changes()

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], HarnetConfig]]:
        """Return preset name -> function that makes its config."""
        return {"paper": paper, **PUBLISHED, "small": small}

    @property
    def input(self) -> InputContract:
        """One accelerometer of three axes, resampled to 30 Hz."""
        c = self.config
        stream = Stream(modality="acc", rate_hz=c.rate_hz, channels=AXES)
        return InputContract(streams=(stream,), window_s=c.window_s, min_valid=c.min_valid)

    @property
    def embedding_size(self) -> int:
        """Width of the last stage."""
        return self.config.widths[-1]

    def survey(self, source: Source, index: WindowIndex) -> WindowIndex:
        """Return the index with the motion of its windows as a target, where it is drawn by and not known yet."""
        if not self.config.by_motion or MOTION in index.targets:
            return index
        return index.with_targets(motion=measure_motion(source, index, modality="acc"))

    def plan(self, index: WindowIndex, *, seed: int) -> Plan:
        """Return windows drawn by their motion if the index knows it (`survey`); else each once an epoch."""
        if self.config.by_motion and MOTION in index.targets:
            return MotionWeighted(index, seed=seed)
        return Shuffled(len(index), seed=seed)

    def prepare(self, batch: Batch) -> Tensor:
        """Return the acceleration in g, (B, 3, T), without its mean where the config says so; 0 where not valid."""
        stream = self._stream(batch)
        signal = torch.where(stream.valid, stream.signal.float(), 0.0)
        if not self.config.remove_mean:
            return signal
        mean = signal.sum(dim=2, keepdim=True) / stream.valid.sum(dim=2, keepdim=True).clamp(min=1)
        return torch.where(stream.valid, signal - mean, 0.0)

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the mean of the tasks' cross-entropies; part of each: its cross-entropy, and its accuracy."""
        signal, valid, labels = self.disguise(self.prepare(batch), self._stream(batch).valid, draws)
        there = valid.any(dim=2).any(dim=1)  # (B,)
        if bool(there.any()):  # windows without a sample must not enter the batch norms
            signal, labels = signal[there], {task: label[there] for task, label in labels.items()}
        return judge(self.answer(self.encode(signal)), labels)

    def disguise(self, signal: Tensor, valid: Tensor, draws: Draws) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Return windows of which each underwent about half of the tasks, then axis switch and turn; and task -> (B,) 0 or 1.

        signal, valid: (B, 3, T). A coin is thrown for each window and task; every change sees what the ones before left.
        """
        labels = {}
        for task, change in self.changes.items():
            is_changed = draws.uniform(len(signal), device=signal.device) < 0.5
            changed, changed_valid = change(signal, valid, draws)
            signal = torch.where(is_changed[:, None, None], changed, signal)
            valid = torch.where(is_changed[:, None, None], changed_valid, valid)
            labels[task] = is_changed.long()
        if self.config.switch_axes:
            signal, valid = switch_axes(signal, valid, draws)
        if self.config.largest_angle > 0:
            signal, valid = rotate(signal, valid, draws, largest_angle=self.config.largest_angle)
        return signal, valid, labels

    def maps(self, signal: Tensor) -> list[Tensor]:
        """Return the map behind each stage, (B, 3, T) -> [(B, width, T / factor) ...]."""
        found = []
        for stage in self.stages:
            signal = stage(signal)
            found.append(signal)
        return found

    def encode(self, signal: Tensor) -> Tensor:
        """Return the features, (B, 3, T) -> (B, D): the mean of the last map, which at the published lengths has one place."""
        return self.maps(signal)[-1].mean(dim=2)

    def answer(self, vector: Tensor) -> dict[str, Tensor]:
        """Return task -> logits of "left alone" and "changed", (B, 2)."""
        return {task: head(vector) for task, head in self.heads.items()}

    def embed(self, batch: Batch) -> Embedded:
        """Return the features, (B, D), by running statistics in either mode; zeros for a window without signal."""
        return Embedded(vector=self.features(batch))

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the features with gradient, (B, D); with draws batch norms use the batch, so that they can adapt."""
        there = self._stream(batch).valid.flatten(1).any(dim=1)
        with evaluating(self, unless=draws is not None):
            return self.encode(self.prepare(batch)) * there[:, None]

    def _stream(self, batch: Batch) -> Signal:
        if "acc" not in batch.streams:
            raise BadConfiguration(f"a batch of {', '.join(batch.streams) or 'nothing'}; harnet reads acc, of a wrist in g")
        stream, wanted = batch.streams["acc"], (AXES, self.config.lengths[0], self.config.rate_hz)
        given = (*stream.signal.shape[1:], stream.rate_hz)
        if given != wanted:
            raise BadConfiguration(
                f"acc of {given[0]} channels, {given[1]} samples at {given[2]:g} Hz; this network was made for {wanted[0]},"
                f" {wanted[1]} at {wanted[2]:g} Hz: set window_s and rate_hz, or cut the windows anew"
            )
        return stream

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:
        """Return a recipe holding published weights; strict.

        state: of the pretraining network or of a classifier, with or without a first name component (`module.`). Of a
        classifier, `classifier.*` is left out and the heads of the tasks stay as initialised. Shapes and filters tell the
        network and the tasks; settings: other fields of the config, or fewer tasks, whose heads are then left out.
        """
        given = {key: value for key, value in _bare(state).items() if not key.startswith("classifier.")}
        config = replace(harnet10(), **{**_shapes_of(given, settings), **settings})
        unused = tuple(f"{head}." for task, head in TASKS.items() if task not in config.tasks)
        given = {key: value for key, value in given.items() if not key.startswith(unused)}
        recipe = cls(config)
        _fill(recipe.to_original(), given)
        return recipe

    def to_original(self) -> dict[str, Tensor]:
        """Return the weights, not copied, in the names of [code], with its filters; the inverse of `from_original`."""
        named: dict[str, Tensor] = {}
        for number, stage in enumerate(self.stages, start=1):
            assert isinstance(stage, Stage)
            for place, part in stage.places().items():
                tensors = dict(part.named_parameters()) | dict(part.named_buffers())
                named |= {f"feature_extractor.layer{number}.{place}.{key}": value for key, value in tensors.items()}
        for task, head in self.heads.items():
            named |= {f"{TASKS[task]}.linear1.{key}": value for key, value in head.named_parameters()}
        return named


def judge(logits: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> Loss:
    """Return the mean over tasks of the cross-entropy, with each task's own and its accuracy as parts.

    logits: task -> (B, 2). labels: task -> (B,) 0 or 1.
    """
    parts = {task: F.cross_entropy(logits[task].float(), label) for task, label in labels.items()}
    right = {f"{task}_accuracy": (logits[task].argmax(dim=1) == label).float().mean() for task, label in labels.items()}
    total = torch.stack(list(parts.values())).mean()
    return Loss(total=total, parts={name: part.detach() for name, part in (parts | right).items()})


class Stage(nn.Module):
    """A convolution, residual blocks, batch norm and ReLU, then low-pass and down-sampling: (B, C, T) -> (B, width, T')."""

    def __init__(self, before: int, width: int, *, blocks: int, factor: int, order: int, kernel: int) -> None:
        super().__init__()
        self.widen = _convolution(before, width, kernel)
        self.blocks = nn.Sequential(*(Block(width, kernel) for _ in range(blocks)))
        self.norm = nn.BatchNorm1d(width)
        self.thin = Thin(width, factor=factor, order=order)

    def forward(self, signal: Tensor) -> Tensor:
        """Return the stage's map."""
        return self.thin(self.norm(self.blocks(self.widen(signal))).relu())  # type: ignore[no-any-return]

    def places(self) -> dict[int, nn.Module]:
        """Return the place in the original's list of layers -> part; the ReLU before the last place has no numbers."""
        return dict(enumerate((self.widen, *self.blocks, self.norm))) | {len(self.blocks) + 3: self.thin}


class Block(nn.Module):
    """A residual block of pre-activation: x + conv(relu(norm(conv(relu(norm(x)))))). He et al. 2016 (arXiv:1603.05027)."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.bn1, self.bn2 = nn.BatchNorm1d(width), nn.BatchNorm1d(width)
        self.conv1, self.conv2 = _convolution(width, width, kernel), _convolution(width, width, kernel)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the block's output, (B, C, T) -> (B, C, T)."""
        inner = self.conv1(self.bn1(maps).relu())
        return maps + self.conv2(self.bn2(inner).relu())  # type: ignore[no-any-return]


class Thin(nn.Module):
    """A fixed low-pass on each channel, then every factor-th sample: no aliasing, no parameters. Zhang 2019 (arXiv:1904.11486).

    The filter is a box of `factor` samples, convolved `order` times with itself; it follows from the config, so it is no
    part of our weights.
    """

    kernel: Tensor

    def __init__(self, width: int, *, factor: int, order: int) -> None:
        super().__init__()
        self.width, self.factor, self.padding = width, factor, order * (factor - 1) // 2
        self.register_buffer("kernel", box(factor, order).expand(width, 1, -1).contiguous(), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the thinned maps, (B, C, T) -> (B, C, T / factor); beyond the window there are zeros."""
        return F.conv1d(maps, self.kernel, stride=self.factor, padding=self.padding, groups=self.width)


def box(factor: int, order: int) -> Tensor:
    """Return a box of ones convolved `order` times with itself, its sum 1, (factor + order * (factor - 1),) float32."""
    one = torch.ones(factor, dtype=torch.float64)
    found = one
    for _ in range(order):
        found = F.conv1d(found[None, None], one[None, None], padding=factor - 1)[0, 0]
    return (found / found.sum()).float()


def _stages(config: HarnetConfig) -> nn.ModuleList:
    c = config
    before = (AXES, *c.widths[:-1])
    rows = zip(before, c.widths, c.blocks, c.factors, c.orders, strict=True)
    return nn.ModuleList(
        Stage(inside, width, blocks=blocks, factor=factor, order=order, kernel=c.kernel)
        for inside, width, blocks, factor, order in rows
    )


def _convolution(before: int, after: int, kernel: int) -> nn.Conv1d:
    """Return a convolution whose window is a ring: its end meets its start."""
    return nn.Conv1d(before, after, kernel, padding=kernel // 2, padding_mode="circular", bias=False)


@torch.no_grad()
def _initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw filters and matrices normal by He's rule over the outputs, biases uniform within 1 / sqrt(inputs) [code]."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu", generator=generator)
            if layer.bias is not None:
                bound = layer.weight.shape[1] ** -0.5
                layer.bias.uniform_(-bound, bound, generator=generator)


_ROOTS = ("feature_extractor", "classifier", *TASKS.values())
_LAYER = re.compile(r"feature_extractor\.layer(\d+)\.(\d+)\.(.+)")


def _bare(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state without the first component of its names, if all share one that is not the network's own."""
    first = {key.partition(".")[0] for key in state}
    if len(first) == 1 and first.isdisjoint(_ROOTS):
        return {key.partition(".")[2]: value for key, value in state.items()}
    return dict(state)


def _shapes_of(state: Mapping[str, Tensor], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config fields that the shapes of original weights tell; the published network that they fit tells more."""
    layers = [match for match in map(_LAYER.fullmatch, state) if match]
    count = max((int(match[1]) for match in layers), default=1)
    first = [f"feature_extractor.layer{number}.0.weight" for number in range(1, count + 1)]
    if missing := [key for key in first if key not in state]:
        raise IncompatibleWeights("harnet", missing=missing)
    blocks = [sum(int(m[1]) == number and m[3] == "conv1.weight" for m in layers) for number in range(1, count + 1)]
    fields: dict[str, Any] = {
        "widths": tuple(state[key].shape[0] for key in first),
        "blocks": tuple(blocks),
        "kernel": state[first[0]].shape[2],
    }
    tasks = tuple(task for task, head in TASKS.items() if any(key.startswith(f"{head}.") for key in state))
    return fields | ({"tasks": tasks} if tasks else {}) | _thinning(state, fields, settings)


def _thinning(state: Mapping[str, Tensor], fields: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return window, factors and orders of the published network that fits the widths, the filters and the settings."""
    names = ("window_s", "factors", "orders")
    if all(name in settings for name in names):
        return {}
    filters = {int(m[1]): len(state[m[0]].flatten(1)[0]) for m in map(_LAYER.fullmatch, state) if m and m[3] == "kernel"}

    def is_fitting(config: HarnetConfig) -> bool:
        sizes = dict(enumerate((f + o * (f - 1) for f, o in zip(config.factors, config.orders, strict=True)), start=1))
        is_named = all(settings[name] == getattr(config, name) for name in names if name in settings)
        is_alike = (config.widths, config.blocks) == (fields["widths"], fields["blocks"])
        return is_named and is_alike and all(sizes.get(number) == size for number, size in filters.items())

    fitting = {name: make() for name, make in PUBLISHED.items() if is_fitting(make())}
    if len(fitting) != 1:
        raise BadConfiguration(
            f"weights of widths {fields['widths']} fit {' and '.join(fitting) or 'no published network'}; name"
            " window_s, factors and orders"
        )
    (config,) = fitting.values()
    return {name: getattr(config, name) for name in names}


@torch.no_grad()
def _fill(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """Copy weights by the names of [code], or raise with all that does not fit; filters must be ours, heads may all lack."""
    heads = tuple(f"{head}." for head in TASKS.values())
    is_taught = any(key.startswith(heads) for key in given)
    wanted = {key for key in own if not key.endswith(".kernel") and (is_taught or not key.startswith(heads))}
    missing, unexpected = wanted - given.keys(), given.keys() - own.keys()
    shapes = {k: (tuple(t.shape), tuple(own[k].shape)) for k, t in given.items() if k in own and t.shape != own[k].shape}
    if missing or unexpected or shapes:
        raise IncompatibleWeights("harnet", missing=missing, unexpected=unexpected, shapes=shapes)
    for key in given.keys() - wanted:
        if not torch.allclose(given[key].to(own[key]), own[key], atol=1e-5):
            raise BadConfiguration(f"{key} is not the filter that factors and orders make; name the right ones")
    for key in wanted:
        own[key].copy_(given[key])
