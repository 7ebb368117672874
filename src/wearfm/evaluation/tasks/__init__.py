"""Tasks by name: one question to one data set a file."""

from wearfm.evaluation.task import Task
from wearfm.evaluation.tasks import (
    bidmc_breathing_rate,
    bidmc_heart_rate,
    cast_age,
    cast_sex,
    cinc2017_atrial_fibrillation,
    cinc2017_rhythm,
    depresjon_age,
    depresjon_depression,
    depresjon_madrs,
    depresjon_sex,
    hapt_activity,
    motionsense_activity,
    ppg_bp_age,
    ppg_bp_bmi,
    ppg_bp_diabetes,
    ppg_bp_diastolic,
    ppg_bp_hypertension,
    ppg_bp_systolic,
    sleep_accel_stage,
    sleep_accel_wake,
    stress_predict_stress,
    synthetic_activity,
    synthetic_age,
    synthetic_atrial_fibrillation,
    synthetic_heart_rate,
    synthetic_hypertension,
    troika_heart_rate,
)

TASKS: dict[str, Task] = {
    module.TASK.name: module.TASK
    for module in (
        bidmc_breathing_rate,
        bidmc_heart_rate,
        cast_age,
        cast_sex,
        cinc2017_atrial_fibrillation,
        cinc2017_rhythm,
        depresjon_age,
        depresjon_depression,
        depresjon_madrs,
        depresjon_sex,
        hapt_activity,
        motionsense_activity,
        ppg_bp_age,
        ppg_bp_bmi,
        ppg_bp_diabetes,
        ppg_bp_diastolic,
        ppg_bp_hypertension,
        ppg_bp_systolic,
        sleep_accel_stage,
        sleep_accel_wake,
        stress_predict_stress,
        synthetic_activity,
        synthetic_age,
        synthetic_atrial_fibrillation,
        synthetic_heart_rate,
        synthetic_hypertension,
        troika_heart_rate,
    )
}

__all__ = ["TASKS"]
