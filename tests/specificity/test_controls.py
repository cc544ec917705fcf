"""Controls hold what they promise: the size, the cells, none of the chosen, and the seed."""

import numpy as np
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.specificity.controls import matched, uniform

SHAPE = (3, 200)
RATES = np.random.default_rng(0).permuted(np.tile(np.arange(200) / 200, (3, 1)), axis=1)


def cells(mask):
    """Chosen neurons by layer and decile; rates 0/200 … 199/200 make each decile twenty neurons."""
    return [
        np.bincount((RATES[layer][mask[layer]] * 10).astype(int), minlength=10).tolist() for layer in range(3)
    ]


def chosen(seed=1, share=0.2):
    return np.random.default_rng(seed).random(SHAPE) < share


def test_uniform_has_its_size_and_seed():
    mask = uniform((4, 25), 0.3, seed=5)
    assert mask.shape == (4, 25)
    assert mask.sum() == 30
    np.testing.assert_array_equal(mask, uniform((4, 25), 30, seed=5))
    assert (mask != uniform((4, 25), 30, seed=6)).any()


def test_uniform_reaches_every_neuron_equally():
    counts = sum(uniform((2, 5), 3, seed).astype(int) for seed in range(2000))
    assert counts.min() > 500 and counts.max() < 700  # 600 expected, standard deviation 20


def test_matched_fills_the_same_cells_with_other_neurons():
    mask = chosen()
    control = matched(mask, RATES, seed=3)
    assert cells(control) == cells(mask)
    assert not (control & mask).any()
    np.testing.assert_array_equal(control, matched(mask, RATES, seed=3))
    assert (control != matched(mask, RATES, seed=4)).any()


def properties(seed=0):
    """What a control can be matched on, [layer, neuron]: some deciles of it in few neurons' hands."""
    rng = np.random.default_rng(seed)
    magnitude = rng.lognormal(sigma=2, size=SHAPE) * 10.0 ** np.arange(-3, 0)[:, None]
    return {
        "firing rate": rng.beta(0.3, 3, size=SHAPE),
        "magnitude": magnitude,
        "displacement": magnitude * np.linalg.norm(rng.standard_t(3, size=(3, 16, 200)), axis=1),
    }


@pytest.mark.parametrize("what", properties())
def test_matched_on_any_property(what):
    values = properties()[what]
    # Chosen as a method might: mostly neurons that have much of it.
    mask = np.random.default_rng(1).random(SHAPE) < 0.4 * values / values.max(axis=1, keepdims=True) + 0.05
    control = matched(mask, values, 7, what)
    assert mask.sum() > 30
    assert not (control & mask).any()
    np.testing.assert_array_equal(control.sum(axis=1), mask.sum(axis=1))
    for layer in range(3):
        edges = np.quantile(values[layer], np.arange(0.1, 0.95, 0.1))
        own, other = (
            np.bincount(np.digitize(values[layer][one[layer]], edges), minlength=10)
            for one in (mask, control)
        )
        np.testing.assert_array_equal(own, other)


def test_a_match_on_one_property_is_none_on_another():
    """Which is why there are several."""
    rate, displacement = properties()["firing rate"], properties()["displacement"]
    mask = displacement > np.quantile(displacement, 0.9, axis=1, keepdims=True)
    mask &= np.random.default_rng(2).random(SHAPE) < 0.5
    by_rate, by_displacement = matched(mask, rate, 0), matched(mask, displacement, 0)
    assert displacement[by_rate].mean() < 0.5 * displacement[by_displacement].mean()


def test_matched_leaves_layers_without_chosen_neurons_alone():
    mask = chosen()
    mask[1] = False
    rates = RATES.copy()
    rates[1] = np.nan  # a layer that was never read
    assert not matched(mask, rates, seed=0)[1].any()


def test_a_cell_that_runs_dry_borrows_from_its_neighbours():
    mask = np.zeros(SHAPE, dtype=bool)
    mask[0] = (RATES[0] >= 0.5) & (RATES[0] < 0.58)  # 16 of the 20 neurons of decile 5
    assert cells(matched(mask, RATES, seed=0))[0] == [0, 0, 0, 0, 12, 4, 0, 0, 0, 0]
    mask[0] |= (RATES[0] >= 0.4) & (RATES[0] < 0.475)  # and 15 of decile 4: 5 stay there, 10 come from below
    assert cells(matched(mask, RATES, seed=0))[0] == [0, 0, 0, 10, 5, 4, 12, 0, 0, 0]


def test_equal_firing_rates_are_one_cell():
    mask = np.zeros((1, 10), dtype=bool)
    mask[0, :5] = True
    np.testing.assert_array_equal(matched(mask, np.zeros((1, 10)), seed=0), ~mask)


def test_a_control_that_cannot_be():
    mask = np.zeros((1, 10), dtype=bool)
    mask[0, :6] = True
    with pytest.raises(NeuroglotError, match="6 of 10 neurons of layer 0"):
        matched(mask, np.zeros((1, 10)), seed=0)
    with pytest.raises(NeuroglotError, match="without a firing rate"):
        matched(np.eye(1, 10, dtype=bool), np.full((1, 10), np.nan), seed=0)
    with pytest.raises(NeuroglotError, match="layer 0 has neurons without a displacement"):
        matched(np.eye(1, 10, dtype=bool), np.full((1, 10), np.nan), 0, "displacement")
