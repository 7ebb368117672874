"""A recipe small enough to check by eye, and things for it to eat: batches, a loader in memory, a store on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from tests.recordings import channel, recording
from wearfm.nn.draws import Draws
from wearfm.recipes.base import Embedded, Loss, Recipe, load_strictly
from wearfm.store import Store
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import UNDATED, WindowIndex
from wearfm.windows.sample import Shuffled


@dataclass(frozen=True, kw_only=True)
class ToyConfig:
    """A linear autoencoder of channels with a momentum twin, noise, and batch normalisation where asked for."""

    modalities: tuple[str, ...] = ("ppg",)
    rate_hz: float = 8.0
    window_s: float = 2.0  # 16 samples
    min_valid: float = 0.25
    width: int = 4
    depth: int = 2  # blocks on the embedding
    noise: float = 0.1  # standard deviation of what is added to the standardised signal in training
    agreement: float = 0.5  # weight of the distance to the momentum twin
    momentum: float = 0.9
    batch_norm: bool = False

    @property
    def length(self) -> int:
        return round(self.rate_hz * self.window_s)


def paper() -> ToyConfig:
    return ToyConfig(width=8)


def small() -> ToyConfig:
    return ToyConfig()


class Prepared(NamedTuple):
    """signal: (B, C, T) standardised, 0 in gaps. valid: (B, C, T)."""

    signal: Tensor
    valid: Tensor


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, vector: Tensor) -> Tensor:
        return vector + torch.tanh(self.linear(vector))


class Toy(Recipe):
    """The protocol, once, with nothing clever in it."""

    name: ClassVar[str] = "toy"
    Config: ClassVar[type[Any]] = ToyConfig
    config: ToyConfig

    def __init__(self, config: ToyConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = nn.Linear(config.length, config.width)
            self.blocks = nn.ModuleList(Block(config.width) for _ in range(config.depth))
            self.norm = nn.BatchNorm1d(config.width) if config.batch_norm else nn.Identity()
            self.decoder = nn.Linear(config.width, config.length)
            self.twin = nn.Linear(config.length, config.width).requires_grad_(False)
        self.twin.load_state_dict(self.encoder.state_dict())

    @classmethod
    def presets(cls) -> Mapping[str, Any]:
        return {"paper": paper, "small": small}

    @property
    def input(self) -> InputContract:
        streams = tuple(Stream(modality=name, rate_hz=self.config.rate_hz) for name in self.config.modalities)
        return InputContract(streams=streams, window_s=self.config.window_s, min_valid=self.config.min_valid)

    @property
    def embedding_size(self) -> int:
        return self.config.width

    def plan(self, index: WindowIndex, *, seed: int) -> Shuffled:
        return Shuffled(len(index), seed=seed)

    def prepare(self, batch: Batch) -> Prepared:
        names = self.config.modalities
        valid = torch.cat([batch.streams[name].valid for name in names], dim=1)  # (B, C, T)
        signal = torch.cat([batch.streams[name].signal for name in names], dim=1).to(self.encoder.weight.dtype)
        signal = torch.where(valid, signal, 0.0)
        count = valid.sum(dim=2, keepdim=True).clamp(min=1)
        centred = torch.where(valid, signal - signal.sum(dim=2, keepdim=True) / count, 0.0)
        deviation = (centred.square().sum(dim=2, keepdim=True) / count).sqrt()
        return Prepared(centred / (deviation + 1e-6), valid)

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        signal, valid = self.prepare(batch)
        noise = draws.normal(*signal.shape, device=signal.device).to(signal.dtype)
        seen = torch.where(valid, signal + self.config.noise * noise, 0.0)
        vectors = self._vectors(seen, valid.any(dim=2))
        error = torch.where(valid, self.decoder(vectors) - signal, 0.0).square().mean()
        agreement = (vectors - self.twin(signal)).square().mean()
        return Loss(
            total=error + self.config.agreement * agreement, parts={"reconstruction": error.detach(), "agreement": agreement}
        )

    def embed(self, batch: Batch) -> Embedded:
        signal, valid = self.prepare(batch)
        present = valid.any(dim=2)  # (B, C)
        vectors = self._vectors(signal, present)
        share = present.unsqueeze(2) / present.sum(dim=1)[:, None, None].clamp(min=1)
        return Embedded(vector=(vectors * share).sum(dim=1), channels=vectors)

    def _vectors(self, signal: Tensor, present: Tensor) -> Tensor:
        """Return (B, C, width); batch statistics are those of the channels that are there."""
        vectors = self.encoder(signal)
        for block in self.blocks:
            vectors = block(vectors)
        normal = torch.zeros_like(vectors)
        normal[present] = self.norm(vectors[present])
        return normal

    def advance(self) -> None:
        with torch.no_grad():
            for follower, leader in zip(self.twin.parameters(), self.encoder.parameters(), strict=True):
                follower.lerp_(leader, 1 - self.config.momentum)

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:
        width, length = state["encoder.weight"].shape
        recipe = cls(replace(small(), width=width, window_s=length / small().rate_hz, **settings))
        load_strictly(recipe, state, what="recipe 'toy'")
        return recipe

    def to_original(self) -> dict[str, Tensor]:
        return self.state_dict()


def toy_batch(
    rows: int,
    *,
    seed: int,
    channels: Mapping[str, int] | None = None,
    length: int = 16,
    rate_hz: float = 8.0,
    group_size: int = 1,
    has_gaps: bool = True,
) -> Batch:
    """Return sine waves with noise; with gaps, some samples and some whole channels are not valid.

    channels: modality -> number of channels, one of PPG unless given. Windows of a group belong to one participant.
    """
    generator = np.random.default_rng(seed)
    streams = {
        name: _toy_signal(generator, (rows, count, length), rate_hz=rate_hz, has_gaps=has_gaps)
        for name, count in (channels or {"ppg": 1}).items()
    }
    number = torch.arange(rows)
    return Batch(
        streams=streams,
        participant=number // group_size,
        recording=number // group_size,
        start_ns=number * 10**11,
        local_ns=torch.full((rows,), UNDATED),
        group_size=group_size,
    )


def _toy_signal(generator: np.random.Generator, shape: tuple[int, int, int], *, rate_hz: float, has_gaps: bool) -> Signal:
    time_s = np.arange(shape[2]) / rate_hz
    cycles_hz = generator.uniform(0.8, 2.0, shape[:2])[..., None]
    phase = generator.uniform(0, 2 * np.pi, shape[:2])[..., None]
    signal = np.sin(2 * np.pi * cycles_hz * time_s + phase) + 0.1 * generator.standard_normal(shape)
    valid = np.ones(shape, dtype=bool)
    if has_gaps:
        start = generator.integers(0, shape[2], shape[:2])[..., None]
        place = np.arange(shape[2])
        valid &= ~((place >= start) & (place < start + shape[2] // 5))
        valid[1::3, 1:] = False  # every third window has its first channel only
    return Signal(
        signal=torch.from_numpy(np.where(valid, signal, 0.0).astype(np.float32)), valid=torch.from_numpy(valid), rate_hz=rate_hz
    )


@dataclass(frozen=True, kw_only=True)
class ToyLoader:
    """Batches of a pool of windows in memory, whole groups shuffled anew each epoch; the part of one rank."""

    pool: Batch
    batch_size: int
    rank: int = 0
    world: int = 1

    def __len__(self) -> int:
        return len(self.pool) // self.pool.group_size // self.batch_size

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        groups = torch.arange(len(self.pool)).view(-1, self.pool.group_size)
        order = groups[torch.from_numpy(np.random.default_rng([7, epoch]).permutation(len(groups)))]
        local = self.batch_size // self.world
        for number in range(first, len(self)):
            start = number * self.batch_size + self.rank * local
            yield self.pool.select(order[start : start + local].flatten())


def toy_store(
    path: Path, *, people: int = 4, seconds: float = 32.0, rate_hz: float = 8.0, channels: Mapping[str, int] | None = None
) -> Store:
    """Return a store with one recording a person: a sine whose frequency is the person's own, with one gap.

    channels: modality -> number of channels, one of PPG unless given.
    """
    generator = np.random.default_rng(people)
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    recordings = []
    for person in range(people):
        wave = np.sin(2 * np.pi * (0.8 + 0.2 * person) * time_s)
        made = [
            channel(
                (wave + 0.1 * generator.standard_normal(len(wave))).astype(np.float32),
                name=f"{name} {number}",
                modality=name,
                rate_hz=rate_hz,
                gaps=[(40, 46)],
            )
            for name, count in (channels or {"ppg": 1}).items()
            for number in range(count)
        ]
        recordings.append(recording(f"p{person}", "a", *made))
    store = Store.create(path)
    store.commit(recordings)
    return store
