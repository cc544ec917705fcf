from math import inf, nan

import pytest

from neuroglot.report.words import figure, interval, listing


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.126, "0.13"),
        (-0.5, "−0.50"),
        (-0.001, "0.00"),
        (123.4, "123"),
        (-123.4, "−123"),
        (nan, "–"),
        (inf, "∞"),
    ],
)
def test_figure(value, said):
    assert figure(value) == said


def test_interval_without_an_upper_end_is_a_lower_bound():
    assert interval(9.0, 4.0, inf, digits=1) == "≥ 4.0"


def test_interval_that_was_not_measured_leaves_the_value():
    assert interval(0.5, nan, nan) == "0.50"
    assert interval(0.5, 0.4, 0.6) == "0.50 [0.40, 0.60]"


def test_listing():
    assert [listing(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
