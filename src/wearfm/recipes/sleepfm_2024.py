"""SleepFM of 2024: brain, breathing and heart in 30 s, one convolutional encoder each, taught that they belong together.

    breathing (B, 3, T) ── MBConv encoder ──▶ (B, 512) ┐
    brain     (B, 5, T) ── MBConv encoder ──▶ (B, 512) ┼─ each must find the mean of the other two among the batch
    heart     (B, 1, T) ── MBConv encoder ──▶ (B, 512) ┘

Thapa et al. 2024 (ICML, arXiv:2405.17766), "SleepFM: Multi-modal Representation Learning for Sleep Across Brain Activity, ECG
and Respiratory Signals"; code: rthapa84/sleepfm-codebase @a886960 ([code] below).

Same as published: widths, depths and strides of the encoders (3,470,232, 3,470,424 and 3,470,040 parameters), both contrasts,
the learnable temperature. The original's outputs could not be compared: no numbers of it are at hand. Ours: channels are
standardised over the window; a group that a window lacks is left out; the padding of the stem; our optimisers for SGD.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.draws import Draws
from wearfm.nn.gather import gather_rows
from wearfm.nn.initial import uniform_by_fan_in
from wearfm.nn.modes import evaluating
from wearfm.nn.normalise import standardise
from wearfm.recipes.base import Embedded, Loss, Recipe, load_renamed, preset, refuse_difference, renamed
from wearfm.recipes.sleepfm import CHOICES, contrast_groups, merged, plain_names
from wearfm.signals.units import modality
from wearfm.windows.batch import Batch
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.sample import Shuffled


@dataclass(frozen=True, kw_only=True)
class Sensors:
    """Channels that one encoder reads. slots: the modality of each; the second slot of a modality is its second channel."""

    name: str
    slots: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "slots", tuple(self.slots))
        for name in self.slots:
            modality(name)
        if not self.slots:
            raise BadConfiguration(f"group {self.name!r} reads nothing; name the modality of each channel")


SENSORS = (  # names and channels [code config.py]
    Sensors(name="respiratory", slots=("resp", "spo2", "resp")),  # chest, SaO2, abdomen
    Sensors(name="sleep_stages", slots=("eeg", "eeg", "eeg", "eeg", "eog")),  # C3-M2, C4-M1, O1-M2, O2-M1, E1-M2
    Sensors(name="ekg", slots=("ecg",)),
)


@dataclass(frozen=True, kw_only=True)
class SleepFM2024Config:
    """Every number of the method; [code] is the released configuration, "ours" a choice of this library."""

    # input
    sensors: tuple[Sensors, ...] = SENSORS
    rate_hz: float = 256.0  # [code]
    window_s: float = 30.0  # 7,680 samples [code]
    min_valid: float = 0.25  # ours: share of samples measured, over all channels
    group_valid: float = 0.5  # ours: least share of a group's samples that must be measured
    # encoders
    stem: int = 32  # channels after the first convolution [code]
    widths: tuple[int, ...] = (16, 24, 40, 80, 112, 192, 320)  # channels that leave each stage [code]
    blocks: tuple[int, ...] = (1, 2, 2, 3, 3, 3, 3)  # of each stage; the last one halves time [code]
    smoothed: tuple[int, ...] = (3, 6)  # stages, counted from 2, behind which stands a maximum over 3 samples [code]
    expansion: int = 6  # how many times wider a block is inside [code]
    last: int = 1280  # channels of the map that is averaged [code]
    width: int = 512  # [code]
    dropout: float = 0.5  # of blocks and of what is averaged [code]
    merge: str = "concatenate"  # of the groups, 0 where one is not there [code]; "mean" of those that are (ours)
    # loss
    contrast: str = "leave_one_out"  # [code]; "pairwise" [code]
    negatives: str = "all"  # [code]; "other_recordings", "other_people": no window of one's own (ours)
    log_scale: float = 0.0  # at the start; learnt, never below 0 [code]

    def __post_init__(self) -> None:
        sensors = tuple(Sensors(**each) if isinstance(each, Mapping) else each for each in self.sensors)  # as JSON gives it
        object.__setattr__(self, "sensors", sensors)
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise UnknownName(f"{name} of sleepfm_2024", getattr(self, name), known)
        for value, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{value}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        names = [each.name for each in self.sensors]
        yield f"sensors {names}", len(set(names)) == len(names) >= 2, "a contrast needs two or more, each with its own name"
        owners = Counter(name for each in self.sensors for name in set(each.slots))
        yield f"modalities {sorted(owners)}", set(owners.values()) == {1}, "each belongs to one group"
        is_paired = len(self.blocks) == len(self.widths) >= 1 and min(self.blocks, default=0) >= 1
        yield f"blocks={self.blocks}", is_paired, f"give 1 or more for each of the {len(self.widths)} widths"
        stages = tuple(range(2, 2 + len(self.widths)))
        yield f"smoothed={self.smoothed}", set(self.smoothed) <= set(stages), f"stages are {stages}"
        factor = 2 ** (1 + len(self.widths))
        yield (
            f"window_s={self.window_s:g} has {self.length} samples",
            self.length > factor,
            f"the encoder divides time by {factor} and batch norms need two steps: use a longer window or fewer widths",
        )
        yield f"dropout={self.dropout:g}", 0 <= self.dropout < 1, "it must lie in [0, 1)"
        yield f"group_valid={self.group_valid:g}", 0 < self.group_valid <= 1, "it must lie in (0, 1]"
        yield f"log_scale={self.log_scale:g}", self.log_scale >= 0, "cosines are scaled by exp of it, at least by 1"

    @property
    def length(self) -> int:
        """Samples of a window."""
        return round(self.window_s * self.rate_hz)


def paper() -> SleepFM2024Config:
    """The released configuration [code]: three encoders of 3.47 million parameters."""
    return SleepFM2024Config()


def small() -> SleepFM2024Config:
    """Ten seconds at 64 Hz, 35 thousand parameters: minutes on two cores. All numbers ours."""
    return SleepFM2024Config(
        rate_hz=64.0,
        window_s=10.0,
        stem=8,
        widths=(8, 12, 16, 24),
        blocks=(1, 2, 1, 1),
        smoothed=(3,),
        expansion=3,
        last=64,
        width=64,
        dropout=0.1,
    )


class Chance:
    """Dropout of those rows of a batch that an encoder sees; the numbers are those of the whole batch's rows."""

    def __init__(self, draws: Draws | None, rows: Tensor, share: float) -> None:
        self.draws, self.rows, self.share = draws, rows, share

    def drop(self, maps: Tensor) -> Tensor:
        """Return (n, ...) with a share of the numbers set to 0 and the others scaled up; unchanged without draws."""
        if self.draws is None or self.share == 0:
            return maps
        noise = self.draws.uniform(len(self.rows), *maps.shape[1:], device=maps.device)[self.rows]
        return maps * (noise >= self.share) / (1 - self.share)


