"""SmoothGrad against a loop that adds the noise by hand."""

import pytest
import torch

from neuroglot.attribution.dice import dice
from neuroglot.attribution.scores import SCORES
from neuroglot.attribution.smoothgrad import SmoothGrad, smoothgrad
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.objective import OBJECTIVES

SITES = ("mlp", "mlp_gate_pre", "resid")


def value_of(model, batch):
    return lambda hidden: OBJECTIVES["logprob"](hidden, batch, model.head)


def by_hand(model, sample, options, site, layer):
    """One sample alone: its embeddings and noise given to the network, autograd from the logits."""
    ids = torch.tensor(sample.ids)
    embeddings = model.network.get_input_embeddings()(ids[None]).detach()
    total = 0
    for copy in range(options.copies):
        noise = torch.randn(embeddings.shape[1:], generator=dice(sample, options.seed, copy))
        noisy = (embeddings + options.sigma * embeddings.std(correction=0) * noise).requires_grad_()
        seen = []

        def keep(activation, seen=seen):
            activation.retain_grad()
            seen.append(activation)

        with model.site(site).visit({layer: keep}):
            logits = model.network(inputs_embeds=noisy, use_cache=False).logits[0, :-1].log_softmax(-1)
            logits.gather(1, ids[1:, None]).sum().backward()
        total = total + SCORES[options.of].formula(seen[0].detach(), seen[0].grad)
    return (total / options.copies)[0]


@pytest.mark.parametrize("of", ["grad_act", "fisher", "neurgrad"])
@pytest.mark.parametrize("family", ["gemma3_text", "gpt2", "phi3"])
def test_equals_noise_added_by_hand(family, of, samples, model_of):
    model, batch, options = (
        model_of(family),
        Batch.of(samples),
        SmoothGrad(copies=3, sigma=0.2, of=of, seed=4),
    )
    found = smoothgrad(model, batch, value_of(model, batch), SITES, [0, 2], options)
    for site in SITES:
        for layer in (0, 2):
            for row, sample in enumerate(samples):
                expected = by_hand(model, sample, options, site, layer)
                error = (found.tokens[site][layer][row, : len(sample.ids)] - expected).abs().max()
                assert error <= 1e-5 * expected.abs().max()


def test_without_noise_it_is_the_plain_score(samples, model_of):
    model, batch = model_of("llama"), Batch.of(samples)
    plain, noisy, other = (
        smoothgrad(model, batch, value_of(model, batch), ["mlp"], [1], SmoothGrad(2, sigma, seed=seed))
        for sigma, seed in ((0.0, 0), (0.2, 0), (0.2, 1))
    )
    expected = by_hand(model, samples[0], SmoothGrad(1, 0.0), "mlp", 1)
    found = plain.tokens["mlp"][1][0, : len(samples[0].ids)]
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()
    real = batch.real
    for one, another in ((plain, noisy), (noisy, other)):
        a, b = one.tokens["mlp"][1][real], another.tokens["mlp"][1][real]
        assert (a - b).abs().max() > 1e-3 * a.abs().max()


def test_its_power_is_that_of_what_it_averages():
    power = SCORES["smoothgrad"].length
    assert (power(SmoothGrad()), power(SmoothGrad(of="fisher"))) == (1, 2)


def test_leaves_the_model_as_it_was(samples, gemma):
    batch = Batch.of(samples)
    before = gemma.body(batch.ids)

    def stumble(hidden):
        raise RuntimeError("stumbled")

    with pytest.raises(RuntimeError, match="stumbled"):
        smoothgrad(gemma, batch, stumble, ["mlp"], [0], SmoothGrad())
    assert torch.equal(gemma.body(batch.ids), before)
    assert not gemma.body(batch.ids).requires_grad


def test_bad_options_are_named():
    for wrong, message in (
        ({"copies": 0}, "at least 1 copy, not 0"),
        ({"sigma": -0.1}, "0 or more, not -0.1"),
        ({"sigma": float("nan")}, "0 or more, not nan"),
        ({"of": "grad_act_ab"}, "did you mean 'grad_act_abs'"),
        ({"of": "activation"}, "'activation' is not"),
        ({"of": "smoothgrad"}, "'smoothgrad' is not"),
    ):
        with pytest.raises(NeuroglotError, match=message):
            SmoothGrad(**wrong)
