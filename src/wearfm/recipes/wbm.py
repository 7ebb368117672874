"""WBM, the wearable behaviour model: two weeks of one person must find each other, hour by hour.

Apple 2025, "Beyond sensor data" (ICML, arXiv:2507.00191), [paper]; the re-implementation AshleyLab/OpenMHC, [OpenMHC].

    week 2k   ── hours ── z-score ── (B, 168, 2 V) ── tokens ── some dropped ── student ── mean ── head ─┐
    week 2k+1 ── hours ── z-score ── (B, 168, 2 V) ── tokens ── some dropped ── teacher ── mean ── head ─┴─ InfoNCE + KoLeo

One token an hour: V values, 0 (the mean) where missing, and V flags that say so. Nothing of Apple's was released. Same as
described: the token ("TST"), the bidirectional Mamba-2 and its size, positives, token dropping, KoLeo. Ours, because not
found: the norms around a layer, how both directions merge, head, temperature, momentum teacher, shares dropped, and the
hour of the week added to each token, which dropped neighbours cannot change. The preset `openmhc` is that construction with
its names of weights. The paper's two other tokenisers, which lost to this one, are not here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.backbones.mamba2 import Bidirectional, start_states
from wearfm.nn.backbones.post_norm import drop
from wearfm.nn.backbones.transformer import Block
from wearfm.nn.draws import Draws
from wearfm.nn.gather import gather_rows
from wearfm.nn.initial import uniform_by_fan_in
from wearfm.nn.moments import Moments
from wearfm.nn.momentum import follow, follower
from wearfm.nn.pooling import masked_mean
from wearfm.nn.positions import sincos
from wearfm.objectives.info_nce import info_nce
from wearfm.objectives.koleo import koleo
from wearfm.objectives.spread import alignment, watch
from wearfm.recipes.base import Embedded, Loss, Recipe, preset, refuse_difference, refuse_unpaired, renamed
from wearfm.signals.minutes.features import MINUTE_HZ
from wearfm.signals.units import modality
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import SECOND, UNDATED, WindowIndex
from wearfm.windows.pairs import SameParticipant

HOUR_S = 3600
WEEK_S = 604_800.0
WEEK_HOURS = 168
MONDAY_S = 345_600.0  # 1970-01-05
THURSDAY_HOURS = 72  # 1970-01-01 was a Thursday: so many hours after Monday 00:00
BACKBONES = ("mamba2", "mamba2_post_norm", "transformer")
HEADS = ("two_layers", "three_layers")

APPLE_VARIABLES = (  # 27, in the paper's categories; the list is inferred from what HealthKit keeps, not published
    "active_energy", "basal_energy", "steps", "phone_steps", "exercise", "stand", "flights", "distance",
    "hr", "hr_at_rest", "walking_hr", "sdnn",
    "resp_rate", "spo2", "temp",
    "walking_speed", "step_length", "double_support", "walking_asymmetry", "walking_steadiness", "stair_ascent_speed",
    "stair_descent_speed", "six_minute_walk", "falls",
    "body_mass", "bmi",
    "vo2max",
)  # fmt: skip
OPENMHC_WORKOUTS = tuple(
    f"workout_{kind}"
    for kind in (
        "walking", "cycling", "running", "other", "mixed_cardio", "strength", "elliptical", "hiit", "functional", "yoga",
    )
)  # fmt: skip
OPENMHC_VARIABLES = (  # 19, in this order: iphone_steps, iphone_distance, iphone_flights, watch_steps, watch_distance, ...
    "phone_steps", "phone_distance", "flights", "steps", "distance", "hr", "active_energy", "asleep", "in_bed",
    *OPENMHC_WORKOUTS,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class WBMConfig:
    """Every number of the method. [paper], [OpenMHC] as above, "ours" a choice of this library."""

    # input
    variables: tuple[str, ...] = APPLE_VARIABLES  # modalities; a recording need have some of them only
    unscaled: tuple[str, ...] = ()  # variables that are not z-scored; [OpenMHC] sleep and workouts
    rate_hz: float = MINUTE_HZ  # of the source: minutes, or 1 / 3600 for a store of hours
    window_s: float = WEEK_S  # [paper] one week
    align_s: float = WEEK_S  # ours: weeks begin on Monday; 86_400 lets them begin at any midnight
    min_valid: float = 0.4  # ours: least share of a week's samples, over the variables of its recording, that was measured
    hour_share: float = 0.0  # ours: least share of an hour's samples for its value to be there; 0: any sample will do
    skips_empty: bool = False  # ours; True: hours without any value are cut out of the sequence, as dropped ones are
    apart_s: float = WEEK_S  # [paper] "different weeks": the weeks of a pair do not overlap
    # encoder
    tokenizer_hidden: int = 0  # [paper] one linear layer; [OpenMHC] 64, a hidden layer of so many
    has_positions: bool = True  # ours: the hour of the week is added to each token
    backbone: str = "mamba2"  # [paper]; "mamba2_post_norm" [OpenMHC]; "transformer", what the paper compares with
    width: int = 256  # [paper]
    depth: int = 24  # [paper]
    states: int = 64  # ours: numbers of state for each channel of Mamba-2
    conv: int = 4  # hours that a causal convolution sees (Dao & Gu 2024)
    expand: int = 2  # inner width over width (Dao & Gu 2024)
    head_width: int = 64  # channels that decay together (Dao & Gu 2024)
    heads: int = 4  # of the transformer
    mlp_width: int = 1024  # of the transformer and of "mamba2_post_norm" [OpenMHC]
    dropout: float = 0.0  # of "mamba2_post_norm" and the tokenizer's hidden layer; [OpenMHC] 0.223
    # head and loss
    head: str = "two_layers"  # of apple_contrastive; "three_layers" [OpenMHC]
    hidden_size: int = 1024  # [OpenMHC], and of apple_contrastive
    projection_size: int = 128  # [OpenMHC], and of apple_contrastive
    head_dropout: float = 0.1  # [OpenMHC], and of apple_contrastive
    momentum: float = 0.99  # ours: of the teacher, as in apple_contrastive
    temperature: float = 0.04  # ours: as in apple_contrastive
    koleo_weight: float = 0.1  # ours; [paper] has KoLeo without saying how much
    dropped_least: float = 0.1  # ours: share of the hours that a view loses, uniform from here
    dropped_most: float = 0.5  # ours: to here

    def __post_init__(self) -> None:
        for name in (*self.variables, *self.unscaled):
            modality(name)
        for kind, name, known in (("backbone", self.backbone, BACKBONES), ("head", self.head, HEADS)):
            if name not in known:
                raise UnknownName(kind, name, known)
        for claim, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{claim}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        is_set = len(set(self.variables)) == len(self.variables) > 0
        yield f"variables={self.variables}", is_set, "name at least one, each once"
        yield f"unscaled={self.unscaled}", set(self.unscaled) <= set(self.variables), "name some of the variables"
        per_hour = HOUR_S * self.rate_hz
        is_whole = per_hour > 0.5 and abs(per_hour - round(per_hour)) < 1e-6
        yield f"rate_hz={self.rate_hz:g}", is_whole, "an hour must have a whole number of samples: 1/60 or 1/3600"
        is_hours = self.window_s >= 2 * HOUR_S and self.window_s % HOUR_S == 0
        yield f"window_s={self.window_s:g}", is_hours, "windows are two or more whole hours; a week is 604800"
        is_grid = self.align_s > 0 and self.window_s % self.align_s == 0
        yield f"align_s={self.align_s:g}", is_grid, f"it must divide the window of {self.window_s:g} s"
        for name in ("width", "depth", "states", "conv", "expand", "head_width", "heads"):
            yield f"{name}={getattr(self, name)}", getattr(self, name) >= 1, "it must be at least 1"
        yield f"width={self.width}", self.width % 2 == 0, "positions need an even number"
        for name in ("dropout", "head_dropout"):
            yield f"{name}={getattr(self, name):g}", 0 <= getattr(self, name) < 1, "it must lie in [0, 1)"
        yield f"hour_share={self.hour_share:g}", 0 <= self.hour_share <= 1, "it must lie in [0, 1]"
        yield f"momentum={self.momentum:g}", 0 <= self.momentum <= 1, "it must lie in [0, 1]"
        yield f"temperature={self.temperature:g}", self.temperature > 0, "it divides, so it must be positive"
        is_range = 0 <= self.dropped_least <= self.dropped_most < 1
        yield f"dropped {self.dropped_least:g} to {self.dropped_most:g}", is_range, "shares must rise and lie in [0, 1)"

    @property
    def hours(self) -> int:
        """Tokens of a window."""
        return round(self.window_s / HOUR_S)


def paper() -> WBMConfig:
    """Return the size described: 27 variables, 24 bidirectional layers of width 256."""
    return WBMConfig()


def openmhc() -> WBMConfig:
    """Return the published checkpoint's construction: 19 variables, 4 layers with an MLP each, norms after sums."""
    return WBMConfig(
        variables=OPENMHC_VARIABLES,
        unscaled=OPENMHC_VARIABLES[7:],
        tokenizer_hidden=64,
        has_positions=False,
        backbone="mamba2_post_norm",
        depth=4,
        dropout=0.223,
        head="three_layers",
    )