class Bottleneck(nn.Module):
    """Widen, filter each channel by itself, narrow; plus the input, or at half the rate and without it."""

    def __init__(self, inside: int, outside: int, *, expansion: int, stride: int) -> None:
        super().__init__()
        wide = inside * expansion
        self.widen = nn.Conv1d(inside, wide, 1)
        self.norm1 = nn.BatchNorm1d(wide)
        self.filter = nn.Conv1d(wide, wide, 3, stride=stride, padding=1, groups=wide)
        self.norm2 = nn.BatchNorm1d(wide)
        self.narrow = nn.Conv1d(wide, outside, 1)
        self.is_residual = stride == 1

    def forward(self, maps: Tensor, chance: Chance) -> Tensor:
        """Return (n, inside, T) -> (n, outside, ceil(T / stride))."""
        wide = F.relu6(self.norm1(self.widen(maps)))
        wide = F.relu6(self.norm2(self.filter(wide)))
        narrow = chance.drop(self.narrow(wide))
        return maps + narrow if self.is_residual else narrow


class Stage(nn.Module):
    """Residual blocks, one that halves time, a norm and, where smoothed, a running maximum."""

    def __init__(self, inside: int, outside: int, *, blocks: int, expansion: int, is_smoothed: bool) -> None:
        super().__init__()
        same = [Bottleneck(inside, inside, expansion=expansion, stride=1) for _ in range(blocks - 1)]
        self.blocks = nn.ModuleList([*same, Bottleneck(inside, outside, expansion=expansion, stride=2)])
        self.norm = nn.BatchNorm1d(outside)
        self.is_smoothed = is_smoothed

    def forward(self, maps: Tensor, chance: Chance) -> Tensor:
        """Return (n, inside, T) -> (n, outside, ceil(T / 2))."""
        for block in self.blocks:
            maps = block(maps, chance)
        maps = self.norm(maps)
        return F.max_pool1d(maps, 3, stride=1, padding=1) if self.is_smoothed else maps


