import numpy as np
import pytest

from wearfm.evaluation import figures
from wearfm.evaluation.few_shot import Curve


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-0.13, 0.32, ["−0.1", "0.0", "0.1", "0.2", "0.3"]),
        (3.0, 17.0, ["5", "10", "15"]),
        (0.0, 12.0, ["0.0", "2.5", "5.0", "7.5", "10.0"]),
        (0.0, 1000.0, ["0", "200", "400", "600", "800", "1000"]),
        (1.0, 1.0, []),
        (float("nan"), 1.0, []),
    ],
)
def test_ticks_are_round(low, high, texts):
    assert [text for _, text in figures.ticks(low, high)] == texts


def test_classes_have_their_own_colour_and_rare_ones_share_grey():
    colours, legend = figures.label_colours(np.array(["a", "b", "a"]))
    assert colours == [figures.BLUE, figures.COLOURS[1], figures.BLUE]
    assert [name for _, name in legend] == ["a", "b"]


def test_numbers_go_from_dark_to_light():
    colours, legend = figures.label_colours(np.array([20.0, 50.0, 80.0]))
    assert colours == ["#00224E", "#7C7B78", "#FEE838"]
    assert [name for _, name in legend] == ["20", "50", "80"]


def test_participants_are_not_named():
    _, legend = figures.person_colours(np.array([f"secret{n}" for n in range(20)]))
    assert len(legend) == 9
    assert not any("secret" in name for _, name in legend)


def test_curves_without_points_draw_nothing():
    assert figures.few_shot([Curve(model="m", people=(), value=(), low=(), high=())], title="AUROC", chance=0.5) == ""


def test_a_gap_in_a_signal_stays_open():
    from wearfm.evaluation.report import ExampleWindow

    signal = np.array([0.0, 1.0, np.nan, np.nan, 1.0, 0.0])
    drawn = figures.window(ExampleWindow(signal=signal, rate_hz=2.0, unit="au", title="t", quality=""))
    assert drawn.count("<path") == 2
