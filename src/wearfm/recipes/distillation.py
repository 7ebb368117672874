"""Distillation across modalities: a student reads from motion what a frozen teacher reads from the pulse of the same minute.

Abbaspourazad et al. 2025, "Wearable accelerometer foundation models for health via knowledge distillation"
(arXiv:2412.11276v2). No code and no weights were published.

    ppg of a window ── augment ── teacher, frozen ── standardise ── head ─┐
                                                                          ├─ InfoNCE, both ways, across the batch
    acc of a window ── augment ── student ────────────────────────── head ┘

As described: a frozen teacher that was pretrained alone, pairs of the same minute at low motion, the other pairs of the batch
as negatives, augmentation of both inputs (without it the error of the heart rate rises by 45 %). Not found and so ours: every
size and weight, temperature and head of the sibling paper (`apple_contrastive`), features of the teacher standardised over
the training side. Teacher and student may be any two methods of this library: see docs/recipes/distillation.md.

Apple holds a patent application on the family of methods (US 2025/0104861 A1): see docs/recipes/apple_contrastive.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from wearfm.augment import Step, cascade
from wearfm.errors import BadConfiguration, UnknownName
from wearfm.nn.draws import Draws
from wearfm.nn.gather import gather_rows
from wearfm.nn.heads import ProjectionHead
from wearfm.nn.initial import uniform_by_fan_in
from wearfm.nn.modes import evaluating
from wearfm.nn.moments import Moments
from wearfm.nn.normalise import fit_level_and_size
from wearfm.objectives.info_nce import info_nce
from wearfm.objectives.koleo import koleo
from wearfm.objectives.spread import watch
from wearfm.recipes.apple_contrastive import ContrastiveConfig
from wearfm.recipes.base import Embedded, Loss, Recipe, load_strictly, preset
from wearfm.recipes.method import Method
from wearfm.recipes.methods import METHODS
from wearfm.windows.batch import Batch, Signal
from wearfm.windows.contract import ANY, InputContract, Stream
from wearfm.windows.index import WindowIndex
from wearfm.windows.motion import MOTION, measure_motion
from wearfm.windows.pairs import SECOND, Simultaneous
from wearfm.windows.source import Source

NEGATIVES = ("all", "others")
ACCELERATION = "acc"
COMPRESSED = 112  # width of the stages of the compressed student: 3.1 million weights become 0.6
CONSTANT = 1e-5  # a feature of the teacher that varies by less, as a share of its mean, is rounding
CAUTION = (
    "It was learnt by cross-modal distillation, a method of a family on which Apple has filed a patent application"
    " (US 2025/0104861 A1): seek advice before using it in a product."
)
_PUBLISHED = ContrastiveConfig().augmentations()  # of the sibling paper's PPG; channels share their time


@dataclass(frozen=True, kw_only=True)
class Teaching:
    """How a student is taught, whoever teaches whom. All numbers are ours where nothing else is said."""

    teacher_reads: tuple[str, ...] = ("ppg",)  # modalities of a teacher that takes any
    student_reads: tuple[str, ...] = ("acc",)  # modalities of a student that takes any
    still_g: float | None = 0.03  # windows that move more are no pairs, standard deviation of |acc|; None: all windows
    # augmentation: times the published share of windows that undergo each step; 0: none, 2: the published ones for ECG
    teacher_augmentation: float = 1.0  # [paper] both inputs
    student_augmentation: float = 1.0  # [paper]
    # heads
    is_standardised: bool = True  # the teacher's features by their mean and deviation over the training side
    hidden_size: int = 1024  # sibling paper
    projection_size: int = 128  # sibling paper
    dropout: float = 0.1  # inside both heads; sibling paper
    # loss
    temperature: float = 0.04  # sibling paper
    student_share: float = 0.5  # weight of the student's search for its teacher; the rest is the teacher's for its student
    negatives: str = "all"  # "others": windows of one person are no negatives of each other, so that they may be alike
    koleo_weight: float = 0.0  # of the student's projections

    def __post_init__(self) -> None:
        if self.negatives not in NEGATIVES:
            raise UnknownName("negatives", self.negatives, NEGATIVES)
        for setting, is_kept, rule in self._rules():
            if not is_kept:
                raise BadConfiguration(f"{setting}={getattr(self, setting):g}: {rule}")

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        """Yield (setting, whether it is fine, rule and remedy)."""
        yield "temperature", self.temperature > 0, "it divides, so it must be positive"
        yield "student_share", 0 <= self.student_share <= 1, "a share must lie in [0, 1]"
        yield "dropout", 0 <= self.dropout < 1, "it must lie in [0, 1)"
        for side in ("teacher_augmentation", "student_augmentation"):
            yield side, 0 <= getattr(self, side) <= 2, "the published shares can be multiplied by 0 to 2"
        if self.still_g is not None:
            yield "still_g", self.still_g > 0, "stillness has a positive limit; None takes all windows"


@dataclass(frozen=True, kw_only=True)
class DistillationConfig(Teaching):
    """Who teaches whom, and how."""

    teacher: Method
    student: Method

    def __post_init__(self) -> None:
        super().__post_init__()
        for side in ("teacher", "student"):  # as JSON gives them back
            if isinstance(getattr(self, side), Mapping):
                object.__setattr__(self, side, Method(**getattr(self, side)))


def paper() -> DistillationConfig:
    """The sibling paper's PPG encoder teaches one of its build for three axes, both on 60 s at 64 Hz."""
    teacher = preset(METHODS["apple_contrastive"], "ppg")
    return DistillationConfig(
        teacher=Method(name="apple_contrastive", config=teacher),
        student=Method(name="apple_contrastive", config=ContrastiveConfig(modality="acc", channels=3)),
    )


