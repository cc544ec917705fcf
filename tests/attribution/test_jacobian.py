"""Jacobian norms against the whole Jacobian by autograd."""

import pytest
import torch

from neuroglot.attribution.dice import dice
from neuroglot.attribution.jacobian import Jacobian, _through, jacobian, squared
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.model.head import Head
from tiny import tiny_model

SITES = ("mlp", "mlp_up", "attn_out")


def explicit(model, sample, site, layer, of="hidden"):
    """‖∂o/∂a_{t,j}‖_F from the full Jacobian of one sample alone, [position, neuron]."""
    ids = torch.tensor([sample.ids])
    kept = []
    with torch.no_grad(), model.site(site).visit({layer: lambda a: kept.append(a.clone())}):
        model.body(ids)

    def output(activation):
        with model.site(site).visit({layer: lambda _: activation}):
            if of == "logits":
                return model.network(ids, use_cache=False).logits
            return model.network.base_model(ids, use_cache=False).last_hidden_state

    found = torch.autograd.functional.jacobian(output, kept[0], vectorize=True)
    return found.square().sum(dim=(0, 1, 2, 3)).sqrt()


def units(batch, width):
    """Every unit vector of the last hidden states, of all rows at once."""
    for position in range(batch.ids.shape[1]):
        for coordinate in range(width):
            probe = torch.zeros(*batch.ids.shape, width, dtype=torch.float64)
            probe[position < batch.lengths, position, coordinate] = 1
            yield probe


@pytest.mark.parametrize("family", ["gemma3_text", "llama", "gpt2"])
def test_all_unit_vectors_give_the_norm_itself(family, samples, model_of):
    model, batch = model_of(family), Batch.of(samples)
    found = squared(model, batch, SITES, [0, 2], units(batch, 32))
    for site in SITES:
        for layer in (0, 2):
            for row in (0, 3):
                norm = found[site, layer][row, : len(samples[row].ids)].sqrt()
                torch.testing.assert_close(norm, explicit(model, samples[row], site, layer))


@pytest.mark.parametrize("of", ["hidden", "logits"])
@pytest.mark.parametrize("family", ["gemma3_text", "cohere", "granite"])
def test_many_probes_come_near_it(family, of, samples, model_of):
    model, batch = model_of(family), Batch.of([samples[0], samples[3]])
    found = jacobian(model, batch, None, ["mlp"], [0, 2], Jacobian(400, of))
    for layer in (0, 2):
        for row, sample in enumerate(batch.samples):
            expected = explicit(model, sample, "mlp", layer, of)[1:]
            ratio = found.tokens["mlp"][layer][row, 1 : len(sample.ids)] / expected
            ratio = ratio[expected > 1e-6 * expected.max()]
            assert abs(ratio.mean().item() - 1) < 0.03
            assert ratio.sub(1).abs().max() < 0.2


def test_more_probes_err_less(samples, model_of):
    model, batch = model_of("llama"), Batch.of([samples[0]])
    expected = explicit(model, samples[0], "mlp", 1)[1:]
    errors = [
        (jacobian(model, batch, None, ["mlp"], [1], Jacobian(probes)).tokens["mlp"][1][0, 1:] / expected - 1)
        .square()
        .mean()
        .sqrt()
        .item()
        for probes in (4, 64)
    ]
    assert errors[1] < 0.4 * errors[0] < 0.4


def test_signs_through_the_head_are_signs_times_its_weight(monkeypatch):
    """Both drawn in parts of the vocabulary: as many draws as probes of a head of unit rows show."""
    monkeypatch.setattr("neuroglot.attribution.jacobian.PART", 3)
    weight = torch.randn(8, 5, generator=torch.Generator().manual_seed(0))
    draws = [torch.Generator().manual_seed(7) for _ in range(2)]
    signs = _through(Head(torch.eye(8)), 4, draws[0])
    assert signs.abs().eq(1).all()
    assert not signs.eq(signs[0, 0]).all()
    torch.testing.assert_close(_through(Head(weight, scale=0.5), 4, draws[1]), 0.5 * signs @ weight)


def test_probes_belong_to_the_sample_and_the_seed(samples, model_of):
    model, sample = model_of("gemma3_text"), samples[3]

    def scores(rows, seed=0):
        batch = Batch.of(rows)
        found = jacobian(model, batch, None, ["mlp"], [1], Jacobian(2, seed=seed)).tokens["mlp"][1]
        return found[rows.index(sample), 1 : len(sample.ids)]

    alone = scores([sample])
    torch.testing.assert_close(scores(samples), alone)
    assert not torch.allclose(scores([sample], seed=1), alone, rtol=1e-2)
    assert not torch.equal(
        torch.rand(4, generator=dice(sample, 0)), torch.rand(4, generator=dice(samples[0], 0))
    )


def test_bad_options_are_named(samples):
    for wrong, message in (
        ({"probes": 0}, "at least 1 probe, not 0"),
        ({"of": "logit"}, "did you mean 'logits'"),
    ):
        with pytest.raises(NeuroglotError, match=message):
            Jacobian(**wrong)
    with pytest.raises(NeuroglotError, match=r"tiny gemma2 caps its logits \(softcap 3\)"):
        jacobian(tiny_model("gemma2"), Batch.of(samples), None, ["mlp"], [0], Jacobian(of="logits"))
