"""Open data sets by name: one file each, with licence, citation, reader and labels."""

from wearfm.datasets import (
    bidmc,
    cast,
    cinc2017,
    depresjon,
    ecg5000,
    eeg_eye_state,
    fitabase,
    hapt,
    hmp,
    mitdb,
    mobgap_lab,
    motionsense,
    muse_biopsykit,
    ppg_bp,
    sisfall,
    sleep_accel,
    stanford_fog,
    stress_predict,
    troika,
    wearablehrv,
    welltory,
    wesad_e4,
)
from wearfm.datasets.base import Dataset

DATASETS: dict[str, Dataset] = {
    module.DATASET.name: module.DATASET
    for module in (
        bidmc,
        cast,
        cinc2017,
        depresjon,
        ecg5000,
        eeg_eye_state,
        fitabase,
        hapt,
        hmp,
        mitdb,
        mobgap_lab,
        motionsense,
        muse_biopsykit,
        ppg_bp,
        sisfall,
        sleep_accel,
        stanford_fog,
        stress_predict,
        troika,
        wearablehrv,
        welltory,
        wesad_e4,
    )
}

__all__ = ["DATASETS", "Dataset"]
