"""The risk of many diseases from one night: log-hazards of Cox's model, read from what a frozen SleepFM makes of the night.

    night ── SleepFM, frozen ──▶ tokens (B, G, N, D) ── attention over groups, mean ── LSTM both ways ── mean over N ─┐
    demographics (B, Q) ── linear, ReLU, dropout ─────────────────────────────────────────────────────────────────────┴─▶ (B, K)

Thapa et al. 2026 (Nature Medicine, doi:10.1038/s41591-025-04133-4), the diagnosis heads of zou-group/sleepfm-clinical @70ce04e
([code] below): with demographics 963,497 parameters, without 929,321, demographics alone, and the whole network from raw
signals without pretraining. Which of them: `source` and `demographics`.

Same as published: all four networks. Different: tied events face the whole risk set (Breslow) instead of an arbitrary part of
it, and outcomes without an event in the batch are not in the mean (`likelihood="published"`: as [code]); who is not at risk of
an outcome (time NaN) is in none of its risk sets; every moment has its own mask of groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.backbones.post_norm import drop
from wearfm.nn.draws import Draws
from wearfm.nn.gather import gather_rows
from wearfm.nn.initial import uniform_by_fan_in
from wearfm.nn.modes import evaluating
from wearfm.nn.pooling import AttentionPooling, masked_mean
from wearfm.nn.sequence import BothWays, last_of
from wearfm.nn.tokens.conv import ConvTokens
from wearfm.nn.torch_layers import LAYER, pack, unpack
from wearfm.objectives.cox import cox
from wearfm.recipes import sleepfm
from wearfm.recipes.base import Embedded, Loss, Recipe, load_renamed, preset, refuse_difference, renamed
from wearfm.recipes.sleep_staging import BASE, lstm_sizes, take_base, take_parts
from wearfm.recipes.sleepfm import (
    SleepFM,
    SleepFMConfig,
    night_pieces,
    plain_names,
    tokenizer_names,
    tokenizer_widths,
)
from wearfm.windows.batch import Batch
from wearfm.windows.contract import InputContract
from wearfm.windows.index import WindowIndex
from wearfm.windows.sample import Shuffled

SOURCES = ("tokens", "signals", "nothing")
LIKELIHOODS = {"breslow": "breslow", "efron": "efron", "published": "order"}  # name -> treatment of ties


@dataclass(frozen=True, kw_only=True)
class SleepRiskConfig:
    """What is underneath and what stands on it; [code] is the released configuration, "ours" a choice of this library."""

    base: SleepFMConfig  # of the frozen encoder; for "signals" the sizes of its tokenizer
    night_s: float = 32_400.0  # 6,480 tokens, 9 h [code]
    min_valid: float = 0.05  # ours: nights are shorter, and groups may be missing
    is_scaled_by_night: bool = False  # ours: as the base was trained; True: over the whole night [code]
    source: str = "tokens"  # [code]; "signals": learnt from scratch [code], "nothing": demographics alone [code]
    demographics: int = 2  # numbers of a person: standardised age, sex [code]; 0: none
    outcomes: int = 1065  # phecodes [code]
    is_packed: bool = True  # the LSTM and the mean end with the night [code]; False: for "signals" [code]
    heads: int = 8  # of the attention over groups [code]
    mlp_width: int = 2048  # of the same layer [code]
    hidden: int = 64  # of the LSTM, each way [code]
    layers: int = 2  # of the LSTM [code]
    demographic_width: int = 32  # [code]
    dropout: float = 0.3  # [code]; not between the LSTM's layers (ours)
    likelihood: str = "breslow"  # ours: what tied events face; "efron"; "published": see above [code]

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", sleepfm.from_plain(self.base))
        for what, value, known in (
            ("source of sleep_risk", self.source, SOURCES),
            ("likelihood", self.likelihood, LIKELIHOODS),
        ):
            if value not in known:
                raise UnknownName(what, value, known)
        for value, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{value}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting and value, whether it is fine, rule and remedy)."""
        whole = self.night_s / self.base.window_s
        rule = f"use a multiple of the base's window of {self.base.window_s:g} s"
        yield f"night_s={self.night_s:g}", abs(whole - round(whole)) < 1e-6, rule
        yield f"outcomes={self.outcomes}", self.outcomes >= 1, "1 at least"
        yield f"heads={self.heads}", self.base.width % self.heads == 0, f"the width {self.base.width} must divide into them"
        yield f"dropout={self.dropout:g}", 0 <= self.dropout < 1, "it must lie in [0, 1)"
        is_something = self.source != "nothing" or self.demographics > 0
        yield f"demographics={self.demographics}", self.demographics >= 0 and is_something, "nothing is left to learn from"

    @property
    def windows(self) -> int:
        """Windows of the base in a night."""
        return round(self.night_s / self.base.window_s)

    @property
    def features(self) -> int:
        """Numbers that the hazards are a linear map of."""
        night = 0 if self.source == "nothing" else 2 * self.hidden
        return night + (self.demographic_width if self.demographics else 0)


