"""Integrated gradients against captum on the same tensors, completeness, and its bad options."""

import sys

import numpy as np
import pytest
import torch
from captum.attr import LayerIntegratedGradients
from captum.attr._utils.approximation_methods import approximation_parameters

from neuroglot.attribution.integrated_gradients import IntegratedGradients, integrated_gradients, quadrature
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.objective import OBJECTIVES
from neuroglot.text.samples import Sample

SITES = ("mlp", "mlp_gate")


def value_of(model, batch):
    return lambda hidden: OBJECTIVES["logprob"](hidden, batch, model.head)


def assert_close(found, expected, tolerance=1e-4):
    assert expected.abs().max() > 1e-6, "nothing to compare"
    assert (found - expected).abs().max() <= tolerance * expected.abs().max()


def log_prob(model, sample):
    ids = torch.tensor(sample.ids)

    def s(rows):
        logits = model.network(input_ids=rows, use_cache=False).logits[:, :-1].log_softmax(-1)
        return logits.gather(2, ids[1:, None].expand(len(rows), -1, -1)).sum(dim=(1, 2))

    return s


def by_captum_points(model, layer, sample, steps, site):
    """The same sum written out over captum's points and weights, from zeros, by autograd on the network."""
    step_sizes, alphas = approximation_parameters("gausslegendre")
    total, whole = 0, []
    for weight, alpha in zip(step_sizes(steps), alphas(steps), strict=True):
        leaf = []

        def fade(activation, alpha=alpha, leaf=leaf):
            whole[:] = [activation.detach()]
            leaf.append((alpha * activation.detach()).requires_grad_())
            return leaf[0]

        with model.site(site).visit({layer: fade}):
            log_prob(model, sample)(torch.tensor([sample.ids]))[0].backward()
        total = total + weight * leaf[0].grad
    return (whole[0] * total)[0]


@pytest.mark.parametrize("family", ["gemma3_text", "gemma2", "gpt2", "bloom", "phi3"])
def test_from_zeros_equals_the_sum_over_captums_points(family, samples, model_of):
    model, batch = model_of(family), Batch.of(samples)
    options = IntegratedGradients(steps=6, schedule="uniform")
    found = integrated_gradients(model, batch, value_of(model, batch), SITES, range(3), options)
    for site in SITES:
        for layer in range(3):
            for row, sample in enumerate(samples):
                expected = by_captum_points(model, layer, sample, 6, site)
                assert_close(found.tokens[site][layer][row, : len(sample.ids)], expected)
                assert not found.tokens[site][layer][row, len(sample.ids) :].any(), "padding does nothing"


@pytest.mark.parametrize("family", ["gemma3_text", "gpt2", "llama"])
@pytest.mark.parametrize("site", ["mlp", "mlp_gate", "resid"])
def test_captum_itself_from_the_activations_of_another_text(family, site, samples, model_of):
    """Captum's front door: the baseline is what another text of the same length has at the layer."""
    model = model_of(family)
    other = Sample("en", "o", 0, (2, *(9 + n for n in range(8))), 1, 1)
    sample = Sample("en", "s", 0, samples[2].ids[:9], 1, 1)
    batch = Batch.of([sample])
    options = IntegratedGradients(steps=6, schedule="uniform")
    kept = {}
    with (
        torch.no_grad(),
        model.site(site).visit({1: lambda activation: kept.update({(site, 1): activation.clone()})}),
    ):
        model.body(torch.tensor([other.ids]))
    found = integrated_gradients(model, batch, value_of(model, batch), [site], [1], options, baselines=kept)
    place = model.site(site)
    method = LayerIntegratedGradients(log_prob(model, sample), place.module(1))
    expected = method.attribute(
        torch.tensor([sample.ids]),
        torch.tensor([other.ids]),
        n_steps=6,
        method="gausslegendre",
        attribute_to_layer_input=place.tap.end == "input",
    )
    expected = expected[0] if isinstance(expected, tuple) else expected
    assert_close(found.tokens[site][1][0], expected.detach().reshape(len(sample.ids), -1))


