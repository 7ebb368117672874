"""The protocol of a recipe: all that training, embedding and export may know of a method.

    physical units ──prepare──▶ model input ──┬─loss──▶ total + named parts
                                              └─embed─▶ vector, per channel, tokens

A recipe is a torch module with a frozen config. Every number it needs is in the config, every draw comes from `Draws`,
and whatever `prepare` does in training is what it does behind an API.
"""

from __future__ import annotations

import dataclasses
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from wearfm.errors import BadConfiguration, IncompatibleWeights, UnknownName
from wearfm.nn.draws import Draws
from wearfm.windows.batch import Batch
from wearfm.windows.contract import InputContract
from wearfm.windows.index import WindowIndex
from wearfm.windows.plan import Plan
from wearfm.windows.source import Source


@dataclass(frozen=True, kw_only=True, eq=False)
class Loss:
    """A loss and what it is made of. total: () the value to minimise. parts: name -> () values to log, not weighted."""

    total: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedded:
    """What a recipe makes of a batch.

    vector: (B, D), one per window. channels: (B, C, D'), one per channel, where the recipe has them. tokens: (B, C, N, D')
    or (B, N, D'), where there are any.
    """

    vector: Tensor
    channels: Tensor | None = None
    tokens: Tensor | None = None


class Recipe(nn.Module, ABC):
    """One published method: input contract, assembly, sampling plan, loss, embedding, weight names.

    seen: pseudonyms of the participants whose recordings the weights were trained on (`windows.split.pseudonym`), so that
    no evaluation tests on them. Kept in checkpoints, not in the weights. learns_from_labels: batches must carry targets.
    learns_from_teacher: another recipe's weights must be given to `after` before it can learn anything.
    pretext: how the names of parameters begin that only the pretraining loss uses, neither `embed` nor `features`.
    """

    name: ClassVar[str]
    Config: ClassVar[type[Any]]
    config: Any
    seen: frozenset[str] = frozenset()
    learns_from_labels: ClassVar[bool] = False
    learns_from_teacher: ClassVar[bool] = False
    pretext: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    def presets(cls) -> Mapping[str, Callable[[], Any]]:
        """Return preset name -> function that makes its config; "paper" and "small" are always there."""

    @property
    @abstractmethod
    def input(self) -> InputContract:
        """The windows that the recipe eats."""

    @abstractmethod
    def plan(self, index: WindowIndex, *, seed: int) -> Plan:
        """Return which windows make an epoch and which of them belong together."""

    def survey(self, source: Source, index: WindowIndex) -> WindowIndex:  # noqa: ARG002
        """Return the index with what `plan` or `loss` must know of its windows beforehand, as targets, once before training.

        Facts of single windows only (how much one moves, when the next beat comes): the index holds both sides of the split.
        """
        return index

    def after(self, earlier: Recipe) -> Self:
        """Take over the trained stage before this one and return this recipe; BadConfiguration if the method has none."""
        raise BadConfiguration(f"{self.name} has no earlier stage that {earlier.name} could be; train it without `after`")

    @abstractmethod
    def prepare(self, batch: Batch) -> Any:
        """Return the model input made from physical units: pure torch, exportable, the same in training and serving."""

    @abstractmethod
    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the training loss of a batch in physical units."""

    @abstractmethod
    def embed(self, batch: Batch) -> Embedded:
        """Return the embedding of a batch in physical units; no randomness, no dependence between rows."""

    @classmethod
    def from_original(cls, state: Mapping[str, Tensor], **settings: Any) -> Self:  # noqa: ARG003
        """Return a recipe holding published weights; strict, IncompatibleWeights lists all that does not fit.

        A method of which no weights were ever published keeps this one, which refuses any.
        """
        raise BadConfiguration(f"no weights of {cls.name} were published; load your own checkpoint with wearfm.load")

    @property
    def calibration_windows(self) -> int:
        """How many training windows `calibrate` wants to see; 0 for a method that learns nothing from them beforehand."""
        return 0

    def calibrate(self, batches: Iterator[Batch]) -> None:  # noqa: ARG002
        """Set the buffers that the method standardises with from windows of the training side, once, before the first step.

        They are part of the weights from then on. batches: in physical units, `calibration_windows` windows in all or
        every one there is, spread evenly over the training side.
        """
        raise AssertionError(f"{self.name} asks for {self.calibration_windows} calibration windows but takes none")

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:  # noqa: ARG002
        """Return what a head for windows is put on, with gradient, (B, D).

        draws: for dropout, and so that batch norms use the batch, while training; None gives what `embed` gives.
        """
        return self.embed(batch).vector

    def feature_size(self, on: str) -> int:
        """Return D of `features` (on "window") or of `frames` (on "frames"); the embedding's unless a recipe says otherwise."""
        if self.embedding_size is None:
            raise BadConfiguration(f"{self.name}: width of its {on} depends on the channels; choose a pooling over channels")
        return self.embedding_size

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:  # noqa: ARG002
        """Return what a head for moments is put on, with gradient, (B, N, D): N equal parts of the window, in order."""
        raise BadConfiguration(f"{self.name} gives one vector a window and none for its parts; use a head for windows")

    @property
    def embedding_size(self) -> int | None:
        """D of `Embedded.vector`; None if it depends on the number of channels."""
        return None

    def advance(self) -> None:
        """Do what the method does once before every optimiser step (a momentum encoder moves here)."""

    def forward(self, batch: Batch, draws: Draws) -> Loss:
        """Return `loss(batch, draws)`; this is the door that distributed wrappers use."""
        return self.loss(batch, draws)

    def parameter_groups(self, *, weight_decay: float) -> list[dict[str, Any]]:
        """Return the optimiser's groups: no decay on biases, norms and other vectors.

        Ilya Loshchilov & Frank Hutter 2019 (arXiv:1711.05101) leave the choice open; this is the practice of ViT and MAE.
        """
        trained = [p for p in self.parameters() if p.requires_grad]
        return [
            {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ]


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """What a masked method reconstructs of a batch, as simultaneous series in physical units.

    values: (B, C, T) float32, 0 where not valid. valid: (B, C, T) bool. names, units: of the C series, which are the same
    for every batch of a data set. step_s: seconds from one of the T values to the next. block: how many values in a row
    the method hides together; a block of which one value is missing is missing to it.
    """

    values: Tensor
    valid: Tensor
    names: tuple[str, ...]
    units: tuple[str, ...]
    step_s: float
    block: int = 1


class Masked(Recipe):
    """A method that is trained to fill in what is hidden, and can be judged by that (`evaluation.generative`)."""

    @abstractmethod
    def series(self, batch: Batch) -> Series:
        """Return what the method reconstructs of a batch; the truth to compare with."""

    @abstractmethod
    def fill(self, batch: Batch, hidden: Tensor) -> Tensor:
        """Return the method's guess of `series(batch).values` everywhere, (B, C, T) float32, in the same units.

        hidden: (B, C, T) bool, values that the method must not look at, besides those that are not valid. The guess is
        the same whatever stands there, and finite; where everything is hidden it is the best guess without any signal.
        """


def preset(recipe: type[Recipe], name: str, **changes: Any) -> Any:
    """Return a preset's config with some fields changed; UnknownName for a preset or a field that does not exist."""
    presets = recipe.presets()
    if name not in presets:
        raise UnknownName(f"preset of {recipe.name}", name, presets)
    config = presets[name]()
    known = [f.name for f in dataclasses.fields(config)]
    for change in changes:
        if change not in known:
            raise UnknownName(f"field of {recipe.name}", change, known)
    return dataclasses.replace(config, **changes)


def config_to_json(config: Any) -> dict[str, Any]:
    """Return a config as plain values, as JSON would give them back: tuples become lists."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return plain


def config_from_json(recipe: type[Recipe], plain: Mapping[str, Any]) -> Any:
    """Return the config that `config_to_json` wrote; lists become tuples again."""
    known = {f.name for f in dataclasses.fields(recipe.Config)}
    if set(plain) != known:
        different = sorted(set(plain) ^ known)
        raise BadConfiguration(
            f"the stored config of {recipe.name} differs in {', '.join(different)}; load it with the version that wrote it"
        )
    return recipe.Config(**{key: _tupled(value) for key, value in plain.items()})


def _tupled(value: Any) -> Any:
    return tuple(_tupled(each) for each in value) if isinstance(value, list) else value


def at_window(recipe: Recipe, window_s: float) -> Recipe:
    """Return the recipe with the same weights for windows of another length, in evaluation mode.

    BadConfiguration if its config has no `window_s`; IncompatibleWeights if its weights depend on it.
    """
    if recipe.input.window_s == window_s:
        return recipe.eval()
    if not hasattr(recipe.config, "window_s"):
        raise BadConfiguration(f"{recipe.name} has no window_s; its windows last {recipe.input.window_s:g} s")
    changed = type(recipe)(dataclasses.replace(recipe.config, window_s=window_s), seed=0)
    load_strictly(changed, recipe.state_dict(), what=f"{recipe.name} with windows of {window_s:g} s")
    changed.seen = recipe.seen
    return changed.eval()


def load_strictly(module: nn.Module, state: Mapping[str, Tensor], *, what: str, ignore: Iterable[str] = ()) -> None:
    """Copy a state dict into a module: every key used, every shape checked, or one error that lists all differences.

    ignore: keys of `state` that the method stores but never uses.
    """
    own = module.state_dict()
    given = {key: value for key, value in state.items() if key not in set(ignore)}
    refuse_difference(own, given, what=what)
    with torch.no_grad():
        for key, value in given.items():
            own[key].copy_(value)


def load_renamed(
    module: nn.Module,
    state: Mapping[str, Tensor],
    *,
    original: Callable[[str], str],
    what: str,
    ignore: Iterable[str] = (),
) -> None:
    """Copy a state dict in the original's names into a module, as strictly; the error speaks in the original's names.

    original: our name of a tensor -> the original's. ignore: keys of `state` that the method stores but never uses.
    """
    own = {original(key): value for key, value in module.state_dict().items()}
    given = {key: value for key, value in state.items() if key not in set(ignore)}
    refuse_difference(own, given, what=what)
    with torch.no_grad():
        for key, value in given.items():
            own[key].copy_(value)


def refuse_difference(own: Mapping[str, Tensor], given: Mapping[str, Tensor], *, what: str) -> None:
    """Raise one IncompatibleWeights that lists all that differs between two states in names and shapes."""
    shapes = {
        key: (tuple(given[key].shape), tuple(own[key].shape))
        for key in own.keys() & given.keys()
        if given[key].shape != own[key].shape
    }
    missing, unexpected = own.keys() - given.keys(), given.keys() - own.keys()
    if missing or unexpected or shapes:
        raise IncompatibleWeights(what, missing=missing, unexpected=unexpected, shapes=shapes)


def refuse_unpaired(batch: Batch) -> None:
    """Raise BadConfiguration unless rows 2k and 2k + 1 of a batch are a pair."""
    if batch.group_size != 2:
        raise BadConfiguration(
            f"a batch with groups of {batch.group_size}; this loss needs pairs: draw it with the recipe's own plan"
        )


def renamed(key: str, names: Iterable[tuple[str, str]]) -> str:
    """Return a name after all substitutions of a table (regular expression, replacement), in order."""
    for pattern, replacement in names:
        key = re.sub(pattern, replacement, key)
    return key