def paper() -> SleepRiskConfig:
    """The released head with age and sex on the released base [code]: 963,497 parameters less 256 that are never used."""
    return SleepRiskConfig(base=sleepfm.paper(), is_scaled_by_night=True, likelihood="published")


def small() -> SleepRiskConfig:
    """One outcome, ten minutes on a small base, no demographics: seconds on a processor. All numbers ours."""
    return SleepRiskConfig(
        base=sleepfm.small(),
        night_s=600.0,
        demographics=0,
        outcomes=1,
        heads=4,
        mlp_width=128,
        hidden=32,
        layers=1,
        dropout=0.1,
    )


class Head(nn.Module):
    """A night and a person into log-hazards: tokens (B, G, N, D) and which are there, demographics (B, Q) -> (B, K)."""

    def __init__(self, config: SleepRiskConfig) -> None:
        super().__init__()
        self.config = c = config
        reads = c.source != "nothing"
        width = c.base.width
        self.tokens = ConvTokens(c.base.piece, widths=c.base.widths, width=width) if c.source == "signals" else None
        pooling = AttentionPooling(width, heads=c.heads, mlp_width=c.mlp_width, dropout=c.dropout)
        self.over_groups = pooling if reads else None
        self.read = BothWays(width, hidden=c.hidden, layers=c.layers) if reads else None
        self.person = nn.Linear(c.demographics, c.demographic_width) if c.demographics else None
        self.hazards = nn.Linear(c.features, c.outcomes)

    def states(self, tokens: Tensor, there: Tensor, draws: Draws | None = None) -> Tensor:
        """Return what the LSTM knows of each moment, (B, G, N, D) -> (B, N, 2 hidden).

        there: (B, G, N) bool. Of raw signals tokens are pieces (B, C, N, P), and G counts channels.
        """
        assert self.over_groups is not None
        assert self.read is not None
        if self.tokens is not None:
            tokens = self.tokens(tokens, there)
        each, which = tokens.transpose(1, 2).flatten(0, 1), there.transpose(1, 2).flatten(0, 1)  # (B * N, G, D)
        mixed: Tensor = self.over_groups(each, which, draws) if each.shape[1] > 1 else masked_mean(each, which)
        mixed = mixed.reshape(len(tokens), -1, mixed.shape[1])  # (B * N, D) -> (B, N, D)
        return self.read(mixed, last_of(there.any(dim=1)) if self.config.is_packed else None)  # type: ignore[no-any-return]

    def features(self, night: tuple[Tensor, Tensor] | None, person: Tensor | None, draws: Draws | None = None) -> Tensor:
        """Return the mean of the night's states beside what the person's numbers come to, (B, features)."""
        parts = []
        if night is not None:
            states, there = self.states(*night, draws), night[1].any(dim=1)  # (B, N)
            parts.append(masked_mean(states, there if self.config.is_packed else None))
        if self.person is not None:
            assert person is not None
            parts.append(drop(self.person(person).relu(), self.config.dropout, draws))
        return torch.cat(parts, dim=1)

    def forward(self, night: tuple[Tensor, Tensor] | None, person: Tensor | None, draws: Draws | None = None) -> Tensor:
        """Return the log-hazards, (B, K)."""
        return self.hazards(self.features(night, person, draws))  # type: ignore[no-any-return]


