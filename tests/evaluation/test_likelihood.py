"""The likelihood of every sample under every mask, against transformers' own logits a sample at a time."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from columns import columns_zeroed, log_probs, predictable
from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Ablation, Mask
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.intervention import hooks
from neuroglot.intervention.kinds import Intervention
from neuroglot.neurons import NeuronSet
from neuroglot.text.samples import Sample
from tiny import tiny_model

TEXT = [("xx", "d0", 3), ("xx", "d0", 12), ("xx", "d1", 7), ("yy", "d0", 7), ("yy", "d1", 2), ("yy", "d1", 9)]
"""Language, document, tokens."""

SAMPLES = [
    Sample(
        language,
        document,
        number,
        (2, *range(3 + number, 3 + number + 20 * tokens, 20)),
        2 * tokens,
        5 * tokens,
    )
    for number, (language, document, tokens) in enumerate(TEXT)
]


def masks_of(model):
    shape = (model.layers, model.site("mlp").width)
    draw = np.random.default_rng(0)
    return {
        "none": np.zeros(shape, dtype=bool),
        "some": draw.random(shape) < 0.3,
        "others": draw.random(shape) < 0.1,
        "everything_off": np.ones(shape, dtype=bool),
    }


def zeroed(masks, site="mlp"):
    return {name: Intervention(NeuronSet(site, mask)) for name, mask in masks.items()}


def by_transformers(model, sample):
    ids = torch.tensor([sample.ids])
    return log_probs(model, ids)[0, :-1].gather(1, ids[0, 1:, None]).sum().item()


@pytest.fixture(scope="module", params=["gemma2", "gemma3_text", "gpt2", "opt", "phi3"])
def model(request):
    return tiny_model(request.param)


@pytest.fixture(scope="module")
def gemma():
    return tiny_model("gemma3_text")


def test_equals_the_full_logits_of_transformers(model):
    masks = masks_of(model)
    expected = []
    for mask in masks.values():
        with columns_zeroed(model, mask):
            expected.append([by_transformers(model, sample) for sample in SAMPLES])
    for site in ("mlp", "mlp_up"):
        found = likelihood(model, SAMPLES, zeroed(masks, site))
        np.testing.assert_allclose(found["log_prob"].values, expected, atol=1e-4)
    assert np.abs(np.diff(expected, axis=0)).min() > 1e-3, "the masks differ, or this would prove little"


def test_counts_the_tokens_predicted_right(model):
    masks = above(masks_of(model), {"others": 2})
    texts = [replace(sample, ids=predictable(model, sample.tokens)) for sample in SAMPLES]
    found = likelihood(model, texts, zeroed(masks))
    for name, mask in masks.items():
        with columns_zeroed(model, mask):
            for number, sample in enumerate(texts):
                ids = torch.tensor([sample.ids])
                right = (log_probs(model, ids)[0, :-1].argmax(-1) == ids[0, 1:]).sum()
                assert found["correct"].sel(mask=name).values[number] == right
    assert found["correct"].sel(mask="none").values[1] >= 8
    assert (found["correct"].sel(mask="everything_off") != found["correct"].sel(mask="none")).any()
    assert found["trials"].values.tolist() == [tokens for *_, tokens in TEXT]


def test_tokens_of_a_prompt_are_neither_scored_nor_counted(gemma):
    prompted = [replace(sample, prompt=2) for sample in SAMPLES[:4]]
    found = likelihood(gemma, prompted, zeroed(masks_of(gemma)))
    expected = [
        log_probs(gemma, torch.tensor([sample.ids]))[0, :-1]
        .gather(1, torch.tensor([sample.ids])[0, 1:, None])[2:]
        .sum()
        .item()
        for sample in prompted
    ]
    np.testing.assert_allclose(found["log_prob"].sel(mask="none"), expected, atol=1e-4)
    assert found["trials"].values.tolist() == [1, 10, 5, 5]


def test_does_not_depend_on_the_batches(gemma):
    interventions = zeroed(masks_of(gemma))
    whole = likelihood(gemma, SAMPLES, interventions, token_budget=4096)["log_prob"].values
    for token_budget in (1, 30, 100):
        found = likelihood(gemma, SAMPLES, interventions, token_budget=token_budget)["log_prob"].values
        np.testing.assert_allclose(found, whole, atol=1e-4)


def above(masks, first):
    """The masks without what lies below a layer each."""
    kept = {name: mask.copy() for name, mask in masks.items()}
    for name, layer in first.items():
        kept[name][:layer] = False
    return kept


def test_masks_that_begin_above_layer_0_share_what_lies_below(model, monkeypatch):
    """The same numbers from fewer blocks: each batch once untouched, then every mask from its first layer."""
    masks = above(masks_of(model), {"some": 1, "others": 2, "everything_off": 2})
    ran = []
    for layer, block in enumerate(model.site("resid").blocks):

        def counted(*args, layer=layer, own=block.forward, **kwargs):
            ran.append(layer)
            return own(*args, **kwargs)

        monkeypatch.setattr(block, "forward", counted)
    expected = []
    for mask in masks.values():
        with columns_zeroed(model, mask):
            expected.append([by_transformers(model, sample) for sample in SAMPLES])
    ran.clear()
    found = likelihood(model, SAMPLES, zeroed(masks), token_budget=4096)
    np.testing.assert_allclose(found["log_prob"].values, expected, atol=1e-4)
    proof = 3 * [0, 1, 2]
    assert sorted(ran) == sorted([*proof, 0, 1, 2, 1, 2, 2, 2])


def test_one_mask_alone_shares_with_nobody(gemma):
    """Reading the untouched model first would cost more than it saves."""
    masks = above(masks_of(gemma), {"some": 2})
    done = []
    likelihood(gemma, SAMPLES, zeroed({"some": masks["some"]}), advance=done.append)
    assert sum(done) == sum(sample.tokens for sample in SAMPLES)


def test_does_not_depend_on_the_order(gemma):
    interventions = zeroed(masks_of(gemma))
    straight = likelihood(gemma, SAMPLES, interventions)
    turned = likelihood(gemma, SAMPLES[::-1], dict(reversed(interventions.items())))
    assert turned["mask"].values.tolist() == [*interventions][::-1]
    assert turned["sentence"].values.tolist() == [5, 4, 3, 2, 1, 0]
    np.testing.assert_allclose(turned["log_prob"].values[::-1, ::-1], straight["log_prob"].values, atol=1e-4)


def test_means_beside_zeros(gemma):
    shape = (gemma.layers, gemma.site("mlp").width)
    values = np.random.default_rng(1).normal(size=(1, *shape))
    means = xr.DataArray(values, dims=("language", "layer", "neuron"), coords={"language": ["xx"]})
    mean = Intervention(NeuronSet("mlp", masks_of(gemma)["some"], "xx"), "grand_mean", means)
    together = likelihood(gemma, SAMPLES, {**zeroed(masks_of(gemma)), "mean": mean})["log_prob"]
    with hooks.intervene(gemma, mean):
        expected = [by_transformers(gemma, sample) for sample in SAMPLES]
    np.testing.assert_allclose(together.sel(mask="mean"), expected, atol=1e-4)
    np.testing.assert_allclose(
        together[:4], likelihood(gemma, SAMPLES, zeroed(masks_of(gemma)))["log_prob"], atol=1e-4
    )


def test_says_what_was_read(gemma):
    done = []
    found = likelihood(gemma, SAMPLES, zeroed(masks_of(gemma)), token_budget=60, advance=done.append)
    assert (
        list(zip(*(found[name].values.tolist() for name in ("language", "document", "tokens")), strict=True))
        == TEXT
    )
    assert found["characters"].values.tolist() == [2 * tokens for *_, tokens in TEXT]
    assert found["bytes"].values.tolist() == [5 * tokens for *_, tokens in TEXT]
    assert len(done) > 2 and sum(done) == 4 * sum(tokens for *_, tokens in TEXT)


def test_per_token_character_and_byte(gemma):
    data = likelihood(gemma, SAMPLES, zeroed(masks_of(gemma)))
    ablation = Ablation(data, tuple(Mask(name, name) for name in data["mask"].values.tolist()))
    expected = [[by_transformers(gemma, sample) for sample in SAMPLES[start : start + 3]] for start in (0, 3)]
    for unit, size in {"tokens": 1, "characters": 2, "bytes": 5}.items():
        log_prob, units, documents = ablation.by_document(unit)
        assert documents == 2
        np.testing.assert_array_equal(units, size * np.array([[15, 7], [7, 11]]))
        (x0, x1, x2), (y0, y1, y2) = expected
        np.testing.assert_allclose(log_prob[0], [[x0 + x1, x2], [y0, y1 + y2]], atol=1e-4)


def test_carries_the_proofs(gemma):
    found = likelihood(gemma, SAMPLES, zeroed(masks_of(gemma)))
    assert found["inert"].values.tolist() == ["the set is empty", "", "", ""]
    moved = found["moved"].values
    assert moved[0] == 0 and (moved[1:] > 0).all()


def test_refuses_what_it_cannot_prove(gemma, monkeypatch):
    monkeypatch.setattr(hooks._LayerPatch, "__call__", lambda self, applied, activation: activation)
    with pytest.raises(NeuroglotError, match="is not the patch"):
        likelihood(gemma, SAMPLES, zeroed(masks_of(gemma)))
