"""What RelCon and Pulse-PPG, by the same authors, have in common: a distance is learned first, then an encoder that keeps it.

    stage "distance"   key ───┐
                       query ─┴─ MotifNet ── squared error of the rebuilt query
    stage "encoder"    anchors, candidates ─┬─ the frozen MotifNet ── who is nearer ──┐
                                            └─ encoder ── pool over time ── cosines ──┴─ relative contrast

Both stages are one class, told apart by `config.stage`. Ours, for both: a gap stands at its channel's mean, is missing to the
query and never scored; errors are averaged, not summed; two distances that need no training stand in where no trained one is
at hand. Xu et al. 2025 (arXiv:2411.18822); Saha et al. 2025 (arXiv:2502.01108).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.backbones.resnet1d import Drop, ResNet1D
from wearfm.nn.draws import Draws
from wearfm.nn.gather import gather_rows
from wearfm.nn.modes import evaluating
from wearfm.nn.motif import Memory, MotifNet, Weighting, measure
from wearfm.nn.normalise import standardise
from wearfm.objectives.relative import candidate_cosines, relative_contrast, without_self
from wearfm.objectives.spread import watch
from wearfm.recipes.base import Embedded, Loss, Recipe, load_renamed, load_strictly, renamed
from wearfm.signals.units import modality
from wearfm.windows.batch import Batch
from wearfm.windows.contract import InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.pairs import Candidates
from wearfm.windows.plan import Plan
from wearfm.windows.sample import Shuffled

STAGES = ("encoder", "distance")
DISTANCES = ("learned", "raw", "spectrum")
ATTENTIONS = ("softmax", "sparsemax_in_training")
WATCHED = 8  # windows of a batch that are rebuilt from their neighbours, to watch the distance learn


@dataclass(frozen=True, kw_only=True)
class RelativeConfig(ABC):
    """What both methods need to know; the values are RelCon's. [code] is the released configuration; "ours" our choice."""

    stage: str = "encoder"  # "distance": train the distance, which comes first; "encoder": train the encoder with it
    # input
    modality: str = "acc"  # in g, not scaled [code]
    channels: int = 3
    rate_hz: float = 100.0  # [paper]
    window_s: float = 2.56  # 256 samples [paper]
    min_valid: float = 0.9  # ours: share of samples that must have been measured
    # candidates
    candidates: int = 20  # other windows of the anchor's participant [code]
    within_s: float = 1800.0  # ours: they start at most this long before or after; [code] takes the same clock hour
    # distance
    distance: str = "learned"  # or between standardised windows as they are ("raw"), or between their amplitude spectra
    motif_width: int = 64  # [code]
    motif_kernel: int = 15  # samples [code]
    motif_depth: int = 2  # dilated layers [code]
    motif_stride: int = 1  # of the last of them [code]
    motif_bottleneck: int = 8  # [code]
    attention: str = "softmax"  # ours; "sparsemax_in_training": an inverted switch of [code], scoring uses softmax all the same
    attention_dropout: float = 0.1  # of the weights, while the distance is trained [code]
    # loss
    temperature: float = 0.1  # [code]

    def __post_init__(self) -> None:
        modality(self.modality)
        for name, value, known in (
            ("stage", self.stage, STAGES),
            ("distance", self.distance, DISTANCES),
            ("attention", self.attention, ATTENTIONS),
        ):
            if value not in known:
                raise UnknownName(name, value, known)
        for given, is_kept, rule in self.rules():
            if not is_kept:
                raise BadConfiguration(f"{given}: {rule}")

    def rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        yield f"candidates={self.candidates}", self.candidates >= 1, "an anchor needs at least 1"
        yield f"temperature={self.temperature:g}", self.temperature > 0, "it divides, so it must be positive"
        yield f"motif_kernel={self.motif_kernel}", self.motif_kernel % 2 == 1, "symmetric padding needs an odd kernel"
        yield f"motif_depth={self.motif_depth}", self.motif_depth >= 1, "the distance needs at least 1 layer"
        yield f"attention_dropout={self.attention_dropout:g}", 0 <= self.attention_dropout < 1, "it must lie in [0, 1)"
        steps = -(-self.length // self.motif_stride)
        is_enough = steps >= 2 or not self.has_motif
        yield f"motif_stride={self.motif_stride} leaves {steps} of {self.length} samples", is_enough, "keep at least 2"

    @property
    def length(self) -> int:
        """Samples of a window."""
        return round(self.window_s * self.rate_hz)

    @property
    def has_motif(self) -> bool:
        """Whether the recipe holds a distance network."""
        return self.stage == "distance" or self.distance == "learned"

    def motif(self) -> MotifNet:
        """Return a fresh distance network."""
        return MotifNet(
            self.channels,
            width=self.motif_width,
            kernel=self.motif_kernel,
            depth=self.motif_depth,
            stride=self.motif_stride,
            bottleneck=self.motif_bottleneck,
            dropout=self.attention_dropout,
        )

    @abstractmethod
    def encoder(self) -> ResNet1D:
        """Return a fresh encoder."""


class Prepared(NamedTuple):
    """signal: (B, C, T), a gap stands at its channel's mean. valid: (B, C, T)."""

    signal: Tensor
    valid: Tensor


class Task(NamedTuple):
    """What the distance learns to rebuild; (B, C, T) each.

    key, valid: what to rebuild from, and where it is valid. visible: bool, which samples of the query may be looked at.
    scored: bool, which of them count in the error.
    """

    key: Tensor
    valid: Tensor
    visible: Tensor
    scored: Tensor


class RelativeRecipe(Recipe):
    """A distance that is learned first, and an encoder that learns to order windows as the distance does.

    Both stages are this class, told apart by `config.stage`; the second takes the first one's weights: `after`.
    """

    Config: ClassVar[type[Any]] = RelativeConfig
    config: Any
    has_distance: Tensor

    def __init__(self, config: Any, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that `_initialise` replaces
            self.encoder = config.encoder() if config.stage == "encoder" else None
            self.motif = config.motif() if config.has_motif else None
        _initialise(self, torch.Generator().manual_seed(seed))
        if self.motif is not None and config.stage == "encoder":
            self.motif.requires_grad_(False)
            self.register_buffer("has_distance", torch.tensor(False))

    @abstractmethod
    def pool(self, maps: Tensor) -> Tensor:
        """Return the encoder's vector, (B, D, N) -> (B, D)."""

    @abstractmethod
    def task(self, prepared: Prepared, draws: Draws) -> Task:
        """Return what the distance learns to rebuild, and from what."""

    def views(self, valid: Tensor, draws: Draws) -> list[tuple[Tensor, Tensor]]:  # noqa: ARG002
        """Return how a query is hidden to be scored, one or several (visible, scored), each (B, C, T) bool; nothing is here."""
        return [(valid, valid)]

    def dropout(self, draws: Draws) -> Drop | None:  # noqa: ARG002
        """Return the dropout inside the encoder while it is trained; none here."""
        return None

    @property
    def input(self) -> InputContract:
        """One modality, resampled; gaps are allowed up to `min_valid`."""
        c = self.config
        stream = Stream(modality=c.modality, rate_hz=c.rate_hz, channels=c.channels)
        return InputContract(streams=(stream,), window_s=c.window_s, min_valid=c.min_valid)

    @property
    def embedding_size(self) -> int:
        """Width of the encoder's last block; in stage "distance" that of the distance's features."""
        return self.config.motif_width if self.encoder is None else self.encoder.width  # type: ignore[no-any-return]

    def plan(self, index: WindowIndex, *, seed: int) -> Plan:
        """Return anchors with candidates of their participant around them; in stage "distance" every window by itself."""
        if self.config.stage == "distance":
            return Shuffled(len(index), seed=seed)
        return Candidates(index, seed=seed, count=self.config.candidates, within_s=self.config.within_s)

    def prepare(self, batch: Batch) -> Prepared:
        """Return the windows in their unit; a gap stands at its channel's mean."""
        c = self.config
        if c.modality not in batch.streams:
            found = ", ".join(batch.streams) or "nothing"
            raise BadConfiguration(f"a batch of {found}; {self.name} was made for {c.modality}: set modality")
        stream = batch.streams[c.modality]
        if stream.signal.shape[1] != c.channels:
            raise BadConfiguration(
                f"windows of {stream.signal.shape[1]} channels; {self.name} was made for {c.channels}: set channels"
            )
        signal = stream.signal.float()
        return Prepared(torch.where(stream.valid, signal, measure(signal, stream.valid)[0]), stream.valid)

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the loss of the stage: how badly windows are rebuilt, or how badly embeddings keep the order of distances."""
        return self._rebuilding(batch, draws) if self.encoder is None else self._contrast(batch, draws)

    def embed(self, batch: Batch) -> Embedded:
        """Return the pooled map of the encoder, with running statistics in either mode.

        In stage "distance": the largest value of each key feature, because their mean is 0 by construction.
        """
        return Embedded(vector=self.features(batch))

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the vector with gradient, (B, D); with draws by the batch's own statistics and with dropout."""
        maps = self._maps(batch, draws)
        return maps.amax(dim=2) if self.encoder is None else self.pool(maps)

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the map that the vector pools, (B, N, D); draws as in `features`."""
        return self._maps(batch, draws).transpose(1, 2)

    def after(self, earlier: Recipe) -> Self:
        """Take over a distance trained in stage "distance", frozen, and return this recipe, which is in stage "encoder".

        Who the distance was trained on counts as seen by this recipe too.
        """
        if self.encoder is None or self.motif is None:
            raise BadConfiguration(
                f"stage={self.config.stage!r}, distance={self.config.distance!r}: a trained distance is used by"
                " stage='encoder' with distance='learned'; set both"
            )
        if type(earlier) is not type(self) or earlier.config.stage != "distance":
            raise BadConfiguration(
                f"a distance from {earlier.name} in stage {getattr(earlier.config, 'stage', '')!r}; train one with"
                f" stage='distance' of {self.name}"
            )
        for field in ("modality", "rate_hz", "motif_stride"):
            own, other = getattr(self.config, field), getattr(earlier.config, field)
            if own != other:
                raise BadConfiguration(f"{field}={own!r}, but the distance was trained with {other!r}; set {field}={other!r}")
        assert earlier.motif is not None
        load_strictly(self.motif, earlier.motif.state_dict(), what=f"distance of {self.name}")
        self.has_distance.fill_(True)
        self.seen |= earlier.seen
        return self

    @torch.no_grad()
    def distances(self, prepared: Prepared, draws: Draws, *, group: int) -> Tensor:
        """Return how far candidates are from the anchors of this process, (S, N + W) float32.

        prepared: S groups of an anchor and W candidates. Columns: the N anchors of all processes, an anchor itself among them,
        then its own candidates.
        """
        signal, valid = (_grouped(part, group) for part in prepared)
        anchor = Prepared(gather_rows(signal[:, 0].contiguous()), gather_rows(valid[:, 0].to(torch.uint8)).bool())
        own, near = Prepared(signal[:, 0], valid[:, 0]), Prepared(signal[:, 1:].flatten(0, 1), valid[:, 1:].flatten(0, 1))
        with torch.autocast(signal.device.type, enabled=False):
            if self.motif is not None:
                return self._learned(own, anchor, near, draws)
            fixed = [self._fixed(each) for each in (own, anchor, near)]
        return torch.cat((torch.cdist(fixed[0], fixed[1]), _to_own(fixed[0], fixed[2])), dim=1)

    def _learned(self, own: Prepared, anchor: Prepared, near: Prepared, draws: Draws) -> Tensor:
        """Return the error of rebuilding each own anchor from all anchors and from its own candidates, (S, N + W)."""
        assert self.motif is not None
        if not bool(self.has_distance):
            raise BadConfiguration(
                f"{self.name} has no trained distance; give it one trained with stage='distance':"
                " recipe.after(trained), or set distance='spectrum' or 'raw', which need none"
            )
        memory = self.motif.remember(torch.cat((anchor.signal, near.signal)), torch.cat((anchor.valid, near.valid)))
        count, width = len(anchor.signal), len(near.signal) // len(own.signal)
        places = torch.arange(count + width, device=own.signal.device)
        views = self.views(own.valid, draws)
        rows = []
        for number, query in enumerate(own.signal):
            looked_up = memory.select(torch.where(places < count, places, places + number * width))
            own_views = [(visible[number], scored[number]) for visible, scored in views]
            rows.append(self.score(query, own_views, looked_up))
        return torch.stack(rows)

    def score(self, query: Tensor, views: Sequence[tuple[Tensor, Tensor]], memory: Memory) -> Tensor:
        """Return the error of one query or of K rebuilt from K keys, (C, T) or (K, C, T) -> (K,), averaged over the views."""
        shape = (len(memory.level), *query.shape[-2:])
        errors = [
            self._error(query.expand(shape), visible.expand(shape), scored.expand(shape), memory) for visible, scored in views
        ]
        return torch.stack(errors).mean(dim=0)

    def _error(self, query: Tensor, visible: Tensor, scored: Tensor, memory: Memory, draws: Draws | None = None) -> Tensor:
        """Return the squared error summed over the scored samples that are rebuilt, (B, C, T) -> (B,). draws: in training."""
        assert self.motif is not None
        weighting: Weighting = (
            "sparsemax" if draws is not None and self.config.attention == "sparsemax_in_training" else "softmax"
        )
        rebuilt = self.motif.rebuild(query, visible, memory, weighting=weighting, draws=draws).float()
        step = self.config.motif_stride
        wrong = torch.where(scored[..., ::step], rebuilt - query[..., ::step], 0.0)
        return wrong.square().sum(dim=(1, 2))

    def _rebuilding(self, batch: Batch, draws: Draws) -> Loss:
        """Return the mean squared error per scored sample; [code] takes the sum over the batch.

        Part "from_another": the same, as the second stage scores it, when windows are rebuilt from the window before them in
        the batch. It is what the distance makes of strangers, and should stay above "from_itself".
        """
        assert self.motif is not None
        prepared = self.prepare(batch)
        task = self.task(prepared, draws)
        memory = self.motif.remember(task.key, task.valid)
        error = self._error(prepared.signal, task.visible, task.scored, memory, draws if self.training else None)
        step = self.config.motif_stride
        total = error.sum() / task.scored[..., ::step].sum().clamp_min(1)
        with torch.no_grad():
            parts = {"rebuilding": total.detach()} | self._watch_distance(prepared, draws)
        return Loss(total=total, parts=parts)

    def _watch_distance(self, prepared: Prepared, draws: Draws) -> dict[str, Tensor]:
        """Return the error per scored sample of a few windows, rebuilt from themselves and from another, as when scored."""
        assert self.motif is not None
        signal, valid = prepared.signal[:WATCHED], prepared.valid[:WATCHED]
        views, step = self.views(valid, draws), self.config.motif_stride
        scored = torch.stack([each[..., ::step].sum() for _, each in views]).float().mean().clamp_min(1)
        memory = self.motif.remember(signal, valid)
        around = torch.arange(len(signal), device=signal.device).roll(1)
        itself, another = (self.score(signal, views, each).sum() / scored for each in (memory, memory.select(around)))
        return {"from_itself": itself, "from_another": another}

    def _contrast(self, batch: Batch, draws: Draws) -> Loss:
        """Return the relative contrastive loss; rows of a batch are groups of an anchor and its candidates.

        Parts besides: "nearest_found", the share of anchors whose most similar candidate is the nearest one, and
        `objectives.spread.watch` of the embeddings.
        """
        group = batch.group_size
        if group < 2:
            raise BadConfiguration(
                f"a batch with groups of {group}; this loss needs anchors with candidates: draw it with the recipe's own plan"
            )
        assert self.encoder is not None
        prepared = self.prepare(batch)
        distance = gather_rows(self.distances(prepared, draws, group=group))
        vectors = gather_rows(self.pool(self.encoder(prepared.signal, self.dropout(draws))).float())
        anchor, near = vectors[::group], _grouped(vectors, group)[:, 1:]
        cosine, distance = candidate_cosines(anchor, near), without_self(distance)
        total = relative_contrast(cosine, distance, temperature=self.config.temperature)
        found = (cosine.argmax(dim=1) == distance.argmin(dim=1)).float().mean()
        parts = {"relative": total.detach(), "nearest_found": found}
        return Loss(total=total, parts=parts | watch(vectors, gather_rows(batch.participant)))

    def _fixed(self, prepared: Prepared) -> Tensor:
        """Return what distances without training compare, (B, C, T) -> (B, F): standardised samples, or their amplitudes.

        The spectrum does not see when something happens in a window, only at which pace; samples see nothing else.
        """
        scaled = standardise(prepared.signal, prepared.valid)
        compared = torch.fft.rfft(scaled, norm="ortho").abs() if self.config.distance == "spectrum" else scaled
        return compared.flatten(1)

    def _maps(self, batch: Batch, draws: Draws | None) -> Tensor:
        """Return what the stage's network makes of windows, (B, D, N); without draws with running statistics in either mode."""
        signal, valid = self.prepare(batch)
        if self.encoder is None:
            assert self.motif is not None
            keys: Tensor = self.motif.remember(signal, valid).keys
            return keys
        with evaluating(self.encoder, unless=draws is not None):
            maps: Tensor = self.encoder(signal, None if draws is None else self.dropout(draws))
            return maps

    @classmethod
    @abstractmethod
    def encoder_names(cls) -> tuple[tuple[str, str], ...]:
        """Return the table (ours, original) of the encoder's names."""

    @classmethod
    def original_name(cls, key: str) -> str:
        """Return the original's name of a tensor of `encoder.` or `motif.`."""
        return renamed(key, (*MOTIF_NAMES, *cls.encoder_names()))

    @classmethod
    def import_into(cls, recipe: Self, state: Mapping[str, Tensor], *, ignore: frozenset[str] = frozenset()) -> Self:
        """Fill the network of the recipe's stage with a state in the original's names; strict. ignore: stored, never used."""
        part = "motif." if recipe.encoder is None else "encoder."
        network = recipe.motif if recipe.encoder is None else recipe.encoder
        assert network is not None
        load_renamed(network, state, original=lambda key: cls.original_name(part + key), what=cls.name, ignore=ignore)
        return recipe

    def to_original(self) -> dict[str, Tensor]:
        """Return the weights of the stage's network under the original's names; the inverse of `from_original`."""
        part = "motif." if self.encoder is None else "encoder."
        state = self.state_dict()
        return {self.original_name(key): tensor.clone() for key, tensor in state.items() if key.startswith(part)}


def _grouped(rows: Tensor, group: int) -> Tensor:
    """Return the rows by groups, (S * G, ...) -> (S, G, ...)."""
    return rows.view(-1, group, *rows.shape[1:])


def _to_own(anchor: Tensor, near: Tensor) -> Tensor:
    """Return the distances of S anchors to W candidates each, (S, F) and (S * W, F) -> (S, W)."""
    away: Tensor = (_grouped(near, len(near) // len(anchor)) - anchor[:, None]).norm(dim=2)
    return away


@torch.no_grad()
def _initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw filters and biases uniform within 1 / sqrt(fan in), torch's own default, from a generator; norms stay 1 and 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Linear):
            bound = layer.weight[0].numel() ** -0.5
            for parameter in layer.parameters(recurse=False):
                parameter.uniform_(-bound, bound, generator=generator)


MOTIF_NAMES = (  # ours, original; of both methods
    (r"^motif\.scale\.", "revin.affine_"),
    (r"^motif\.project\.", "out_proj."),
    (r"^motif\.([qkv])\w+\.first\.", r"\1_func.layer0.dilated_conv."),
    (r"^motif\.([qkv])\w+\.layers\.(\d+)\.narrow\.", r"\1_func.layers.\2.bottle."),
    (r"^motif\.([qkv])\w+\.layers\.(\d+)\.widen\.", r"\1_func.layers.\2.dilated_conv."),
)


def motif_sizes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the config fields that the shapes of an original distance tell; nothing where a key is missing."""
    first, narrow = state.get("q_func.layer0.dilated_conv.weight"), state.get("q_func.layers.0.bottle.weight")
    if first is None or narrow is None:
        return {}
    depth = len({key.split(".")[2] for key in state if key.startswith("q_func.layers.")})
    width, channels, kernel = first.shape
    sizes = {"channels": channels, "motif_width": width, "motif_kernel": kernel}
    return {**sizes, "motif_depth": depth, "motif_bottleneck": narrow.shape[0]}
