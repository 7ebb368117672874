"""A pretrained method with a head on it, trained on labels: fine-tuning, or a probe where the encoder stays as it is.

    batch ── features (or frames) of the method underneath ── head ── classes, or a number
                  ╰ learns at encoder_rate times the learning rate; 0: frozen

Any recipe can be underneath; its own `features` and `frames` say what the head stands on. Heads of the literature by
configuration: PAT (arXiv:2411.15240) hidden 128, dropout 0.1; LIFT-PD (arXiv:2410.21326) hidden 0; SelfPAB (Applied
Intelligence 54:4545) on frames, hidden 1028, the encoder frozen for the first 75 % of the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.draws import Draws
from wearfm.nn.heads import MLPHead
from wearfm.nn.initial import xavier
from wearfm.nn.moments import Moments
from wearfm.recipes.base import Embedded, Loss, Recipe, load_strictly, preset
from wearfm.recipes.method import Method
from wearfm.recipes.methods import METHODS
from wearfm.recipes.pat import classifier_from_original
from wearfm.windows.batch import Batch
from wearfm.windows.contract import InputContract
from wearfm.windows.index import WindowIndex
from wearfm.windows.sample import Shuffled

PLACES = ("window", "frames")
LABEL = "label"  # the name of the labels among a batch's targets


@dataclass(frozen=True, kw_only=True)
class SupervisedConfig:
    """What is underneath and what stands on it. All numbers are ours where no preset says otherwise."""

    method: Method
    classes: tuple[str, ...]  # names in the order of the class numbers; none: the label is a number
    on: str = "window"  # "frames": a label for each of the parts that the method divides a window into
    hidden: int = 128  # width of the head's hidden layer; 0: a linear head
    dropout: float = 0.1  # of what enters the head
    is_standardised: bool = True  # ours: every feature by its mean and deviation over the teachers, whatever its scale
    encoder_rate: float = 0.1  # learning rate of the method as a share of the head's; 0: it stays as it is
    frozen_steps: int = 0  # steps at the start in which only the head learns
    class_weight: tuple[float, ...] = ()  # of each class in the loss; none: equal
    label_mean: float = 0.0  # of a numeric label on the training side; the head predicts the standardised label
    label_std: float = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.method, Mapping):  # as JSON gives it back
            object.__setattr__(self, "method", Method(**self.method))
        if self.on not in PLACES:
            raise UnknownName("place of the head", self.on, PLACES)
        if len(self.classes) == 1:
            raise BadConfiguration(f"classes={self.classes}: name two or more, or none for a number")
        if self.class_weight and len(self.class_weight) != len(self.classes):
            raise BadConfiguration(f"{len(self.class_weight)} weights for {len(self.classes)} classes; give one a class")
        if not self.label_std > 0:
            raise BadConfiguration(f"label_std={self.label_std:g} must be positive; are all labels the same?")

    @property
    def outputs(self) -> int:
        """Numbers that the head gives: one a class, or one."""
        return len(self.classes) or 1


def paper() -> SupervisedConfig:
    """Return PAT with its published head (arXiv:2411.15240); two classes share a softmax instead of one sigmoid."""
    method = Method(name="pat", config=preset(METHODS["pat"], "paper"))
    return SupervisedConfig(
        method=method, classes=("no", "yes"), hidden=128, dropout=0.1, encoder_rate=1.0, is_standardised=False
    )


def small() -> SupervisedConfig:
    """Return LIFT-PD's network with a linear head, for seconds on a processor."""
    method = Method(name="lift_pd", config=preset(METHODS["lift_pd"], "small"))
    return SupervisedConfig(method=method, classes=("no", "yes"), hidden=0, dropout=0.0)