def small() -> WBMConfig:
    """Return a model of what a wristband counts, which learns something in minutes on one core. Ours."""
    return WBMConfig(
        variables=("steps", "intensity", "counts", "hr"),
        align_s=86_400.0,
        skips_empty=True,  # of two to four weeks half are cut short by the beginning or the end of the recording
        width=64,
        depth=2,
        states=16,
        head_width=32,
        mlp_width=128,
        hidden_size=128,
        projection_size=64,
        momentum=0.95,
        temperature=0.1,
    )


class Prepared(NamedTuple):
    """values: (B, N, 2 V), the hours of every variable, then flags, 1 where missing. hour: (B, N) int64 of the week."""

    values: Tensor
    hour: Tensor


class Tokenizer(nn.Module):
    """One hour, one token: a linear map, or two around a GELU."""

    def __init__(self, size: int, config: WBMConfig) -> None:
        super().__init__()
        self.dropout = config.dropout
        self.fc1 = nn.Linear(size, config.tokenizer_hidden or config.width)
        self.fc2 = nn.Linear(config.tokenizer_hidden, config.width) if config.tokenizer_hidden else None

    def forward(self, values: Tensor, draws: Draws | None = None) -> Tensor:
        """Return (B, N, 2 V) -> (B, N, D)."""
        tokens = self.fc1(values)
        return tokens if self.fc2 is None else self.fc2(drop(F.gelu(tokens), self.dropout, draws))  # type: ignore[no-any-return]