class Encoder(nn.Module):
    """One group's encoder: (n, C, T) -> (n, D)."""

    def __init__(self, config: SleepFM2024Config, *, channels: int) -> None:
        super().__init__()
        c = config
        self.stem = nn.Conv1d(channels, c.stem, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm1d(c.stem)
        inside, stages = c.stem, []
        for number, (outside, blocks) in enumerate(zip(c.widths, c.blocks, strict=True), start=2):
            is_smoothed = number in c.smoothed
            stages.append(Stage(inside, outside, blocks=blocks, expansion=c.expansion, is_smoothed=is_smoothed))
            inside = outside
        self.stages = nn.Sequential(*stages)  # called one by one; what is sharded each are their blocks
        self.last = nn.Conv1d(inside, c.last, 1)
        self.project = nn.Linear(c.last, c.width)

    def forward(self, signal: Tensor, chance: Chance) -> Tensor:
        """Return one vector a window."""
        maps = self.norm(self.stem(signal))
        for stage in self.stages:
            maps = stage(maps, chance)
        pooled = self.last(maps).mean(dim=2).relu()  # (n, last, T') -> (n, last)
        return self.project(chance.drop(pooled))  # type: ignore[no-any-return]


class Channels(NamedTuple):
    """One group of B windows. signal: (B, C, T), standardised, 0 in gaps. present: (B,) bool, enough of it was measured."""

    signal: Tensor
    present: Tensor


class SleepFM2024(Recipe):
    """The recipe; construction is a pure function of config and seed."""

    name: ClassVar[str] = "sleepfm_2024"
    Config: ClassVar[type[SleepFM2024Config]] = SleepFM2024Config
    pretext: ClassVar[tuple[str, ...]] = ("log_scale",)
    config: SleepFM2024Config

    def __init__(self, config: SleepFM2024Config, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that are replaced
            self.encoders = nn.ModuleDict({each.name: Encoder(config, channels=len(each.slots)) for each in config.sensors})
        uniform_by_fan_in(self.encoders, torch.Generator().manual_seed(seed))
        self.log_scale = nn.Parameter(torch.full((1,), config.log_scale))

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], SleepFM2024Config]]:
        """Return preset name -> function that makes its config."""
        return {"paper": paper, "small": small}

    @property
    def input(self) -> InputContract:
        """Every modality with as many channels as it has slots, none of which a recording must have."""
        c = self.config
        counts = Counter(name for each in c.sensors for name in each.slots)
        streams = [Stream(modality=name, rate_hz=c.rate_hz, channels=n, is_optional=True) for name, n in counts.items()]
        return InputContract(streams=tuple(streams), window_s=c.window_s, min_valid=c.min_valid)

    @property
    def embedding_size(self) -> int:
        """The width, or that of every group where they are concatenated."""
        return self.config.width * (1 if self.config.merge == "mean" else len(self.config.sensors))

    def plan(self, index: WindowIndex, *, seed: int) -> Shuffled:
        """Return every window once an epoch, people mixed."""
        return Shuffled(len(index), seed=seed)

    def prepare(self, batch: Batch) -> dict[str, Channels]:
        """Return the channels of each group, by its name, standardised over the window."""
        return {sensors.name: self._channels(batch, sensors) for sensors in self.config.sensors}

    def encode(self, groups: Mapping[str, Channels], draws: Draws | None = None) -> tuple[Tensor, Tensor]:
        """Return the vector of each group, (B, G, D), 0 where it is not there, and which are there, (B, G) bool."""
        vectors = [self._encoded(self.encoders[name], group, draws) for name, group in groups.items()]
        return torch.stack(vectors, dim=1), torch.stack([group.present for group in groups.values()], dim=1)

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the contrast between the groups of the global batch, and how often each group finds what belongs to it."""
        vectors, present = self.encode(self.prepare(batch), draws if self.training else None)
        return contrast_groups(
            vectors,
            present,
            batch,
            names=[sensors.name for sensors in self.config.sensors],
            log_scale=self.log_scale,
            kind=self.config.contrast,
            negatives=self.config.negatives,
        )

    def embed(self, batch: Batch) -> Embedded:
        """Return the groups' vectors side by side, (B, G * D), or their mean, (B, D), and each, (B, G, D)."""
        with evaluating(self):
            vectors, present = self.encode(self.prepare(batch))
        return Embedded(vector=merged(vectors, present, kind=self.config.merge), channels=vectors)

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the embedding with gradient; draws: with dropout and batch statistics, if in training mode."""
        if draws is None:
            return self.embed(batch).vector
        return merged(*self.encode(self.prepare(batch), draws), kind=self.config.merge)

    @torch.no_grad()
    def advance(self) -> None:
        """Keep the learnt scale at 1 or more [code]."""
        self.log_scale.clamp_(min=0)

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:
        """Return a recipe holding weights of all groups: [code]'s names behind the group's and a dot, `temperature`; strict.

        settings: fields of the config on a preset, `preset="paper"` unless named. One encoder alone: `take_original`.
        """
        fields = {key: value for key, value in settings.items() if key != "preset"}
        recipe = cls(preset(cls, settings.get("preset", "paper"), **fields))
        given = plain_names(state)
        for sensors in recipe.config.sensors:
            own = {key: given.pop(key) for key in list(given) if key.startswith(f"{sensors.name}.")}
            recipe.take_original(sensors.name, {key.removeprefix(f"{sensors.name}."): each for key, each in own.items()})
        refuse_difference({"temperature": recipe.log_scale}, given, what="sleepfm_2024")
        with torch.no_grad():
            recipe.log_scale.copy_(given["temperature"])
        return recipe

    def take_original(self, name: str, state: Mapping[str, Tensor]) -> None:
        """Copy one group's published encoder, as the names of [code] without a prefix, into this recipe; strict.

        Within a stage blocks are told apart by the order of their numbers, and the norm behind them by being no block.
        """
        if name not in self.encoders:
            raise UnknownName("group of sleepfm_2024", name, self.encoders)
        blocks, what = self.config.blocks, f"sleepfm_2024, {name}"
        original = partial(_original_name, blocks=blocks)
        load_renamed(self.encoders[name], _numbered(plain_names(state), blocks), original=original, what=what)

    def to_original(self) -> dict[str, Tensor]:
        """Return the weights, not copied, in the names of [code] behind each group's name, with the temperature."""
        own = {
            f"{name}.{_original_name(key, self.config.blocks)}": value
            for name, encoder in self.encoders.items()
            for key, value in encoder.state_dict().items()
        }
        return own | {"temperature": self.log_scale.detach()}

    def _encoded(self, encoder: nn.Module, group: Channels, draws: Draws | None) -> Tensor:
        """Return one group's vectors, (B, D), 0 where it is not there; only windows that have it are in batch statistics."""
        if not self.training:
            vectors = encoder(group.signal, Chance(None, group.present, 0.0))
            return torch.where(group.present[:, None], vectors, 0.0)
        full = group.signal.new_zeros(len(group.signal), self.config.width)
        chance = Chance(draws, group.present, self.config.dropout)
        if gather_rows(group.present.sum().view(1)).any():  # all ranks call the norms, or none
            vectors = encoder(group.signal[group.present], chance)
        else:
            with evaluating(encoder):  # nothing to encode: the norms stay as they are, and every parameter has its gradient, 0
                vectors = encoder(group.signal[group.present], chance)
        return full.index_put((group.present,), vectors.to(full.dtype))

    def _channels(self, batch: Batch, sensors: Sensors) -> Channels:
        """Return a group's slots, those that a recording lacks 0 throughout."""
        c, used = self.config, Counter[str]()
        reference = next(iter(batch.streams.values())).signal
        signal = reference.new_zeros(len(batch), len(sensors.slots), c.length)
        valid = torch.zeros_like(signal, dtype=torch.bool)
        for slot, name in enumerate(sensors.slots):
            stream = batch.streams.get(name)
            if stream is None or used[name] >= stream.signal.shape[1]:
                continue
            if stream.signal.shape[2] != c.length or abs(stream.rate_hz - c.rate_hz) > 1e-6:
                raise BadConfiguration(
                    f"windows of {stream.signal.shape[2]} samples at {stream.rate_hz:g} Hz; this recipe was made for"
                    f" {c.length} at {c.rate_hz:g} Hz: set window_s and rate_hz"
                )
            signal[:, slot], valid[:, slot] = stream.signal[:, used[name]], stream.valid[:, used[name]]
            used[name] += 1
        present = valid.float().mean(dim=(1, 2)) >= c.group_valid
        return Channels(standardise(signal, valid), present)


