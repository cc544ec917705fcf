"""`prove` says what an intervention did, and fails when it is sabotaged."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch.utils.hooks import RemovableHandle

from neuroglot.errors import NeuroglotError
from neuroglot.intervention import hooks
from neuroglot.intervention.hooks import Proof, prove
from neuroglot.intervention.kinds import KINDS, Intervention
from neuroglot.model.families import FAMILIES
from neuroglot.neurons import NeuronSet
from tiny import tiny_model

SHAPE = (3, 48)


@pytest.fixture
def model():
    return tiny_model("gemma3_text")


def zero(*pairs, site="mlp"):
    return Intervention(NeuronSet.of(site, SHAPE, pairs, "xx"))


def test_an_honest_proof(model):
    several = [
        zero((0, 1), (0, 7), (2, 3)),
        zero(),
        zero((1, 1), site="mlp_gate"),
        zero((1, 1), site="mlp_up"),
    ]
    first, empty, gate, up = prove(model, several)
    assert (first.inert, first.hooks) == ("", 2) and first.moved > 0
    assert empty == Proof("the set is empty", 0.0, 0)
    assert (gate.hooks, up.hooks) == (1, 1)
    assert gate.moved == pytest.approx(up.moved, rel=1e-4) and gate.moved > 0


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_kind_at_every_site_of_every_family_can_be_proven(family):
    # In bfloat16, of which 0.3 is no number: the proof must round as the patch does.
    kinds = [name for name, entry in KINDS.items() if not entry.example]
    kinds += ["percentile(5)", "constant(0.3)", "scale(0.3)", "add(0.3)", "toward(0.3)"]
    model = tiny_model(family)
    model.network.to(torch.bfloat16)
    several = []
    for site, where in model.sites.items():
        shape = (model.layers, where.width)
        values = np.random.default_rng(0).normal(size=(2, *shape))
        means = xr.DataArray(values, dims=("language", "layer", "neuron"), coords={"language": ["xx", "yy"]})
        for row, kind in enumerate(kinds):  # every row of the batch its own mask
            neurons = NeuronSet.of(site, shape, [(0, row % 4), (2, 5), (2, 6 + row % 2)], "xx")
            several.append(Intervention(neurons, kind, means))
    for proof in prove(model, several):
        assert proof.hooks == 2 and (proof.moved > 0) == (proof.inert == "")
        assert proof.inert in ("", "the activations already had these values")


# Sabotage.


def test_a_patch_that_does_nothing(model, monkeypatch):
    monkeypatch.setattr(hooks._LayerPatch, "__call__", lambda self, applied, activation: activation)
    with pytest.raises(NeuroglotError, match="layer 1: the tensor read back at 'mlp' is not the patch"):
        prove(model, [zero((1, 5))])


def test_a_patch_that_touches_a_neuron_too_many(model, monkeypatch):
    honest = hooks._LayerPatch.__call__

    def greedy(self, applied, activation):
        patched = honest(self, applied, activation).clone()
        patched[..., 6] = 0
        return patched

    monkeypatch.setattr(hooks._LayerPatch, "__call__", greedy)
    with pytest.raises(NeuroglotError, match="layer 1: the tensor read back"):
        prove(model, [zero((1, 5))])


def test_masks_on_the_wrong_rows(model, monkeypatch):
    honest = hooks.Applied._of_rows
    monkeypatch.setattr(
        hooks.Applied, "_of_rows", lambda self, table, batch: honest(self, table, batch).roll(1, 0)
    )
    with pytest.raises(NeuroglotError, match="layer 1: the tensor read back"):
        prove(model, [zero((1, 5)), zero((1, 6))])


def test_a_layer_that_was_forgotten(model, monkeypatch):
    honest = hooks._compiled

    def forgetful(*arguments):
        return {
            site: {k: patch for k, patch in plan.items() if k != 2}
            for site, plan in honest(*arguments).items()
        }

    monkeypatch.setattr(hooks, "_compiled", forgetful)
    with pytest.raises(NeuroglotError, match="layer 2: the tensor read back"):
        prove(model, [zero((1, 5), (2, 5))])


def test_a_hook_that_never_fires(model, monkeypatch):
    mlp = model.network.get_submodule("model.layers.1.mlp")
    monkeypatch.setattr(mlp, "forward", lambda hidden: torch.zeros_like(hidden))
    with pytest.raises(NeuroglotError, match=r"\('mlp', 1\)\] never fired: nothing was switched off"):
        prove(model, [zero((1, 5))])
    assert prove(model, [zero((0, 5))])[0].moved > 0, (
        "the layer that is bypassed does not matter to the others"
    )


def test_hooks_that_stay_on(model, monkeypatch):
    monkeypatch.setattr(RemovableHandle, "remove", lambda self: None)
    with pytest.raises(NeuroglotError, match="not what it was after the intervention was taken off"):
        prove(model, [zero((1, 5))])


def test_weights_that_were_changed(model, monkeypatch):
    honest = hooks._LayerPatch.__call__

    def vandal(self, applied, activation):
        model.down_weight(2).mul_(1.01)
        return honest(self, applied, activation)

    monkeypatch.setattr(hooks._LayerPatch, "__call__", vandal)
    with pytest.raises(NeuroglotError, match="not what it was"):
        prove(model, [zero((1, 5))])


# Interventions that are right and yet do nothing.


def test_a_module_whose_output_ignores_the_hook(model, monkeypatch):
    down = model.down_projection(1)
    monkeypatch.setattr(down, "forward", lambda activation: activation.new_ones(*activation.shape[:2], 32))
    (proof,) = prove(model, [zero((1, 5), (1, 6))])
    assert proof == Proof("the change does not reach the output", 0.0, 1)


def test_a_neuron_that_is_not_connected(model):
    with torch.no_grad():
        model.down_weight(1)[:, 5] = 0
    lost, connected = prove(model, [zero((1, 5)), zero((1, 5), (1, 6))])
    assert lost == Proof("the change does not reach the output", 0.0, 1)
    assert connected.inert == "" and connected.moved > 0


def test_an_activation_that_has_the_value_already():
    model = tiny_model("opt")
    with torch.no_grad():
        model.network.get_submodule("model.decoder.layers.1.fc1").bias[5] = -1000  # a dead ReLU
    means = xr.DataArray(
        np.zeros((2, *SHAPE)), dims=("language", "layer", "neuron"), coords={"language": ["xx", "yy"]}
    )
    dead = zero((1, 5)).neurons
    for proof in prove(model, [Intervention(dead), Intervention(dead, "grand_mean", means)]):
        assert proof == Proof("the activations already had these values", 0.0, 1)
    (alive,) = prove(model, [Intervention(dead, "own_mean", means + 1)])
    assert alive.moved > 0