@pytest.mark.parametrize("family", ["gemma3_text", "llama", "gpt2"])
@pytest.mark.parametrize("baseline", ["zero", "mean"])
def test_complete_as_the_steps_grow(family, baseline, samples, model_of):
    """Σ → s(a) − s(a') at every site, layer and row; s(a') by a forward pass with the baseline in place."""
    model, batch = model_of(family), Batch.of(samples)
    value, errors = value_of(model, batch), []
    # From zeros, what stands before several norms moves s below the lowest point (the next test).
    sites = ("mlp", "mlp_up") if baseline == "zero" else ("mlp", "resid", "attn_out")
    for steps in (4, 16, 64):
        found = integrated_gradients(
            model, batch, value, sites, range(3), IntegratedGradients(steps, "log", baseline)
        )
        worst = max(
            (found.missing[place].abs().max() / found.change[place].abs().max()).item()
            for place in found.missing
        )
        errors.append(worst)
        for site, layer in found.missing:
            total = found.tokens[site][layer].sum(dim=(1, 2))
            assert_close(found.change[site, layer] - total, found.missing[site, layer], 1e-3)
    sys.stdout.write(f"\n{family}, {baseline}: missing over change at 4, 16, 64 steps: {errors}\n")
    assert errors[1] < 0.5 * errors[0]
    assert errors[2] < 0.1 * errors[1] or errors[2] < 1e-4
    assert errors[2] < 5e-3
    place = model.site("mlp")

    def start(activation):
        real = batch.real[..., None]
        mean = (activation * real).sum(1, keepdim=True) / real.sum(1, keepdim=True)
        return mean.expand_as(activation).contiguous() if baseline == "mean" else torch.zeros_like(activation)

    with torch.no_grad():
        end = value(model.body(batch.ids))[0]
        with place.visit({1: start}):
            begin = value(model.body(batch.ids))[0]
    assert_close(found.change["mlp", 1], end - begin, 1e-6)


def test_a_lower_start_finds_what_several_norms_hide(samples, model_of):
    """The last norm divides by a floor of 1e-3, enlarging s's slope there: part of it lies below 1e-5."""
    model, batch = model_of("llama"), Batch.of(samples)
    value, lack = value_of(model, batch), []
    for lowest in (1e-5, 1e-8):
        options = IntegratedGradients(64, lowest=lowest)
        found = integrated_gradients(model, batch, value, ["resid"], [2], options)
        lack.append((found.missing["resid", 2].abs().max() / found.change["resid", 2].abs().max()).item())
    assert lack[1] < 0.01 * lack[0] < 1e-4


def test_where_s_is_linear_any_number_of_steps_is_exact(samples, model_of):
    """Above the last block nothing bends if s is a sum of hidden states and the last norm is taken away."""
    model, batch = model_of("llama"), Batch.of(samples)
    slope = torch.randn(*batch.ids.shape, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def linear(_module, args, _output):
        return args[0]

    handle = model.network.model.norm.register_forward_hook(linear)
    try:
        for steps in (1, 3, 16):
            for schedule in ("uniform", "log"):
                found = integrated_gradients(
                    model,
                    batch,
                    lambda hidden: ((hidden * slope).sum(dim=(1, 2)), slope),
                    ["mlp"],
                    [2],
                    IntegratedGradients(steps, schedule),
                )
                kept = []
                with torch.no_grad(), model.site("mlp").visit({2: kept.append}):
                    model.body(batch.ids)
                assert_close(found.tokens["mlp"][2], kept[0] * (slope @ model.down_weight(2)), 1e-9)
                assert found.missing["mlp", 2].abs().max() < 1e-9
    finally:
        handle.remove()


@pytest.mark.parametrize("schedule", ["uniform", "log"])
def test_the_points(schedule):
    for steps in (1, 4, 16, 64):
        alphas, weights = quadrature(steps, schedule)
        assert weights.sum() == pytest.approx(1)
        assert (np.diff(alphas) > 0).all()
        assert alphas[0] > 0
        assert alphas[-1] < 1
    assert (weights * alphas**2).sum() == pytest.approx(1 / 3)


def test_log_points_see_what_even_points_miss():
    """∫ of the slope of α/√(α² + ε²), the shape of a norm with its floor: nearly all lies below 0.05."""
    for floor in (1e-3, 1e-4):
        truth = 1 / np.sqrt(1 + floor**2)

        def lack(steps, schedule, floor=floor, truth=truth):
            alphas, weights = quadrature(steps, schedule)
            return abs(truth - (weights * floor**2 / (alphas**2 + floor**2) ** 1.5).sum())

        assert lack(16, "log") < 0.01
        assert lack(16, "uniform") > 0.9


def test_leaves_the_model_as_it_was_and_batches_do_not_matter(samples, model_of):
    model, batch = model_of("gemma3_text"), Batch.of(samples)
    before = model.body(batch.ids)
    options = IntegratedGradients(4)
    found = integrated_gradients(model, batch, value_of(model, batch), ["mlp"], [0, 2], options)
    assert torch.equal(model.body(batch.ids), before)
    alone = Batch.of([samples[3]])
    one = integrated_gradients(model, alone, value_of(model, alone), ["mlp"], [2], options)
    assert_close(found.tokens["mlp"][2][3, : len(samples[3].ids)], one.tokens["mlp"][2][0], 1e-9)


def test_bad_options_are_named():
    for wrong, message in (
        ({"steps": 0}, "at least 1 step, not 0"),
        ({"schedule": "logg"}, "did you mean 'log'"),
        ({"baseline": "zeros"}, "did you mean 'zero'"),
        ({"lowest": 0.0}, "between 0 and 1, not at 0.0"),
        ({"baseline": "language:fr"}, r"baselines=\) from Python"),
    ):
        with pytest.raises(NeuroglotError, match=message):
            IntegratedGradients(**wrong)
