"""Open data sets by name: one file each, with licence, citation, reader and labels."""

from wearfm.datasets import bidmc, hapt, ppg_bp
from wearfm.datasets.base import Dataset

DATASETS: dict[str, Dataset] = {dataset.name: dataset for dataset in (bidmc.DATASET, hapt.DATASET, ppg_bp.DATASET)}

__all__ = ["DATASETS", "Dataset"]