class SleepRisk(Recipe):
    """The recipe; put it on a trained base with `after`. `embed` gives the log-hazard of every outcome."""

    name: ClassVar[str] = "sleep_risk"
    Config: ClassVar[type[SleepRiskConfig]] = SleepRiskConfig
    learns_from_labels: ClassVar[bool] = True
    config: SleepRiskConfig

    def __init__(self, config: SleepRiskConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.base = SleepFM(config.base, seed=seed).requires_grad_(False) if config.source == "tokens" else None
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that are replaced
            self.head = Head(config)
        uniform_by_fan_in(self.head, torch.Generator().manual_seed(seed))

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], SleepRiskConfig]]:
        """Return preset name -> function that makes its config."""
        return {"paper": paper, "small": small}

    def after(self, earlier: Recipe) -> Self:
        """Stand on a trained base: copy its weights and remember whom it has seen."""
        if self.base is None:
            raise BadConfiguration(f'source="{self.config.source}" stands on no base; use source="tokens" after {earlier.name}')
        take_base(self, self.base, earlier)
        return self

    @property
    def input(self) -> InputContract:
        """Nights of what the base reads; a shorter recording is a night whose end is not valid."""
        c = self.config
        return InputContract(streams=c.base.streams, window_s=c.night_s, min_valid=c.min_valid)

    @property
    def embedding_size(self) -> int:
        """Outcomes."""
        return self.config.outcomes

    def feature_size(self, on: str) -> int:
        """Return what the hazards are a linear map of, or the width of what the LSTM knows of a moment."""
        return self.config.features if on == "window" else 2 * self.config.hidden

    def plan(self, index: WindowIndex, *, seed: int) -> Shuffled:
        """Return every night once an epoch: the risk set is the batch, so large batches are better ones."""
        return Shuffled(len(index), seed=seed)

    def train(self, mode: bool = True) -> Self:
        """Set the mode; the base stays in evaluation mode, so that its batch norms do not drift."""
        super().train(mode)
        if self.base is not None:
            self.base.eval()
        return self

    def prepare(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return what the head reads: tokens (B, G, N, D) or pieces (B, C, N, P) and which are there, then demographics."""
        night, person = self._night(batch), self._person(batch)
        return (*(night or ()), *(() if person is None else (person,)))

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return Cox's partial likelihood over the global batch, the mean over outcomes that have an event.

        targets: "time" to the event or the end of observation, any unit, NaN for who is not at risk; "event", non-zero where
        it was observed; both (B, K), or (B,) for all outcomes. "demographics" (B, Q) or (B,), if the config has any.
        """
        for name in ("time", "event"):
            if name not in batch.targets:
                raise BadConfiguration(f"a batch without {name}; train on index.with_targets(time=..., event=...)")
        hazards = gather_rows(self.head(self._night(batch), self._person(batch), draws if self.training else None))
        time, event = (gather_rows(self._by_outcome(batch.targets[name])) for name in ("time", "event"))
        kind = self.config.likelihood
        total = cox(hazards, time, event, ties=LIKELIHOODS[kind], is_mean_of_all=kind == "published")
        return Loss(total=total, parts={"cox": total.detach(), "events": (event != 0).sum().float()})

    def embed(self, batch: Batch) -> Embedded:
        """Return the log-hazards, (B, K), and what the LSTM knows of each moment, (B, N, 2 hidden)."""
        night, person = self._night(batch), self._person(batch)
        with evaluating(self):
            hazards = self.head(night, person).float()
            return Embedded(vector=hazards, tokens=None if night is None else self.head.states(*night))

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return what the hazards are a linear map of, (B, features)."""
        return self.head.features(self._night(batch), self._person(batch), draws)

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return what the LSTM knows of each moment, (B, N, 2 hidden)."""
        night = self._night(batch)
        return super().frames(batch, draws) if night is None else self.head.states(*night, draws)

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:
        """Return a recipe holding one of the four published heads, which one by its names; strict, with or without `module.`.

        The base's weights may be among them with `base.` before their names. settings: other fields on a preset.
        """
        given = plain_names(state)
        chosen = {key: value for key, value in settings.items() if key != "preset"}
        recipe = cls(preset(cls, settings.get("preset", "paper"), **{**_sizes(given), **chosen}))
        if recipe.base is not None:
            take_parts(recipe.base, given)
            for key in UNUSED & given.keys():
                del given[key]
        own = {key: value for key, value in recipe.to_original().items() if not key.startswith(BASE)}
        refuse_difference(own, given, what="sleep_risk")
        load_renamed(recipe.head, unpack(given), original=recipe.original_name, what="sleep_risk")
        return recipe

    def to_original(self) -> dict[str, Tensor]:
        """Return the head's weights in the names of [code], less the unused ones, and the base's with `base.` before theirs."""
        head = pack({self.original_name(key): value.detach() for key, value in self.head.state_dict().items()})
        base = {} if self.base is None else self.base.to_original()
        return head | {f"{BASE}{key}": value for key, value in base.items()}

    def original_name(self, key: str) -> str:
        """Return the name in [code] of one of the head's tensors; queries, keys and values are still apart."""
        return renamed(key, (*tokenizer_names(len(self.config.base.widths)), *NAMES))

    def _night(self, batch: Batch) -> tuple[Tensor, Tensor] | None:
        """Return tokens or pieces of a batch of nights, (B, G, N, D), and which are there, (B, G, N); None if none is read."""
        c = self.config
        cut: dict[str, Any] = {"windows": c.windows, "is_scaled_by_night": c.is_scaled_by_night}
        if self.base is not None:
            night = self.base.night(batch, **cut)
            return night.tokens, night.there
        return None if c.source == "nothing" else night_pieces(c.base, batch, **cut)

    def _person(self, batch: Batch) -> Tensor | None:
        """Return the demographics of a batch, (B, Q) float32; None if the config has none."""
        count = self.config.demographics
        if count == 0:
            return None
        if "demographics" not in batch.targets:
            raise BadConfiguration(f"a batch without demographics; give index.with_targets(demographics=...), {count} a person")
        person = batch.targets["demographics"].float()
        person = person if person.ndim == 2 else person[:, None]
        if person.shape[1] != count or not person.isfinite().all():
            raise BadConfiguration(
                f"demographics of {person.shape[1]} numbers, some perhaps missing; this recipe reads {count}, all of them known"
            )
        return person

    def _by_outcome(self, target: Tensor) -> Tensor:
        """Return a target of every outcome, (B, K)."""
        return target if target.ndim == 2 else target[:, None].expand(-1, self.config.outcomes)


UNUSED = {sleepfm.TABLE, "layer_norm.weight", "layer_norm.bias"}  # stored by [code], never used
NAMES = (  # ours -> [code]
    (r"^over_groups\.layer\.", "spatial_pooling.transformer_layer."),
    (r"^read\.lstm\.", "lstm."),
    (r"^person\.", "demo_embedding.0."),
    (r"^hazards\.", "disease_heads."),
    *LAYER,
)


def _sizes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the config fields that names and shapes of a published head tell."""
    widths = tokenizer_widths(state)
    sizes: dict[str, Any] = {
        "source": "signals" if widths else "tokens" if any(key.startswith("lstm.") for key in state) else "nothing",
        "is_packed": not widths,
        "demographics": state["demo_embedding.0.weight"].shape[1] if "demo_embedding.0.weight" in state else 0,
        **lstm_sizes(state),
    }
    if "demo_embedding.0.weight" in state:
        sizes["demographic_width"] = len(state["demo_embedding.0.weight"])
    if "disease_heads.bias" in state:
        sizes["outcomes"] = len(state["disease_heads.bias"])
    if "spatial_pooling.transformer_layer.linear1.bias" in state:
        sizes["mlp_width"] = len(state["spatial_pooling.transformer_layer.linear1.bias"])
    return sizes
