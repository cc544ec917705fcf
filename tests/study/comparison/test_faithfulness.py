"""Scores against exact effects, by SciPy and by switching neurons off one by one."""

import pytest

from neuroglot.evaluation.likelihood import likelihood
from neuroglot.intervention.kinds import Intervention
from neuroglot.neurons import NeuronSet
from neuroglot.objective import samples_of


def test_effects_are_what_one_mask_a_neuron_says(compared):
    run, points = compared.comparing.run, compared.frames["effects"]
    text = run.text["identify"].take(2, compared.comparing.comparison.seed)
    samples = [sample for sample in samples_of(run.model, text) if sample.language == "fr"]
    shape = run.model.layers, run.model.site("mlp").width
    own = points[(points["score"] == points["score"].iloc[0]) & (points["language"] == "fr")]
    for _, point in own.iloc[::8].iterrows():
        one = NeuronSet.of("mlp", shape, [(int(point["layer"]), int(point["neuron"]))])
        nobody = NeuronSet.of("mlp", shape, [])
        data = likelihood(run.model, samples, {"base": Intervention(nobody), "off": Intervention(one)})
        lost = data["log_prob"].values[0] - data["log_prob"].values[1]
        expected = (lost / data["tokens"].values).mean()
        assert point["effect"] == pytest.approx(expected, abs=2e-6)


def test_first_order_effects_are_faithful(compared):
    """Gradient × activation of a small random model follows the exact effects: a swapped sign would show."""
    rows = compared.frames["faithfulness"].set_index("score")
    assert rows.loc["grad_act (sum, mean)", "spearman"] > 0.6