class PreNormLayer(nn.Module):
    """x += both(norm(x))."""

    def __init__(self, config: WBMConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width)
        self.mix = _bidirectional(config)

    def forward(self, tokens: Tensor, visible: Tensor | None = None, draws: Draws | None = None) -> Tensor:  # noqa: ARG002
        """Return the tokens one layer deeper, (B, N, D) -> (B, N, D); visible: (B, N) bool, None for all."""
        return tokens + self.mix(self.norm1(tokens), visible)  # type: ignore[no-any-return]


class PostNormLayer(nn.Module):
    """x = norm(x + both(x)); x = norm(x + mlp(x)) [OpenMHC]."""

    def __init__(self, config: WBMConfig) -> None:
        super().__init__()
        self.dropout = config.dropout
        self.mix = _bidirectional(config)
        self.norm1 = nn.LayerNorm(config.width)
        self.expand = nn.Linear(config.width, config.mlp_width)
        self.contract = nn.Linear(config.mlp_width, config.width)
        self.norm2 = nn.LayerNorm(config.width)

    def forward(self, tokens: Tensor, visible: Tensor | None = None, draws: Draws | None = None) -> Tensor:
        """Return the tokens one layer deeper, (B, N, D) -> (B, N, D); visible: (B, N) bool, None for all."""
        tokens = self.norm1(tokens + self.mix(tokens, visible))
        hidden = drop(F.gelu(self.expand(tokens)), self.dropout, draws)
        return self.norm2(tokens + self.contract(hidden))  # type: ignore[no-any-return]


