"""Sleep stages every 5 s of a night, read from what a frozen SleepFM makes of it.

    night (groups, T) ── SleepFM, frozen, window by window ──▶ tokens (B, G, N, D), some of them not there
        ── attention over groups, mean ── + positions ── pre-norm layer ── LSTM both ways ── linear ──▶ (B, N, stages)

Thapa et al. 2026 (Nature Medicine, doi:10.1038/s41591-025-04133-4), the staging head of zou-group/sleepfm-clinical @70ce04e
([code] below), 1,286,277 parameters.

Same as published: the head, the weights of the stages in the loss, which is divided by the number of moments and not by their
weights. Different: moments without a label are not in the loss ([code] calls them wake); every moment has its own mask
(`masking="first"`: that of the first moment, and of the first group [code]); the LSTM turns round where the night ends
(`is_packed=False`: it reads the padding first [code]). [code] trains with a 0/1 mask in floating point, which adds 1 to the
scores of padding instead of hiding it: not rebuilt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.backbones.post_norm import PreNormBlock
from wearfm.nn.draws import Draws
from wearfm.nn.gather import gather_rows
from wearfm.nn.initial import uniform_by_fan_in
from wearfm.nn.modes import evaluating
from wearfm.nn.pooling import AttentionPooling, masked_mean
from wearfm.nn.positions import Positions, sincos_in_turn
from wearfm.nn.sequence import BothWays, last_of
from wearfm.nn.torch_layers import LAYER, pack, unpack
from wearfm.recipes import sleepfm
from wearfm.recipes.base import Embedded, Loss, Recipe, load_renamed, load_strictly, preset, refuse_difference, renamed
from wearfm.recipes.sleepfm import Encoded, SleepFM, SleepFMConfig, plain_names
from wearfm.windows.batch import Batch
from wearfm.windows.contract import InputContract
from wearfm.windows.index import WindowIndex
from wearfm.windows.sample import Shuffled

STAGES = ("wake", "n1", "n2", "n3", "rem")  # [code]
MASKINGS = ("moments", "first")
LABEL = "label"  # the name of the stages among a batch's targets


@dataclass(frozen=True, kw_only=True)
class SleepStagingConfig:
    """What is underneath and what stands on it; [code] is the released configuration, "ours" a choice of this library."""

    base: SleepFMConfig  # of the frozen encoder
    night_s: float = 40_800.0  # 8,160 tokens; the longest night of [code] has 8,196
    min_valid: float = 0.05  # ours: nights are shorter than the longest, and groups may be missing
    is_scaled_by_night: bool = False  # ours: as the base was trained; True: over the whole night [code]
    stages: tuple[str, ...] = STAGES
    stage_weight: tuple[float, ...] = (1.0, 4.0, 2.0, 4.0, 3.0)  # of each in the loss [code]
    masking: str = "moments"  # ours; "first" [code]
    is_packed: bool = True  # ours; False [code]
    depth: int = 1  # [code]
    heads: int = 4  # of all attention [code]
    mlp_width: int = 2048  # [code]
    hidden: int = 64  # of the LSTM, each way [code]
    layers: int = 1  # of the LSTM [code]
    dropout: float = 0.3  # [code]

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", sleepfm.from_plain(self.base))
        if self.masking not in MASKINGS:
            raise UnknownName("masking of sleep_staging", self.masking, MASKINGS)
        for value, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{value}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        whole = self.night_s / self.base.window_s
        rule = f"use a multiple of the base's window of {self.base.window_s:g} s"
        yield f"night_s={self.night_s:g}", abs(whole - round(whole)) < 1e-6, rule
        yield f"stages={self.stages}", len(self.stages) >= 2, "name two or more"
        weights = f"{len(self.stage_weight)} weights for {len(self.stages)} stages"
        yield weights, len(self.stage_weight) == len(self.stages), "give one a stage"
        yield f"heads={self.heads}", self.base.width % self.heads == 0, f"the width {self.base.width} must divide into them"
        yield f"dropout={self.dropout:g}", 0 <= self.dropout < 1, "it must lie in [0, 1)"

    @property
    def windows(self) -> int:
        """Windows of the base in a night."""
        return round(self.night_s / self.base.window_s)

    @property
    def num_tokens(self) -> int:
        """Moments of a night."""
        return self.windows * self.base.num_tokens


def paper() -> SleepStagingConfig:
    """The released head on the released base, with its masks [code]: 1,286,277 parameters on 4,831,656."""
    return SleepStagingConfig(base=sleepfm.paper(), is_scaled_by_night=True, masking="first", is_packed=False)


def small() -> SleepStagingConfig:
    """Ten minutes on a small base: seconds on a processor. All numbers ours."""
    return SleepStagingConfig(base=sleepfm.small(), night_s=600.0, mlp_width=128, hidden=32, dropout=0.1)


class Head(nn.Module):
    """Tokens of groups into stages: (B, G, N, D) and which are there -> states (B, N, 2 hidden) -> scores (B, N, stages)."""

    def __init__(self, config: SleepStagingConfig) -> None:
        super().__init__()
        c, width = config, config.base.width
        self.config = config
        self.over_groups = AttentionPooling(width, heads=c.heads, mlp_width=c.mlp_width, dropout=c.dropout)
        self.positions = Positions(sincos_in_turn(c.num_tokens, width))
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(
            PreNormBlock(
                width,
                heads=c.heads,
                head_width=width // c.heads,
                mlp_width=c.mlp_width,
                dropout=c.dropout,
                inner_dropout=c.dropout,
                eps=1e-5,
            )
            for _ in range(c.depth)
        )
        self.read = BothWays(width, hidden=c.hidden, layers=c.layers)
        self.classify = nn.Linear(2 * c.hidden, len(c.stages))

    def states(self, tokens: Tensor, there: Tensor, draws: Draws | None = None) -> Tensor:
        """Return what the head knows of each moment, (B, G, N, D) -> (B, N, 2 hidden). there: (B, G, N) bool."""
        is_first = self.config.masking == "first"
        groups = there[:, :, :1].expand(there.shape) if is_first else there
        moments = there[:, 0] if is_first else there.any(dim=1)  # (B, N)
        each, which = tokens.transpose(1, 2).flatten(0, 1), groups.transpose(1, 2).flatten(0, 1)  # (B * N, G, D)
        mixed = self.over_groups(each, which, draws).reshape(*moments.shape, -1)  # (B * N, D) -> (B, N, D)
        mixed = self.norm(self.positions(mixed))
        looked_at = moments | ~moments.any(dim=1, keepdim=True)
        for block in self.blocks:
            mixed = block(mixed, looked_at, draws)
        states: Tensor = self.read(mixed, last_of(moments) if self.config.is_packed else None)
        return states

    def forward(self, tokens: Tensor, there: Tensor, draws: Draws | None = None) -> Tensor:
        """Return the scores of the stages, (B, N, stages), before the softmax."""
        return self.classify(self.states(tokens, there, draws))  # type: ignore[no-any-return]


class SleepStaging(Recipe):
    """The recipe; put it on a trained base with `after`. `embed` gives the probabilities of the stages."""

    name: ClassVar[str] = "sleep_staging"
    Config: ClassVar[type[SleepStagingConfig]] = SleepStagingConfig
    learns_from_labels: ClassVar[bool] = True
    config: SleepStagingConfig

    def __init__(self, config: SleepStagingConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.base = SleepFM(config.base, seed=seed).requires_grad_(False)
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that are replaced
            self.head = Head(config)
        uniform_by_fan_in(self.head, torch.Generator().manual_seed(seed))

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], SleepStagingConfig]]:
        """Return preset name -> function that makes its config."""
        return {"paper": paper, "small": small}

    def after(self, earlier: Recipe) -> Self:
        """Stand on a trained base: copy its weights and remember whom it has seen."""
        take_base(self, self.base, earlier)
        return self

    @property
    def input(self) -> InputContract:
        """Nights of what the base reads; a shorter recording is a night whose end is not valid."""
        c = self.config
        return InputContract(streams=c.base.streams, window_s=c.night_s, min_valid=c.min_valid)

    @property
    def embedding_size(self) -> int:
        """Stages: the share of each in the night."""
        return len(self.config.stages)

    def feature_size(self, on: str) -> int:  # noqa: ARG002
        """Return the width of what the LSTM knows of a moment, or of the mean over the night."""
        return 2 * self.config.hidden

    def plan(self, index: WindowIndex, *, seed: int) -> Shuffled:
        """Return every night once an epoch."""
        return Shuffled(len(index), seed=seed)

    def train(self, mode: bool = True) -> Self:
        """Set the mode; the base stays in evaluation mode, so that its batch norms do not drift."""
        super().train(mode)
        self.base.eval()
        return self

    def prepare(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the tokens of a batch of nights, (B, G, N, D), 0 where not there, and which are there, (B, G, N) bool."""
        night: Encoded = self.base.night(batch, windows=self.config.windows, is_scaled_by_night=self.config.is_scaled_by_night)
        return night.tokens, night.there

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the weighted cross-entropy of the stages over moments that were measured and have a label.

        targets["label"]: int64 stage numbers, negative where there is none: (B, N), one a token, (B, M), one for N / M tokens
        each (30 s epochs), or (B,), one for the whole night.
        """
        if LABEL not in batch.targets:
            raise BadConfiguration("a batch without labels; train on index.with_targets(label=...), a stage number each token")
        tokens, there = self.prepare(batch)
        scores = self.head(tokens, there, draws if self.training else None)
        label = self._by_token(batch.targets[LABEL])
        counted = there.any(dim=1) & (label >= 0)
        error = stage_error(scores, label, counted, weight=scores.new_tensor(self.config.stage_weight))
        parts = {"error": error.detach(), **_recalls(scores.argmax(dim=2), label, counted, self.config.stages)}
        return Loss(total=error, parts=parts)

    def embed(self, batch: Batch) -> Embedded:
        """Return the share of each stage in the night, (B, stages), and its probabilities at each token, (B, N, stages).

        The share is the mean over moments that were measured; both are 0 where nothing was.
        """
        tokens, there = self.prepare(batch)
        with evaluating(self):
            chances = self.head(tokens, there).float().softmax(dim=2) * there.any(dim=1)[..., None]
        return Embedded(vector=masked_mean(chances, there.any(dim=1)), tokens=chances)

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the mean over what was measured of what the LSTM knows, (B, 2 hidden)."""
        tokens, there = self.prepare(batch)
        return masked_mean(self.head.states(tokens, there, draws), there.any(dim=1))

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return what the LSTM knows of each moment, (B, N, 2 hidden)."""
        return self.head.states(*self.prepare(batch), draws)

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:
        """Return a recipe holding the published head: its state dict, with or without `module.`; strict.

        The base's weights may be among them with `base.` before their names; without them the base is as initialised: put
        the head on another with `after`. Sizes of the head are read from its shapes; settings: other fields on a preset.
        """
        given = plain_names(state)
        chosen = {key: value for key, value in settings.items() if key != "preset"}
        recipe = cls(preset(cls, settings.get("preset", "paper"), **{**chosen, **_sizes(given)}))
        take_parts(recipe.base, given)
        own = {key: value for key, value in recipe.to_original().items() if not key.startswith(BASE)}
        refuse_difference(own, given, what="sleep_staging")
        load_renamed(recipe.head, unpack(given), original=original_name, what="sleep_staging")
        return recipe

    def to_original(self) -> dict[str, Tensor]:
        """Return the head's weights in the names of [code], less its fixed table, and the base's with `base.` before theirs."""
        head = pack({original_name(key): value.detach() for key, value in self.head.state_dict().items()})
        return head | {f"{BASE}{key}": value for key, value in self.base.to_original().items()}

    def _by_token(self, label: Tensor) -> Tensor:
        """Return a label for every token, (B, N)."""
        label, count = label.long() if label.ndim == 2 else label.long()[:, None], self.config.num_tokens
        if count % label.shape[1]:
            raise BadConfiguration(
                f"{label.shape[1]} labels for nights of {count} tokens; give one a token, or one for equally many each"
            )
        return label.repeat_interleave(count // label.shape[1], dim=1)


def stage_error(scores: Tensor, label: Tensor, counted: Tensor, *, weight: Tensor) -> Tensor:
    """Return the summed cross-entropy, each moment weighing as its stage does, over the NUMBER of moments that count, ().

    scores: (B, N, K). label: (B, N) int64. counted: (B, N) bool. weight: (K,).
    """
    surprise = F.cross_entropy(scores.float().flatten(0, 1), label.clamp(min=0).flatten(), weight=weight, reduction="none")
    number = gather_rows(counted.sum().view(1)).float().mean()  # over ranks, whose gradients are averaged
    return torch.where(counted.flatten(), surprise, 0.0).sum() / number.clamp(min=1e-6)


def _recalls(guess: Tensor, label: Tensor, counted: Tensor, stages: tuple[str, ...]) -> dict[str, Tensor]:
    """Return which share of each stage's moments was found, 0 where the batch has none of it."""
    found = {}
    for number, stage in enumerate(stages):
        is_it = counted & (label == number)
        found[f"recall_{stage}"] = (is_it & (guess == number)).sum() / is_it.sum().clamp(min=1)
    return found