NAMES = (  # ours -> [code]
    (r"^stem\.", "stage1."),
    (r"^norm\.", "b0."),
    (r"^last\.", "stage9."),
    (r"^project\.", "fc."),
    (r"\.widen\.", ".conv1."),
    (r"\.norm1\.", ".b0."),
    (r"\.filter\.", ".conv2."),
    (r"\.norm2\.", ".b1."),
    (r"\.narrow\.", ".conv3."),
)
_BLOCK = re.compile(r"stages\.(\d+)\.blocks\.(\d+)\.(.*)")
_STAGE_NORM = re.compile(r"stages\.(\d+)\.norm\.(.*)")
_THEIRS = re.compile(r"stage(\d+)\.stack\.s(\d+)\.(conv\d|b\d)\.(\w+)")
_NORM = re.compile(r"stage([2-8])\.(.+)\.(weight|bias|running_mean|running_var|num_batches_tracked)")


def _original_name(key: str, blocks: tuple[int, ...]) -> str:
    """Return the name in [code] of one of an encoder's tensors: stages from 2, blocks from s1, the last of d s{d + 1}."""
    if block := _BLOCK.fullmatch(key):
        stage, number = int(block[1]), int(block[2])
        place = blocks[stage] + 1 if number == blocks[stage] - 1 else number + 1
        key = f"stage{stage + 2}.stack.s{place}.{block[3]}"
    elif norm := _STAGE_NORM.fullmatch(key):
        key = f"stage{int(norm[1]) + 2}.norm.{norm[2]}"
    return renamed(key, NAMES)


def _numbered(state: Mapping[str, Tensor], blocks: tuple[int, ...]) -> dict[str, Tensor]:
    """Return a published state with blocks numbered, and the norm behind them named, as `_original_name` does."""
    found: dict[int, set[int]] = {}
    for key in state:
        if match := _THEIRS.fullmatch(key):
            found.setdefault(int(match[1]), set()).add(int(match[2]))
    places = {stage: sorted(numbers) for stage, numbers in found.items()}
    out = {}
    for key, value in state.items():
        if match := _THEIRS.fullmatch(key):
            stage, rank = int(match[1]), places[int(match[1])].index(int(match[2]))
            is_last = rank == len(places[stage]) - 1 and 0 <= stage - 2 < len(blocks)
            place = blocks[stage - 2] + 1 if is_last else rank + 1
            key = f"stage{stage}.stack.s{place}.{match[3]}.{match[4]}"
        elif match := _NORM.fullmatch(key):
            key = f"stage{match[1]}.norm.{match[3]}"
        out[key] = value
    return out