class TransformerLayer(Block):
    """The pre-norm block of width and call of the other two."""

    def forward(self, tokens: Tensor, visible: Tensor | None = None, draws: Draws | None = None) -> Tensor:  # noqa: ARG002
        """Return the tokens one layer deeper, (B, N, D) -> (B, N, D)."""
        return super().forward(tokens, visible)


class Head(nn.Module):
    """Linear layers with a GELU and dropout, or a ReLU where there are two layers, between them.

    With three layers every hidden one is normalised first [OpenMHC].
    """

    def __init__(self, config: WBMConfig) -> None:
        super().__init__()
        self.dropout = config.head_dropout
        is_deep = config.head == "three_layers"
        sizes = [config.width, config.hidden_size, *([config.width] if is_deep else []), config.projection_size]
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(sizes))
        self.norms = nn.ModuleList(nn.LayerNorm(size) for size in sizes[1:-1]) if is_deep else None

    def forward(self, vector: Tensor, draws: Draws | None = None) -> Tensor:
        """Return the projection, (B, D) -> (B, out)."""
        for number, layer in enumerate(self.layers[:-1]):
            hidden = layer(vector)
            active = hidden.relu() if self.norms is None else F.gelu(self.norms[number](hidden))
            vector = drop(active, self.dropout, draws)
        return self.layers[-1](vector)  # type: ignore[no-any-return]


class Branch(nn.Module):
    """An encoder of weeks and the head that only training sees."""

    positions: Tensor

    def __init__(self, config: WBMConfig) -> None:
        super().__init__()
        self.tokenizer = Tokenizer(2 * len(config.variables), config)
        table = torch.tensor(sincos(np.arange(WEEK_HOURS, dtype=np.float64), config.width), dtype=torch.float32)
        self.register_buffer("positions", table if config.has_positions else torch.zeros_like(table), persistent=False)
        self.backbone = nn.ModuleList(_layer(config) for _ in range(config.depth))
        self.norm = nn.Identity() if config.backbone == "mamba2_post_norm" else nn.LayerNorm(config.width)
        self.head = Head(config)

    def forward(self, prepared: Prepared, visible: Tensor | None = None, draws: Draws | None = None) -> tuple[Tensor, Tensor]:
        """Return (embedding (B, D), projection (B, out)). visible: (B, N) bool. draws: for dropout."""
        vector = masked_mean(self.tokens(prepared, visible, draws), visible)
        return vector, self.head(vector, draws)

    def tokens(self, prepared: Prepared, visible: Tensor | None = None, draws: Draws | None = None) -> Tensor:
        """Return what each hour has become, (B, N, D)."""
        tokens = self.tokenizer(prepared.values, draws) + self.positions[prepared.hour]
        for layer in self.backbone:
            tokens = layer(tokens, visible, draws)
        return self.norm(tokens)  # type: ignore[no-any-return]