def compressed() -> DistillationConfig:
    """The same with a student of a fifth of the weights: narrower stages, the same 256 numbers."""
    student = ContrastiveConfig(modality="acc", channels=3, width=COMPRESSED)
    return replace(paper(), student=Method(name="apple_contrastive", config=student))


def small() -> DistillationConfig:
    """One PPG channel teaches three axes on 8 s: learns something in minutes on two cores."""
    teacher = preset(METHODS["apple_contrastive"], "small")
    return DistillationConfig(
        teacher=Method(name="apple_contrastive", config=teacher),
        student=Method(name="apple_contrastive", config=replace(teacher, modality="acc", channels=3)),
        hidden_size=256,
        projection_size=64,
    )


class Distillation(Recipe):
    """The recipe. `embed` gives the student's vector; `distilled` the student alone."""

    name: ClassVar[str] = "distillation"
    pretext: ClassVar[tuple[str, ...]] = ("teacher.", "teacher_head.", "student_head.")
    learns_from_teacher: ClassVar[bool] = True
    Config: ClassVar[type[DistillationConfig]] = DistillationConfig
    config: DistillationConfig
    centre: Tensor
    scale: Tensor

    def __init__(self, config: DistillationConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.teacher = config.teacher.build(seed=seed).requires_grad_(False).eval()
        self.student = config.student.build(seed=seed)
        for name, parameter in self.student.named_parameters():
            if name.startswith(self.student.pretext):
                parameter.requires_grad_(False)
        self._contract = _union(config, self.teacher.input, self.student.input)
        with torch.random.fork_rng(devices=[]):
            self.teacher_head, self.student_head = map(self._head, (self.teacher, self.student))
        for number, head in enumerate((self.teacher_head, self.student_head)):
            uniform_by_fan_in(head, torch.Generator().manual_seed(2 * seed + number))
        self.register_buffer("centre", torch.zeros(self.teacher.feature_size("window")))
        self.register_buffer("scale", torch.ones(self.teacher.feature_size("window")))
        self._steps = {
            side: tuple(replace(step, probability=min(1.0, times * step.probability)) for step in _PUBLISHED)
            for side, times in (("teacher", config.teacher_augmentation), ("student", config.student_augmentation))
        }

    def _head(self, side: Recipe) -> ProjectionHead:
        c = self.config
        return ProjectionHead(side.feature_size("window"), hidden=c.hidden_size, out=c.projection_size, dropout=c.dropout)

    @classmethod
    def presets(cls) -> Mapping[str, Callable[[], DistillationConfig]]:
        """Return the presets by name."""
        return {"paper": paper, "compressed": compressed, "small": small}

    @classmethod
    def of(cls, teacher: Recipe, student: Method, *, seed: int, **settings: Any) -> Self:
        """Return a new student beside a copy of a pretrained teacher. settings: other fields of the config."""
        method = Method(name=teacher.name, config=teacher.config)
        return cls(DistillationConfig(teacher=method, student=student, **settings), seed=seed).after(teacher)

    def after(self, earlier: Recipe) -> Self:
        """Take over a pretrained teacher's weights, and whom it has seen; return this recipe."""
        wanted = self.config.teacher
        if earlier.name != wanted.name:
            raise BadConfiguration(
                f"a teacher of {earlier.name}, but this recipe was made for {wanted.name}; Distillation.of(teacher, ...) takes"
                " any"
            )
        for field in fields(wanted.config):
            own, other = getattr(wanted.config, field.name), getattr(earlier.config, field.name)
            if own != other:
                raise BadConfiguration(
                    f"a teacher with {field.name}={other!r}, but this recipe was made for {own!r}; set the teacher's config"
                    " to that of its run, or use Distillation.of(teacher, ...)"
                )
        load_strictly(self.teacher, earlier.state_dict(), what=f"{earlier.name} as a teacher")
        self.seen |= earlier.seen
        return self

    def distilled(self) -> Recipe:
        """Return a copy of the student as a recipe of its own, which needs nothing of the teacher's, in evaluation mode.

        Whom the teacher has seen counts as seen. Parameters that only the student's own pretraining uses (`pretext`) are as
        they were made.
        """
        student = self.config.student.build(seed=0)
        load_strictly(student, self.student.state_dict(), what=f"{student.name} after distillation")
        student.seen = self.seen
        return student.eval()

    @property
    def input(self) -> InputContract:
        """All that teacher or student eat."""
        return self._contract

    @property
    def embedding_size(self) -> int | None:
        """Width of the student's vector."""
        return self.student.embedding_size

    def feature_size(self, on: str) -> int:
        """Return the width of the student's features or frames."""
        return self.student.feature_size(on)

    @property
    def calibration_windows(self) -> int:
        """Windows for the scale of the teacher's features, and those that the student asks for itself."""
        return max(512 if self.config.is_standardised else 0, self.student.calibration_windows)

    @torch.no_grad()
    def calibrate(self, batches: Iterator[Batch]) -> None:
        """Set mean and deviation of the teacher's features; let the student see what it wants to see.

        However small a feature is, it counts; one that does not vary beside its mean keeps its scale.
        """
        kept = list(batches)
        if self.config.is_standardised:
            moments = Moments(len(self.centre))
            for batch in kept:
                vectors = self._taught(self._side("teacher", batch))
                moments.add(vectors, torch.ones_like(vectors, dtype=torch.bool))
            spread = moments.std(floor=0.0)
            self.centre.copy_(moments.mean)
            self.scale.copy_(torch.where(spread > CONSTANT * moments.mean.abs(), spread, 1.0))
        if self.student.calibration_windows:
            self.student.calibrate(self._side("student", batch) for batch in kept)

    def survey(self, source: Source, index: WindowIndex) -> WindowIndex:
        """Return the index with how much each window moves, if only still ones are to be used; the others count as skipped."""
        limit_g = self.config.still_g
        if limit_g is None or MOTION in index.targets:
            return index
        motion = measure_motion(source, index, modality=ACCELERATION)
        moving_s = _covered_s(index.select(motion > limit_g))
        skipped = {**index.skipped, **({f"moves more than {limit_g:g} g": moving_s} if moving_s else {})}
        return replace(index.with_targets(**{MOTION: motion}), skipped=skipped)

    def plan(self, index: WindowIndex, *, seed: int) -> Simultaneous:
        """Return windows in which both sides are measured, the still ones only where asked for; participants take turns."""
        return Simultaneous(index, seed=seed, still_g=self.config.still_g)

    def prepare(self, batch: Batch) -> Any:
        """Return what the student makes of a batch."""
        return self.student.prepare(self._side("student", batch))

    def train(self, mode: bool = True) -> Self:
        """Set the mode; the teacher stays in evaluation mode, so that its batch norms do not drift."""
        super().train(mode)
        self.teacher.eval()
        return self

    def loss(self, batch: Batch, draws: Draws) -> Loss:
        """Return the InfoNCE of each window's student and teacher among all of the batch, + KoLeo where asked for.

        With a_i, p_i the unit projections of student and teacher, s_ij = a_i p_j / temperature and w = student_share:

            L = -mean_i ( w log softmax_j(s_ij)[i] + (1 - w) log softmax_j(s_ji)[i] )

        Parts besides: "student_finds_teacher" and "teacher_finds_student", the shares of rows whose most similar row of
        the other side is their own (chance 1 / B), and `objectives.spread.watch` of the student's vectors.
        """
        c, noise = self.config, draws if self.training else None
        given = self._taught(self._augmented("teacher", batch, draws))
        vectors = self.student.features(self._augmented("student", batch, draws), noise)
        answer = self._projected(self.teacher_head, (given - self.centre) / self.scale, draws)
        question = self._projected(self.student_head, vectors.float(), draws)
        participant, vectors = gather_rows(batch.participant), gather_rows(vectors.float())
        is_other = participant[:, None] != participant
        across = is_other if c.negatives == "others" else torch.ones_like(is_other)
        total = info_nce(
            question,
            answer,
            temperature=c.temperature,
            across=across,
            within=torch.zeros_like(is_other),
            share=c.student_share,
        )
        parts = {"nce": total.detach(), **_found(question, answer), **watch(vectors, participant)}
        if c.koleo_weight > 0:
            spread = koleo(question)
            total, parts["koleo"] = total + c.koleo_weight * spread, spread.detach()
        return Loss(total=total, parts=parts)

    def embed(self, batch: Batch) -> Embedded:
        """Return what the student makes of its modalities; the teacher's may be missing."""
        return self.student.embed(self._side("student", batch))

    def features(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the student's features."""
        return self.student.features(self._side("student", batch), draws)

    def frames(self, batch: Batch, draws: Draws | None = None) -> Tensor:
        """Return the student's frames."""
        return self.student.frames(self._side("student", batch), draws)

    @torch.no_grad()
    def projections(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return where student and teacher put the same windows in the space of the loss, (B, out) float32 each.

        Without augmentation and as nobody trains them: what retrieval of one signal by the other is judged on.
        """
        with evaluating(self):
            given = (self._taught(self._side("teacher", batch)) - self.centre) / self.scale
            return self.student_head(self.features(batch).float()), self.teacher_head(given)

    @torch.no_grad()
    def _taught(self, batch: Batch) -> Tensor:
        """Return the teacher's features, (B, D) float32, without gradient."""
        return self.teacher.features(batch).float()

    def _side(self, side: str, batch: Batch) -> Batch:
        """Return a batch with the streams of one side only."""
        reads = _reads(self.config, side, getattr(self, side).input)
        return replace(batch, streams={s.modality: batch.streams[s.modality] for s in reads if s.modality in batch.streams})

    def _augmented(self, side: str, batch: Batch, draws: Draws) -> Batch:
        """Return one side of a batch, each of its modalities augmented by itself."""
        own = self._side(side, batch)
        return replace(own, streams={name: augmented(s, draws, steps=self._steps[side]) for name, s in own.streams.items()})

    def _projected(self, head: ProjectionHead, vectors: Tensor, draws: Draws) -> Tensor:
        """Return the projections of all processes, (B, D) -> (B of all, out)."""
        keep = head.keep(len(vectors), draws, device=vectors.device)
        return gather_rows(head(vectors, keep).float())


def augmented(stream: Signal, draws: Draws, *, steps: tuple[Step, ...]) -> Signal:
    """Return windows after a cascade that thinks in standard deviations of a channel, in their physical unit again.

    A method's own `prepare` can follow, whatever it does with units. What a step puts in the place of a sample is its
    channel's mean where the step says 0.
    """
    fit = fit_level_and_size(stream.signal, stream.valid)
    scaled, valid = cascade(fit.scaled, stream.valid, draws, steps=steps)
    return replace(stream, signal=torch.where(valid, fit.line + fit.size * scaled, 0.0), valid=valid)


@torch.no_grad()
def _found(question: Tensor, answer: Tensor) -> dict[str, Tensor]:
    """Return how many rows find their partner in first place, both ways."""
    one, other = torch.nn.functional.normalize(question, dim=1), torch.nn.functional.normalize(answer, dim=1)
    similar = one @ other.T  # (B, D), (B, D) -> (B, B)
    own = torch.arange(len(similar), device=similar.device)
    return {
        "student_finds_teacher": (similar.argmax(dim=1) == own).float().mean(),
        "teacher_finds_student": (similar.argmax(dim=0) == own).float().mean(),
    }


def _covered_s(index: WindowIndex) -> float:
    """Return the seconds that windows cover, where they overlap once."""
    length = round(index.contract.window_s * SECOND)
    step = np.diff(index.start_ns)  # rows are sorted by recording and start
    is_next = np.diff(index.recording) == 0
    new = np.where(is_next, np.minimum(step, length), length)
    return float(new.sum() + length * (len(index) > 0)) / SECOND


def _reads(config: DistillationConfig, side: str, contract: InputContract) -> tuple[Stream, ...]:
    """Return the streams of one side; of a method that takes any modality those that the config names."""
    wanted: tuple[str, ...] = getattr(config, f"{side}_reads")
    named = [stream for stream in contract.streams if stream.modality != ANY]
    known = {stream.modality for stream in named}
    rest = [
        replace(stream, modality=name)
        for stream in contract.streams
        if stream.modality == ANY
        for name in wanted
        if name not in known
    ]
    return (*named, *rest)


def _union(config: DistillationConfig, teacher: InputContract, student: InputContract) -> InputContract:
    """Return the windows that hold all that both sides read; BadConfiguration if there are none such."""
    if teacher.window_s != student.window_s:
        raise BadConfiguration(
            f"the teacher reads windows of {teacher.window_s:g} s and the student of {student.window_s:g} s; they must be the"
            f" same: set the student's window_s={teacher.window_s:g}, or pretrain a teacher for {student.window_s:g} s"
        )
    if teacher.align_s != student.align_s:
        raise BadConfiguration(
            f"windows of the teacher start on a grid of align_s={teacher.align_s} and the student's of {student.align_s};"
            " choose a student with the same grid"
        )
    streams = {stream.modality: stream for stream in _reads(config, "student", student)}
    for stream in _reads(config, "teacher", teacher):
        own = streams.get(stream.modality)
        if own is not None and (own.rate_hz, own.channels) != (stream.rate_hz, stream.channels):
            raise BadConfiguration(
                f"teacher and student both read {stream.modality}, {stream.channels} channels at {stream.rate_hz} Hz and"
                f" {own.channels} at {own.rate_hz} Hz; give both the same, or another modality to the student"
            )
        is_optional = stream.is_optional and (own is None or own.is_optional)
        streams[stream.modality] = replace(stream, is_optional=is_optional)
    if config.still_g is not None and ACCELERATION not in streams:
        raise BadConfiguration(
            f"still_g={config.still_g:g} asks for windows without motion, but neither side reads {ACCELERATION}; set"
            " still_g=None"
        )
    min_valid = max(teacher.min_valid, student.min_valid)
    return replace(student, streams=tuple(streams.values()), min_valid=min_valid)