class Supervised(Recipe):
    """The recipe. `embed` gives predictions: a probability a class, or the number."""

    name: ClassVar[str] = "supervised"
    Config: ClassVar[type[SupervisedConfig]] = SupervisedConfig
    config: SupervisedConfig
    centre: Tensor
    scale: Tensor
    learns_from_labels: ClassVar[bool] = True

    def __init__(self, config: SupervisedConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.method = config.method.build(seed=seed)
        self.seen = self.method.seen
        for name, parameter in self.method.named_parameters():
            parameter.requires_grad_(config.encoder_rate > 0 and parameter.requires_grad and not self._is_pretext(name))
        with torch.random.fork_rng(devices=[]):  # torch's layers draw first values that `xavier` replaces
            self.head = _head(self.method.feature_size(config.on), config)
        xavier(self.head, torch.Generator().manual_seed(seed))
        self.register_buffer("centre", torch.zeros(self.method.feature_size(config.on)))
        self.register_buffer("scale", torch.ones(self.method.feature_size(config.on)))

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], SupervisedConfig]]:
        """Return the presets by name."""
        return {"paper": paper, "small": small}

    @classmethod
    def on_top_of(cls, method: Recipe, *, seed: int, **settings: Any) -> Self:
        """Return a new head on a copy of a pretrained method's weights. settings: fields of the config."""
        recipe = cls(SupervisedConfig(method=Method(name=method.name, config=method.config), **settings), seed=seed)
        load_strictly(recipe.method, method.state_dict(), what=f"{method.name} under a head")
        recipe.seen = method.seen
        return recipe

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:
        """Return PAT's published classifier, encoder and head from one file; the only fine-tuned network that was published.

        state, settings: as of `PAT.from_original`. One sigmoid becomes the softmax of (0, its logit): the same function.
        """
        method, head = classifier_from_original(state, **settings)
        size = {"hidden": head.inner.out_features, "dropout": head.dropout}
        settings = {"classes": ("no", "yes"), "encoder_rate": 1.0, "is_standardised": False, **size}
        recipe = cls.on_top_of(method, seed=0, **settings)
        pair = {key: torch.cat([torch.zeros_like(value), value]) for key, value in head.outer.state_dict().items()}
        inner = {f"inner.{key}": value for key, value in head.inner.state_dict().items()}
        load_strictly(recipe.head, {**inner, **{f"outer.{key}": value for key, value in pair.items()}}, what="head of pat")
        return recipe

    @property
    def input(self) -> InputContract:
        """What the method underneath eats."""
        return self.method.input

    @property
    def embedding_size(self) -> int | None:
        """Classes, or 1; for frames it depends on the window."""
        return self.config.outputs if self.config.on == "window" else None

    @property
    def calibration_windows(self) -> int:
        """Windows for the scale of the features; the method underneath keeps the scale that it was pretrained with."""
        return 512 if self.config.is_standardised else 0

    @torch.no_grad()
    def calibrate(self, batches: Iterator[Batch]) -> None:
        """Set mean and deviation of every feature, as the method gives them before fine-tuning.

        A feature that hardly varies keeps its scale: a fine-tuned method may wake it up, and must not explode in the head.
        """
        was_training = self.training
        self.eval()
        moments = Moments(len(self.centre))
        for batch in batches:
            vectors = self._place(batch, None).flatten(0, -2)
            moments.add(vectors, torch.ones_like(vectors, dtype=torch.bool))
        self.train(was_training)
        self.centre.copy_(moments.mean)
        self.scale.copy_(moments.std(floor=1e-3))

    def plan(self, index: WindowIndex, *, seed: int) -> Shuffled:
        """Return every window once an epoch, alone, whatever the method pretrains on."""
        return Shuffled(len(index), seed=seed)

    def feature_size(self, on: str) -> int:
        """Return the width of the method underneath."""
        return self.method.feature_size(on)

    def prepare(self, batch: Batch) -> Any:
        """Return what the method underneath makes of a batch."""
        return self.method.prepare(batch)

    def train(self, mode: bool = True) -> Self:
        """Set the mode; a frozen method stays in evaluation mode, so that its batch norms do not drift."""
        super().train(mode)
        if self.config.encoder_rate == 0:
            self.method.eval()
        return self

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the cross-entropy of classes or the mean squared error of standardised numbers, over labelled places.

        targets["label"]: (B,) class numbers or numbers, negative or NaN where there is no label, which hold for every frame
        of the window; on frames also (B, N, K) shares of the classes, 0 throughout without a label, or (B, N) numbers.
        """
        if LABEL not in batch.targets:
            raise BadConfiguration("a batch without labels; supervised learns from labels: use `wearfm finetune`")
        target = batch.targets[LABEL]
        output = self._outputs(batch, draws)
        error = self._class_error(output, target) if self.config.classes else self._number_error(output[..., 0], target)
        return Loss(total=error, parts={"error": error})

    def embed(self, batch: Batch) -> Embedded:
        """Return predictions: (B, K) probabilities or (B, 1) numbers; on frames their (B, N * K)."""
        output = self._outputs(batch, None).float()
        scaled = output * self.config.label_std + self.config.label_mean
        output = output.softmax(dim=-1) if self.config.classes else scaled
        return Embedded(vector=output.flatten(1), tokens=output if self.config.on == "frames" else None)

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the vectors of the fine-tuned method."""
        return self.method.features(batch, draws)

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the frames of the fine-tuned method."""
        return self.method.frames(batch, draws)

    def parameter_groups(self, *, weight_decay: float) -> list[dict[str, Any]]:
        """Return the method's own groups at `encoder_rate` and the head's at the full rate."""
        under = [
            {**group, "lr_scale": self.config.encoder_rate * group.get("lr_scale", 1.0)}
            for group in self.method.parameter_groups(weight_decay=weight_decay)
            if group["params"]
        ]
        matrices = [p for p in self.head.parameters() if p.ndim > 1]
        vectors = [p for p in self.head.parameters() if p.ndim <= 1]
        return [*under, {"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]

    def _outputs(self, batch: Batch, draws: Draws | None) -> Tensor:
        """Return logits or standardised numbers, (B, K) or (B, N, K). draws: for dropout while training."""
        frozen = self.config.encoder_rate == 0 or (draws is not None and draws.step < self.config.frozen_steps)
        noise = draws if self.training else None
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
            vectors = self._place(batch, None if frozen else noise)
        flat = (vectors.flatten(0, -2) - self.centre) / self.scale  # (B, D) or (B, N, D) -> (rows, D)
        if isinstance(self.head, MLPHead):
            keep = None if noise is None else self.head.keep(len(flat), noise, device=flat.device)
            output = self.head(flat, keep)
        else:
            output = self.head(flat)
        return output.reshape(*vectors.shape[:-1], -1)  # type: ignore[no-any-return]

    def _place(self, batch: Batch, draws: Draws | None) -> Tensor:
        """Return what the head stands on, (B, D) or (B, N, D)."""
        if self.config.on == "window":
            return self.method.features(batch, draws)
        return self.method.frames(batch, draws)

    def _class_error(self, output: Tensor, target: Tensor) -> Tensor:
        shares = target.float() if target.ndim == 3 else _shares(target, self.config.outputs)  # (B, K) or (B, N, K)
        if shares.ndim < output.ndim:
            shares = shares[:, None].expand_as(output)  # (B, K) -> (B, N, K)
        weight = shares.new_tensor(self.config.class_weight or [1.0] * self.config.outputs)
        surprise = -(shares * weight * output.float().log_softmax(dim=-1)).sum(dim=-1)
        return surprise.sum() / (shares * weight).sum().clamp(min=1e-6)

    def _number_error(self, output: Tensor, target: Tensor) -> Tensor:
        target = target if target.ndim == output.ndim else target[:, None].expand_as(output)  # (B,) -> (B, N)
        known = target.isfinite()
        wanted = (torch.where(known, target, 0.0) - self.config.label_mean) / self.config.label_std
        return torch.where(known, (output - wanted).float().square(), 0.0).sum() / known.sum().clamp(min=1)

    def _is_pretext(self, name: str) -> bool:
        """Return whether only the pretraining loss uses a parameter of the method."""
        return name.startswith(self.method.pretext)


def _head(width: int, config: SupervisedConfig) -> nn.Module:
    if config.hidden == 0:
        return nn.Linear(width, config.outputs)
    return MLPHead(width, hidden=config.hidden, out=config.outputs, dropout=config.dropout)


def _shares(label: Tensor, classes: int) -> Tensor:
    """Return class numbers as shares, (B,) -> (B, K); 0 throughout where the number is negative."""
    return F.one_hot(label.clamp(min=0), classes).float() * (label >= 0)[:, None]