class WBM(Recipe):
    """The recipe; construction is a pure function of config and seed."""

    name: ClassVar[str] = "wbm"
    Config: ClassVar[type[WBMConfig]] = WBMConfig
    pretext: ClassVar[tuple[str, ...]] = ("student.head.", "teacher.")
    config: WBMConfig
    scaled: Tensor  # places of the variables that are z-scored
    mean: Tensor  # of those
    std: Tensor

    def __init__(self, config: WBMConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        scaled = [place for place, name in enumerate(config.variables) if name not in config.unscaled]
        self.register_buffer("scaled", torch.tensor(scaled, dtype=torch.int64), persistent=False)
        self.register_buffer("mean", torch.zeros(len(scaled)))
        self.register_buffer("std", torch.ones(len(scaled)))
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that are replaced below
            self.student = Branch(config)
        generator = torch.Generator().manual_seed(seed)
        uniform_by_fan_in(self.student, generator)
        start_states(self.student, generator)
        self.teacher = follower(self.student)

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], WBMConfig]]:
        """Return the presets by name."""
        return {"paper": paper, "openmhc": openmhc, "small": small}

    @property
    def input(self) -> InputContract:
        """Weeks on the wearer's wall clock, of all variables that a recording has."""
        c = self.config
        streams = (Stream(modality=name, rate_hz=c.rate_hz, channels=1, is_optional=True) for name in c.variables)
        return InputContract(
            streams=tuple(streams),
            window_s=c.window_s,
            min_valid=c.min_valid,
            align_s=c.align_s,
            align_from_s=MONDAY_S,
        )

    @property
    def embedding_size(self) -> int:
        """The width."""
        return self.config.width

    @property
    def calibration_windows(self) -> int:
        """A thousand weeks: 170 thousand hours."""
        return 1024

    def plan(self, index: WindowIndex, *, seed: int) -> SameParticipant:
        """Return pairs of different weeks of one participant; who has fewer than two is left out and counted."""
        return SameParticipant(index, seed=seed, apart_s=self.config.apart_s)

    def calibrate(self, batches: Iterator[Batch]) -> None:
        """Set mean and standard deviation of every scaled variable over its hours; 0 and 1 for one that is never there."""
        moments = Moments(len(self.scaled))
        for batch in batches:
            hours, there = (part[..., self.scaled].flatten(0, 1) for part in self.hours(batch))  # (B N, scaled)
            moments.add(hours, there)
        self.mean.copy_(moments.mean)
        self.std.copy_(moments.std())

    def hours(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return what every hour came to, in physical units, and whether it is known: (B, N, V) float32 and bool.

        Totals are summed over the samples that are valid, everything else is averaged.
        """
        c = self.config
        values = self.mean.new_zeros(len(batch), c.hours, len(c.variables))
        there = torch.zeros_like(values, dtype=torch.bool)
        for number, name in enumerate(c.variables):
            if name not in batch.streams:
                continue
            signal, valid = self._samples(batch.streams[name], name)  # (B, N, samples an hour)
            count, total = valid.sum(dim=2), torch.where(valid, signal, 0.0).sum(dim=2)
            values[..., number] = total if modality(name).is_total else total / count.clamp(min=1)
            there[..., number] = (count > 0) & (count >= c.hour_share * valid.shape[2])
        return values, there

    def prepare(self, batch: Batch) -> Prepared:
        """Return z-scored hours with their flags, and which hour of the week each is.

        Windows whose wall-clock time is not known are taken to begin on Monday at midnight.
        """
        hours, there = self.hours(batch)
        mean = hours.new_zeros(hours.shape[2]).scatter(0, self.scaled, self.mean)
        std = hours.new_ones(hours.shape[2]).scatter(0, self.scaled, self.std)
        scaled = torch.where(there, (hours - mean) / std, 0.0)
        values = torch.cat([scaled, (~there).to(scaled.dtype)], dim=2)  # (B, N, V) twice -> (B, N, 2 V)
        since_1970 = torch.div(batch.local_ns, HOUR_S * SECOND, rounding_mode="floor") + THURSDAY_HOURS
        first = torch.where(batch.local_ns == UNDATED, 0, since_1970)
        return Prepared(values, (first[:, None] + torch.arange(self.config.hours, device=first.device)) % WEEK_HOURS)

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return InfoNCE + KoLeo of pairs, each week once with the student, once with the teacher; rows 2k and 2k + 1.

        L = (l(s(v1), t(v2)) + l(s(v2), t(v1))) / 2; no week of the same person is a negative. Parts besides: alignment of
        the student's projections, and how its embeddings spread.
        """
        refuse_unpaired(batch)
        prepared, kept = self.prepare(batch), self.thin(len(batch), draws, device=self.mean.device)
        present = self.present(prepared)
        visible = kept if present is None else _any_of(kept & present, present)
        vector, student = self.student(prepared, visible, self._noise(draws))
        with torch.no_grad():
            _, teacher = self.teacher(prepared, visible)
        student1, student2, teacher1, teacher2 = (gather_rows(out[view::2]) for out in (student, teacher) for view in (0, 1))
        participant = gather_rows(batch.participant[::2])
        there, back = self.contrast(student1, teacher2, participant), self.contrast(student2, teacher1, participant)
        parts = {name: (there[name] + back[name]) / 2 for name in there}
        total = parts["nce"] + self.config.koleo_weight * parts["koleo"] if "koleo" in parts else parts["nce"]
        with torch.no_grad():
            parts["alignment"] = alignment(student1, student2)
            parts |= watch(gather_rows(vector.detach()), gather_rows(batch.participant))
        return Loss(total=total, parts={name: part.detach() for name, part in parts.items()})

    def thin(self, rows: int, draws: Draws, *, device: torch.device) -> Tensor:
        """Return which hours each view keeps, (rows, N) bool: a share of its own of them, one at least."""
        c = self.config
        share = c.dropped_least + (c.dropped_most - c.dropped_least) * draws.uniform(rows, 1, device=device)
        rank = draws.uniform(rows, c.hours, device=device).argsort(dim=1).argsort(dim=1)
        return rank >= (share * c.hours).floor()

    def present(self, prepared: Prepared) -> Tensor | None:
        """Return the hours that have a value, (B, N) bool, all of a week without any; None where empty hours count as well."""
        if not self.config.skips_empty:
            return None
        is_missing = prepared.values[..., len(self.config.variables) :] > 0.5  # (B, N, V)
        present = ~is_missing.all(dim=2)
        return _any_of(present, torch.ones_like(present))

    def contrast(self, student: Tensor, teacher: Tensor, participant: Tensor) -> dict[str, Tensor]:
        """Return the unweighted terms of one direction. student, teacher: (N, out). participant: (N,) int64."""
        c = self.config
        is_other = participant[:, None] != participant
        parts = {"nce": info_nce(student, teacher, temperature=c.temperature, across=is_other, within=is_other)}
        if c.koleo_weight > 0:
            parts["koleo"] = koleo(student)
        return parts

    def embed(self, batch: Batch) -> Embedded:
        """Return the mean over all hours, or over those with a value, (B, D), and the hours, (B, N, D)."""
        prepared = self.prepare(batch)
        present = self.present(prepared)
        tokens = self.student.tokens(prepared, present)
        return Embedded(vector=masked_mean(tokens, present), tokens=tokens)

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the embedding with gradient; draws: for dropout."""
        prepared = self.prepare(batch)
        present = self.present(prepared)
        return masked_mean(self.student.tokens(prepared, present, draws), present)

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return a vector for every hour, (B, N, D); of an hour that is cut out it says nothing but that."""
        prepared = self.prepare(batch)
        return self.student.tokens(prepared, self.present(prepared), draws)

    def advance(self) -> None:
        """Move the teacher towards the student."""
        follow(self.teacher, self.student, momentum=self.config.momentum)

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:
        """Return a recipe holding weights in the names of [OpenMHC]; strict.

        state: of the Lightning file, names with the prefix `model.`, `encoder.` or none. Without `proj_head.` the head
        stays as initialised. settings: `statistics`, variable -> (mean, standard deviation) of an hour, from the file that
        lies beside the weights; other fields of `Config` on top of the preset "openmhc". The teacher copies the student.
        """
        statistics = settings.pop("statistics", {})
        given = _without_prefix(state)
        recipe = cls(preset(cls, "openmhc", **{**settings, **_sizes(given)}))
        own = recipe.to_original(prefix="")
        if not any(name.startswith("proj_head.") for name in given):
            own = {name: tensor for name, tensor in own.items() if not name.startswith("proj_head.")}
        refuse_difference(own, given, what="wbm")
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(given[name])
        recipe._standardise_with(statistics)
        recipe.teacher.load_state_dict(recipe.student.state_dict())
        return recipe

    def to_original(self, *, prefix: str = "model.") -> dict[str, Tensor]:
        """Return the student's weights, not copied, in the names of [OpenMHC]; the inverse of `from_original`."""
        c = self.config
        if (c.backbone, c.head) != ("mamba2_post_norm", "three_layers") or not c.tokenizer_hidden:
            raise BadConfiguration(f"{c.backbone} with {c.head} has no published names; they belong to the preset openmhc")
        return {prefix + renamed(key, NAMES): tensor for key, tensor in self.student.state_dict().items()}

    @torch.no_grad()
    def _standardise_with(self, statistics: Mapping[str, tuple[float, float]]) -> None:
        scaled = [self.config.variables[place] for place in self.scaled.tolist()]
        for name, (mean, std) in statistics.items():
            if name not in scaled:
                raise UnknownName("variable that is z-scored", name, scaled)
            self.mean[scaled.index(name)], self.std[scaled.index(name)] = mean, std

    def _samples(self, stream: Signal, name: str) -> tuple[Tensor, Tensor]:
        """Return the samples of every hour, (B, 1, T) -> (B, N, T / N), and which of them are valid."""
        c, count = self.config, round(self.config.window_s * self.config.rate_hz)
        if abs(stream.rate_hz / c.rate_hz - 1) > 1e-6 or stream.signal.shape[1:] != (1, count):
            raise BadConfiguration(
                f"{name} comes as {stream.signal.shape[1]} x {stream.signal.shape[2]} samples at {stream.rate_hz:g} Hz; "
                f"this recipe reads one channel of {count} samples: cut windows by its input contract"
            )
        return stream.signal.reshape(len(stream.signal), c.hours, -1), stream.valid.reshape(len(stream.valid), c.hours, -1)

    def _noise(self, draws: Draws) -> Draws | None:
        """Return what dropout draws from; None outside training."""
        return draws if self.training else None


NAMES = (  # ours -> [OpenMHC], of a branch
    (r"\.mix\.(fwd|bwd|proj)\.", r".\1."),
    (r"\.expand\.", ".ffn.0."),
    (r"\.contract\.", ".ffn.3."),
    (r"^head\.layers\.0\.", "proj_head.0."),
    (r"^head\.norms\.0\.", "proj_head.1."),
    (r"^head\.layers\.1\.", "proj_head.4."),
    (r"^head\.norms\.1\.", "proj_head.5."),
    (r"^head\.layers\.2\.", "proj_head.8."),
)


def _any_of(chosen: Tensor, otherwise: Tensor) -> Tensor:
    """Return the chosen places, (B, N) bool; in a row without any the others that are offered."""
    return torch.where(chosen.any(dim=1, keepdim=True), chosen, otherwise)


def _without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state whose names begin as a branch's do; names under another prefix than the first stay and are refused."""
    prefix = next((start for start in ("model.", "encoder.") if any(name.startswith(start) for name in state)), "")
    return {name.removeprefix(prefix): tensor for name, tensor in state.items()}


def _sizes(state: Mapping[str, Tensor]) -> dict[str, int]:
    """Return the config fields that shapes decide."""
    first = "backbone.0.fwd."
    names = ["tokenizer.fc1.weight", *(f"{first}{name}" for name in ("out_proj.weight", "conv1d.weight", "dt_bias"))]
    names.append("backbone.0.ffn.0.weight")
    head = ["proj_head.0.weight", "proj_head.8.weight"] if "proj_head.0.weight" in state else []
    missing = [name for name in names + head if name not in state]
    if missing:
        raise IncompatibleWeights("wbm", missing=missing)
    tokens, out, conv, dt, mlp, *outer = (tuple(state[name].shape) for name in names + head)
    width, inner = out
    sizes = {
        "tokenizer_hidden": tokens[0],
        "width": width,
        "depth": len({found[1] for name in state if (found := re.match(r"backbone\.(\d+)\.", name))}),
        "states": (conv[0] - inner) // 2,
        "conv": conv[2],
        "expand": inner // width,
        "head_width": inner // dt[0],
        "mlp_width": mlp[0],
    }
    return sizes | ({"hidden_size": outer[0][0], "projection_size": outer[1][0]} if outer else {})


def _layer(config: WBMConfig) -> nn.Module:
    if config.backbone == "transformer":
        return TransformerLayer(config.width, heads=config.heads, mlp_width=config.mlp_width)
    return PreNormLayer(config) if config.backbone == "mamba2" else PostNormLayer(config)


def _bidirectional(config: WBMConfig) -> Bidirectional:
    return Bidirectional(
        config.width, states=config.states, conv=config.conv, expand=config.expand, head_width=config.head_width
    )
