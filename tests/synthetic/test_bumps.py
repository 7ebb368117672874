import numpy as np

from wearfm.synthetic import bumps
from wearfm.synthetic.bumps import add_bumps


def bumps_by_hand(length, rate_hz, centres, widths, heights):
    line = np.zeros(length)
    for k in range(length):
        for centre, width, height in zip(centres, widths, heights, strict=True):
            line[k] += height * np.exp(-0.5 * ((k / rate_hz - centre) / width) ** 2)
    return line


def test_equals_the_loop_over_bumps_and_samples():
    generator = np.random.default_rng(0)
    centres, widths, heights = (
        np.sort(generator.uniform(-1, 11, 40)),
        generator.uniform(0.05, 0.4, 40),
        generator.normal(size=40),
    )
    line = np.zeros(320)
    add_bumps(line, rate_hz=32.0, centre_s=centres, width_s=widths, height=heights)
    assert np.allclose(line, bumps_by_hand(320, 32.0, centres, widths, heights), atol=1e-5)  # bumps end at 5.5 widths


def test_blocks_do_not_show(monkeypatch):
    centres = np.linspace(0, 10, 37)
    whole, split = np.zeros(320), np.zeros(320)
    add_bumps(whole, rate_hz=32.0, centre_s=centres, width_s=0.2, height=1.0)
    monkeypatch.setattr(bumps, "_BLOCK", 5)
    add_bumps(split, rate_hz=32.0, centre_s=centres, width_s=0.2, height=1.0)
    assert np.allclose(whole, split, atol=1e-6)


def test_bumps_outside_the_line_leave_it_alone():
    line = np.zeros(10)
    add_bumps(line, rate_hz=1.0, centre_s=np.array([-100.0, 300.0]), width_s=1.0, height=1.0)
    assert not line.any()
