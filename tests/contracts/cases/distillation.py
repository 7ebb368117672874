"""What the contract suite needs to know of distillation."""

from dataclasses import replace

from tests.contracts.case import Case, Given
from tests.contracts.cases.apple_contrastive import CASE as APPLE
from tests.contracts.cases.normwear import CASE as NORMWEAR
from wearfm.recipes.distillation import Distillation
from wearfm.recipes.method import Method

PULSE = Method(name="apple_contrastive", config=APPLE.config(window_s=6.0))
MOTION = Method(name="apple_contrastive", config=APPLE.config(window_s=6.0, modality="acc", channels=3))
ANYTHING = Method(name="normwear", config=NORMWEAR.config(rate_hz=64.0, window_s=6.0))

CASE = Case(
    recipe=Distillation,
    shrink={"teacher": PULSE, "student": MOTION, "still_g": None, "hidden_size": 16, "projection_size": 8},
    channels={"ppg": 1, "acc": 3},
    alternatives={
        "teacher": Method(name="apple_contrastive", config=replace(PULSE.config, embedding_size=108)),
        "student": Method(name="apple_contrastive", config=replace(MOTION.config, embedding_size=108)),
        "teacher_reads": Given(value=("ecg",), given={"teacher": ANYTHING}),
        "student_reads": Given(value=("gyro",), given={"student": ANYTHING}),
        "still_g": 10.0,
        "teacher_augmentation": 0.0,
        "student_augmentation": 0.0,
        "negatives": "others",
    },
    learning_rate=3e-3,
)
