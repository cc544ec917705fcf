"""Live interventions on tiny models of every family, against the same neurons silenced in the weights."""

import logging

import numpy as np
import pytest
import torch
import xarray as xr

from columns import columns_zeroed, log_probs
from neuroglot.errors import NeuroglotError
from neuroglot.intervention.hooks import check_fits, intervene
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.families import FAMILIES
from neuroglot.neurons import NeuronSet
from tiny import tiny_model

IDS = torch.tensor([[2, 40, 90, 17, 200, 5, 61, 33], [2, 7, 7, 150, 99, 21, 250, 12]])


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def model(request):
    return tiny_model(request.param)


@pytest.fixture(scope="module")
def gemma():
    return tiny_model("gemma3_text")


def some(model, site="mlp", seed=0, share=0.3, made_for=None):
    """A random set."""
    shape = (model.layers, model.site(site).width)
    about = {} if made_for is None else {"model": made_for}
    return NeuronSet(site, np.random.default_rng(seed).random(shape) < share, "xx", about)


def means(model, site="mlp"):
    values = (
        np.random.default_rng(5).normal(size=(2, model.layers, model.site(site).width)).astype(np.float32)
    )
    return xr.DataArray(values, dims=("language", "layer", "neuron"), coords={"language": ["xx", "yy"]})


def hooks(model):
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.network.modules())


def seen(model, site, layer, ids=IDS):
    """The tensor of a site in one forward pass, behind every hook that is on."""
    found = []
    with (
        torch.inference_mode(),
        model.site(site).visit({layer: lambda activation: found.append(activation.clone())}),
    ):
        model.body(ids)
    return found[0]


def close(one, two):
    torch.testing.assert_close(one, two, atol=2e-5, rtol=0)


# Every family.


@pytest.mark.parametrize("site", ["mlp", "mlp_gate", "mlp_up"])
def test_zeroing_is_zeroing_the_column(model, site):
    neurons = some(model, site)
    with columns_zeroed(model, neurons.mask):
        expected = log_probs(model, IDS)
    with intervene(model, Intervention(neurons)):
        found = log_probs(model, IDS)
    close(found, expected)
    assert (found - log_probs(model, IDS)).abs().max() > 0.1


@pytest.mark.parametrize("site", ["mlp", "mlp_gate", "mlp_gate_pre", "mlp_up", "resid_pre", "resid"])
def test_means_replace_exactly_and_touch_nothing_else(model, site):
    neurons, values = some(model, site), means(model, site)
    original = seen(model, site, 0)
    with intervene(model, Intervention(neurons, "own_mean", values)):
        patched = [seen(model, site, layer) for layer in range(model.layers)]
    for layer, found in enumerate(patched):
        chosen = torch.tensor(neurons.mask[layer])
        wanted = torch.from_numpy(values.sel(language="xx").values[layer])
        assert torch.equal(found[..., chosen], wanted[chosen].expand(*IDS.shape, -1))
    # Above layer 0 the rest moves too, as it should; in it nothing may.
    rest = torch.from_numpy(~neurons.mask[0])
    assert torch.equal(patched[0][..., rest], original[..., rest])


def test_every_row_its_own(model):
    several = [
        Intervention(some(model)),
        Intervention(some(model, "mlp_gate", seed=1)),
        Intervention(some(model, share=0)),
        Intervention(some(model, seed=2), "own_mean", means(model)),
        Intervention(some(model, "resid", seed=3), "other_mean", means(model, "resid")),
    ]
    alone = []
    for one in several:
        with intervene(model, one):
            alone.append(log_probs(model, IDS[:1])[0])
    with intervene(model, several) as applied:
        for rows in ([0, 1, 2, 3, 4], [4, 1, 1, 0], [2]):
            applied.assign(rows)
            found = log_probs(model, IDS[:1].expand(len(rows), -1))
            close(found, torch.stack([alone[row] for row in rows]))


def test_leaving_restores_the_model_bitwise(model):
    before, hooks_before, weights = log_probs(model, IDS), hooks(model), model.fingerprint
    with intervene(model, [Intervention(some(model, site)) for site in model.sites]) as applied:
        assert hooks(model) > hooks_before
        applied.assign([0, 1])
        log_probs(model, IDS)
    assert hooks(model) == hooks_before
    with pytest.raises(ZeroDivisionError), intervene(model, Intervention(some(model))):
        log_probs(model, IDS)
        _ = 1 / 0
    assert hooks(model) == hooks_before
    assert torch.equal(log_probs(model, IDS), before)
    del model.fingerprint
    assert model.fingerprint == weights


def test_the_empty_set_changes_no_bit(model):
    before = log_probs(model, IDS)
    with intervene(model, Intervention(some(model, share=0))):
        assert torch.equal(log_probs(model, IDS), before)


def test_the_full_set_leaves_no_mlp(model):
    everything = some(model, share=2)
    with columns_zeroed(model, everything.mask):
        expected = log_probs(model, IDS)
    with intervene(model, Intervention(everything)):
        close(log_probs(model, IDS), expected)


