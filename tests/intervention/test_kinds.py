"""What each kind puts in place of an activation, from a bank small enough to add up by hand."""

import re

import numpy as np
import pytest
import xarray as xr

from neuroglot.errors import NeuroglotError
from neuroglot.intervention.kinds import KINDS, Intervention, kind_named
from neuroglot.neurons import NeuronSet
from neuroglot.statistics.bank import ScoreBank
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.shard import samples_shard
from neuroglot.text.samples import Sample

SUM = Quantity("mlp", "activation", "sum")
NEURONS = NeuronSet.of("mlp", (1, 2), [(0, 1)], "xx")

# Language, tokens, sums of the two neurons' activations over the sample's tokens.
TEXT = [("xx", 2, (1.0, -4.0)), ("xx", 3, (4.0, -6.0)), ("yy", 10, (50.0, 0.0)), ("zz", 1, (9.0, 6.0))]
# Every token counts the same inside a language: (1+4)/(2+3), (-4-6)/(2+3); 50/10, 0/10; 9/1, 6/1.
MEANS = {"xx": [1.0, -2.0], "yy": [5.0, 0.0], "zz": [9.0, 6.0]}


@pytest.fixture
def means():
    samples = [
        Sample(language, "d", number, (0,) * (1 + tokens), 9, 9)
        for number, (language, tokens, _) in enumerate(TEXT)
    ]
    sums = np.array([[activations] for _, _, activations in TEXT], dtype=np.float32)
    return ScoreBank((samples_shard(samples, {SUM: sums}, [0], {}),)).statistic(SUM, "rate")


def test_the_bank_holds_the_means(means):
    assert {name: means.sel(language=name).values[0].tolist() for name in MEANS} == MEANS


@pytest.mark.parametrize(
    ("kind", "shift"),
    [
        ("own_mean", [1.0, -2.0]),
        ("other_mean", [7.0, 3.0]),  # (5 + 9)/2, (0 + 6)/2
        ("grand_mean", [5.0, 4 / 3]),  # not 64/16, -4/16: a language counts once, however much text it has
        ("add(1.5)", [1.5, -3.0]),  # to the activation, which stays
        ("add(-1)", [-1.0, 2.0]),
        ("toward(2)", [-12.0, -10.0]),  # 2·(1 - 7), 2·(-2 - 3)
    ],
)
def test_means(means, kind, shift):
    intervention = Intervention(NEURONS, kind, means)
    assert intervention.gain == (1 if kind.startswith(("add", "toward")) else 0)
    assert intervention.shift.dtype == np.float32
    np.testing.assert_allclose(intervention.shift, [shift], rtol=1e-6)


def test_zero_needs_no_means(means):
    for intervention in (Intervention(NEURONS), Intervention(NEURONS, "zero", means)):
        assert (intervention.gain, intervention.shift) == (0.0, None)


def test_a_constant_and_a_scale_need_no_means():
    constant, nothing = Intervention(NEURONS, "constant(-0.25)"), Intervention(NEURONS, "constant(0)")
    assert constant.gain == 0 and constant.shift.tolist() == [[-0.25, -0.25]]
    assert (nothing.gain, nothing.shift) == (0.0, None)
    assert [(one.gain, one.shift) for one in (Intervention(NEURONS, "scale(2.5)"),)] == [(2.5, None)]


@pytest.mark.parametrize("p", [5, 37.5])
def test_a_percentile_asks_for_its_quantile_of_every_language(means, p):
    kind = kind_named(f"percentile({p})")
    assert kind.reads == ("mean", "quantile", {"q": p / 100})
    assert Intervention(NEURONS, f"percentile({p})", means).shift == pytest.approx(np.array([[5.0, 4 / 3]]))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("grand_men", "unknown intervention 'grand_men'; did you mean 'grand_mean'"),
        ("scael(0.5)", r"unknown intervention 'scael\(0.5\)'; did you mean 'scale\(0.5\)'"),
        ("percentile_5", r"unknown intervention 'percentile_5'; did you mean 'percentile\(5\)'"),
        ("scale(0.5", r"unknown intervention 'scale\(0.5'; did you mean 'scale\(0.5\)'"),
        ("scale( 0.5)", "unknown intervention"),
        ("", "unknown intervention ''"),
        ("scale", r"intervention 'scale' needs a number, as in 'scale\(0.5\)'"),
        ("scale()", r"intervention 'scale\(\)' needs a number, as in 'scale\(0.5\)'"),
        ("zero(1)", r"intervention 'zero\(1\)': zero takes no number"),
        ("median()", r"intervention 'median\(\)': median takes no number"),
        ("add(much)", r"intervention 'add\(much\)': 'much' is not a finite number"),
        ("constant(inf)", r"'inf' is not a finite number"),
        ("constant(nan)", r"'nan' is not a finite number"),
        ("percentile(101)", r"'percentile\(101\)': the number must be above 0 and below 100, not 101"),
        ("percentile(-5)", "above 0 and below 100, not -5"),
        ("percentile(0)", "above 0 and below 100, not 0"),
    ],
)
def test_names_that_are_no_kind(name, message):
    with pytest.raises(NeuroglotError, match=message):
        Intervention(NEURONS, name)


def test_the_gain_of_every_example():
    gains = {name: kind_named(entry.example or name).gain for name, entry in KINDS.items()}
    assert gains.pop("scale") == 0.5 and gains.pop("add") == gains.pop("toward") == 1
    assert set(gains.values()) == {0} and len(gains) == 7


MADE_OF_MEANS = ["grand_mean", "own_mean", "other_mean", "median", "percentile(5)", "add(2)", "toward(2)"]


@pytest.mark.parametrize("kind", MADE_OF_MEANS)
def test_means_are_asked_for(means, kind):
    with pytest.raises(NeuroglotError, match=f"'{re.escape(kind)}' needs mean activations"):
        Intervention(NEURONS, kind)
    with pytest.raises(NeuroglotError, match=r"shape \(1, 2\) do not fit a set of \(2, 2\)"):
        Intervention(NeuronSet.of("mlp", (2, 2), [], "xx"), kind, means)


@pytest.mark.parametrize("kind", ["own_mean", "other_mean", "median", "add(2)", "toward(2)"])
def test_a_language_that_the_bank_does_not_know(means, kind):
    with pytest.raises(
        NeuroglotError, match=f"intervention {re.escape(kind)}: unknown language 'xxy'; did you mean 'xx'"
    ):
        Intervention(NeuronSet.of("mlp", (1, 2), [], "xxy"), kind, means)
    assert Intervention(NeuronSet.of("mlp", (1, 2), [], "xxy"), "grand_mean", means).shift is not None


@pytest.mark.parametrize("kind", ["other_mean", "toward(1)"])
def test_other_means_need_others(means, kind):
    with pytest.raises(NeuroglotError, match="needs the mean activations of at least two"):
        Intervention(NEURONS, kind, means.sel(language=["xx"]))


def test_a_difference_of_means_over_a_whole_layer_of_the_residual_stream():
    values = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)
    means = xr.DataArray(
        values, dims=("language", "layer", "neuron"), coords={"language": ["xx", "yy", "zz"]}
    )
    layer = NeuronSet.of("resid", (2, 4), [(1, neuron) for neuron in range(4)], "yy")
    shift = Intervention(layer, "toward(0.5)", means).shift
    expected = 0.5 * (values[1] - (values[0] + values[2]) / 2)
    np.testing.assert_allclose(shift, expected, rtol=1e-5)
