"""One person whose day can be prescribed, so that each channel can be checked alone."""

from collections.abc import Callable

import numpy as np
import pytest

from wearfm.synthetic.body import Body, make_body
from wearfm.synthetic.config import CohortConfig
from wearfm.synthetic.day import Bout, Schedule
from wearfm.synthetic.participant import Participant, draw_participant


@pytest.fixture
def config() -> CohortConfig:
    return CohortConfig(session_hours=0.5)


@pytest.fixture
def person(config: CohortConfig) -> Participant:
    return draw_participant(3, config, np.random.default_rng(3))


@pytest.fixture
def spend(person: Participant) -> Callable[..., tuple[Schedule, Body, CohortConfig]]:
    """Return a whole session spent on one activity."""

    def one_bout(activity: int, *, hours: float = 0.5, who: Participant = person, effort: float = 0.0, cadence_hz: float = 0.0):
        config = CohortConfig(session_hours=hours)
        bout = Bout(activity=activity, start_s=0, stop_s=config.session_s, effort=effort, cadence_hz=cadence_hz)
        schedule = Schedule((bout,))
        return schedule, make_body(who, schedule, config, np.random.default_rng(11)), config

    return one_bout