def test_generation_is_intervened_on_too(model):
    def logits_of_generated():
        # Eight tokens, of which all but the first are generated on cached keys and values.
        options = {
            "max_new_tokens": 8,
            "do_sample": False,
            "output_logits": True,
            "return_dict_in_generate": True,
        }
        return torch.stack(model.network.generate(IDS, attention_mask=torch.ones_like(IDS), **options).logits)

    neurons = some(model)
    with columns_zeroed(model, neurons.mask):
        expected = logits_of_generated()
    with intervene(model, Intervention(neurons)):
        found = logits_of_generated()
    close(found, expected)
    plain = logits_of_generated()
    assert plain.shape != found.shape or (found - plain).abs().max() > 0.1


# One family is enough.


def test_contexts_nest(gemma):
    one, two = some(gemma), some(gemma, "mlp_gate", seed=1)
    with columns_zeroed(gemma, one.mask | two.mask):
        expected = log_probs(gemma, IDS)
    with intervene(gemma, Intervention(one)):
        outer = log_probs(gemma, IDS)
        with intervene(gemma, Intervention(two)):
            close(log_probs(gemma, IDS), expected)
        assert torch.equal(log_probs(gemma, IDS), outer)


def test_the_inner_sees_what_the_outer_replaced(gemma):
    neurons = NeuronSet.of("mlp", (gemma.layers, 48), [(0, 3)], "xx")
    double = Intervention(neurons, "scale(2)")
    mean = Intervention(neurons, "own_mean", means(gemma))
    plain, value = seen(gemma, "mlp", 0)[..., 3], means(gemma).values[0, 0, 3]
    for outer, inner, expected in [
        (double, double, 4 * plain),
        (mean, double, torch.full_like(plain, 2 * value)),
        (double, mean, torch.full_like(plain, value)),
    ]:
        with intervene(gemma, outer), intervene(gemma, inner):
            assert torch.equal(seen(gemma, "mlp", 0)[..., 3], expected)


def test_rows_must_be_assigned(gemma):
    several = [Intervention(some(gemma)), Intervention(some(gemma, seed=1))]
    with pytest.raises(NeuroglotError, match="assign one to each row first"), intervene(gemma, several):
        gemma.body(IDS)
    too_many = "3 rows were assigned an intervention, but the batch has 2"
    with pytest.raises(NeuroglotError, match=too_many), intervene(gemma, several) as applied:
        applied.assign([0, 1, 0])
        gemma.body(IDS)
    for wrong in (2, -1):
        nobody = f"there is no intervention {wrong}: 2 are on"
        with pytest.raises(NeuroglotError, match=nobody), intervene(gemma, several) as applied:
            applied.assign([0, wrong])
    assert hooks(gemma) == 0


def test_a_set_for_another_model_is_refused(gemma):
    wide = NeuronSet.of("mlp", (gemma.layers, 49), [])
    deep = NeuronSet.of("mlp", (gemma.layers + 1, 48), [])
    other_site = NeuronSet("resid", some(gemma).mask)
    for neurons in (wide, deep, other_site):
        with pytest.raises(NeuroglotError, match="made for another model or site"):
            check_fits(gemma, neurons)
    with pytest.raises(NeuroglotError, match="unknown site 'mlp_gat'; did you mean 'mlp_gate'"):
        check_fits(gemma, NeuronSet("mlp_gat", some(gemma).mask))
    made_for_llama = some(gemma, made_for={"type": "llama"})
    for neurons in (made_for_llama, made_for_llama.union(made_for_llama), made_for_llama.restrict([0])):
        with pytest.raises(
            NeuroglotError, match="made for a llama model, but tiny gemma3_text is gemma3_text"
        ):
            check_fits(gemma, neurons)
    with pytest.raises(NeuroglotError, match="another model or site"), intervene(gemma, Intervention(wide)):
        pass
    assert hooks(gemma) == 0


def test_other_weights_of_the_same_architecture_are_a_transfer(gemma, caplog):
    with caplog.at_level(logging.WARNING):
        check_fits(gemma, some(gemma, made_for=gemma.signature))
        check_fits(gemma, some(gemma, made_for="by hand"))
        check_fits(gemma, some(gemma))
        assert not caplog.records
        check_fits(
            gemma, some(gemma, made_for=tiny_model("gemma3_text", seed=1).signature | {"name": "another"})
        )
    [message] = caplog.messages  # one warning a pair of models, however often it is asked
    assert "found on the weights of another" in message
    assert "transfer" in message


def test_a_hook_that_never_fires_is_an_error(gemma, monkeypatch):
    mlp = gemma.network.get_submodule("model.layers.1.mlp")
    monkeypatch.setattr(mlp, "forward", lambda hidden: torch.zeros_like(hidden))
    everywhere = Intervention(some(gemma))
    missing = r"the hooks at \[\('mlp', 1\)\] never fired"
    with pytest.raises(NeuroglotError, match=missing), intervene(gemma, everywhere):
        gemma.body(IDS)
    with intervene(gemma, everywhere):
        pass  # nothing ran, so nothing can be missing
    with intervene(gemma, Intervention(some(gemma).restrict([0, 2]))):
        gemma.body(IDS)