def take_base(head: Recipe, base: SleepFM, earlier: Recipe) -> None:
    """Copy a trained base's weights under a head; BadConfiguration if it is another one than the head was made for."""
    if not isinstance(earlier, SleepFM):
        raise BadConfiguration(f"{head.name} stands on a trained sleepfm, which {earlier.name} is not")
    if earlier.config != base.config:
        different = [f.name for f in fields(base.config) if getattr(earlier.config, f.name) != getattr(base.config, f.name)]
        raise BadConfiguration(f"the trained sleepfm differs in {', '.join(different)}; give its config as base=")
    load_strictly(base, earlier.state_dict(), what="sleepfm under a head")
    head.seen = earlier.seen


def take_parts(base: SleepFM, given: dict[str, Tensor]) -> None:
    """Move the tensors of the base, if there are any, out of a published state into the base, and drop the fixed table."""
    parts = {key.removeprefix(BASE): given.pop(key) for key in list(given) if key.startswith(BASE)}
    if parts:
        base.take_original(parts)
    given.pop(sleepfm.TABLE, None)


BASE = "base."
NAMES = (  # ours -> [code]
    (r"^over_groups\.layer\.", "spatial_pooling.transformer_layer."),
    (r"^norm\.", "layer_norm."),
    (r"^blocks\.", "transformer_encoder.layers."),
    (r"^read\.lstm\.", "lstm."),
    (r"^classify\.", "fc."),
    *LAYER,
)


def original_name(key: str) -> str:
    """Return the name in [code] of one of the head's tensors; queries, keys and values are still apart."""
    return renamed(key, NAMES)


def lstm_sizes(state: Mapping[str, Tensor]) -> dict[str, int]:
    """Return the width of the state and the number of layers of a published head's LSTM, as far as they are there."""
    if "lstm.weight_hh_l0" not in state:
        return {}
    layers = sum(key.startswith("lstm.weight_hh_l") and not key.endswith("_reverse") for key in state)
    return {"hidden": state["lstm.weight_hh_l0"].shape[1], "layers": layers}


def _sizes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the config fields that the shapes of a published head tell."""
    sizes: dict[str, Any] = lstm_sizes(state)
    blocks = {key.split(".")[2] for key in state if key.startswith("transformer_encoder.layers.")}
    if blocks:
        sizes["depth"] = len(blocks)
    if "spatial_pooling.transformer_layer.linear1.bias" in state:
        sizes["mlp_width"] = len(state["spatial_pooling.transformer_layer.linear1.bias"])
    return sizes
