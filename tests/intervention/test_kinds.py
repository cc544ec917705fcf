"""What each kind puts in place of an activation, from a bank small enough to add up by hand."""

import numpy as np
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.intervention.kinds import KINDS, Intervention
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
    ],
)
def test_means(means, kind, shift):
    intervention = Intervention(NEURONS, kind, means)
    assert intervention.gain == 0
    assert intervention.shift.dtype == np.float32
    np.testing.assert_allclose(intervention.shift, [shift], rtol=1e-6)


def test_zero_needs_no_means(means):
    for intervention in (Intervention(NEURONS), Intervention(NEURONS, "zero", means)):
        assert (intervention.gain, intervention.shift) == (0.0, None)


def test_unknown_kind():
    with pytest.raises(NeuroglotError, match="unknown intervention 'grand_men'; did you mean 'grand_mean'"):
        Intervention(NEURONS, "grand_men")


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.shift])
def test_means_are_asked_for(means, kind):
    with pytest.raises(NeuroglotError, match=f"'{kind}' needs mean activations"):
        Intervention(NEURONS, kind)
    with pytest.raises(NeuroglotError, match=r"shape \(1, 2\) do not fit a set of \(2, 2\)"):
        Intervention(NeuronSet.of("mlp", (2, 2), [], "xx"), kind, means)


@pytest.mark.parametrize("kind", ["own_mean", "other_mean"])
def test_a_language_that_the_bank_does_not_know(means, kind):
    with pytest.raises(
        NeuroglotError, match=f"intervention {kind}: unknown language 'xxy'; did you mean 'xx'"
    ):
        Intervention(NeuronSet.of("mlp", (1, 2), [], "xxy"), kind, means)
    assert Intervention(NeuronSet.of("mlp", (1, 2), [], "xxy"), "grand_mean", means).shift is not None


def test_other_mean_needs_others(means):
    with pytest.raises(NeuroglotError, match="at least two languages"):
        Intervention(NEURONS, "other_mean", means.sel(language=["xx"]))
