import numpy as np

from tests.evaluation.cohort import make_store
from tests.recordings import channel, recording
from wearfm.store import Store
from wearfm.windows.people import same_persons


def test_ids_with_the_same_raw_data_are_one_person(tmp_path):
    persons = same_persons(make_store(tmp_path / "store", number=6, twins=2))
    assert persons == {"p000": "p000", "p001": "p001", "p002": "p002", "p003": "p003", "p004": "p000", "p005": "p001"}


def test_channels_that_say_nothing_join_nobody(tmp_path):
    store = Store.create(tmp_path / "store")
    still, short = np.zeros(200, dtype=np.int16), np.arange(5, dtype=np.int16)
    store.commit(
        [
            recording(
                name,
                "night",
                channel(still, name="still"),
                channel(short, name="short"),
                channel(np.arange(99) + 7 * n, name="own"),
            )
            for n, name in enumerate("abc")
        ]
    )
    assert same_persons(store) == {"a": "a", "b": "b", "c": "c"}
