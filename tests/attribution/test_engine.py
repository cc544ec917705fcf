"""The numbers of a pass against slower ways to get them: a plain script, captum, finite differences."""

from itertools import product

import numpy as np
import pytest
import torch
from captum.attr import LayerGradientXActivation

from neuroglot.attribution.engine import score_samples
from neuroglot.attribution.scores import SCORES
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.reductions import REDUCTIONS
from tiny import tiny_model

SITES = ("mlp", "mlp_gate", "mlp_gate_pre", "mlp_up", "resid", "resid_pre")
FORMULAS = {
    "activation": lambda a, g: a,
    "activation_abs": lambda a, g: np.abs(a),
    "active": lambda a, g: (a > 0).astype(float),
    "grad": lambda a, g: np.abs(g),
    "grad_act": lambda a, g: a * g,
    "grad_act_abs": lambda a, g: np.abs(a * g),
    "fisher": lambda a, g: g**2,
    "fisher_act": lambda a, g: (a * g) ** 2,
    "neurgrad": lambda a, g: g * np.sign(a),
}
OVER_TOKENS = {
    "max": lambda tokens: tokens.max(axis=1),
    "sum": lambda tokens: tokens.sum(axis=1),
    "mean": lambda tokens: tokens.mean(axis=1),
    "topk_mean": lambda tokens: np.sort(tokens, axis=1)[:, -5:].mean(axis=1),
    "last": lambda tokens: tokens[:, -2],
    "l2": lambda tokens: np.sqrt((tokens**2).sum(axis=1)),
}
STENCIL = {-2: 1, -1: -8, 1: 8, 2: -1}
EVERYTHING = [Quantity(*names) for names in product(SITES, FORMULAS, OVER_TOKENS)]


def array_of(tree, quantity):
    return tree[quantity.site][quantity.variable].values


def assert_close(found, expected, what=""):
    """Within 1e-4 of the layer's largest value; [sample, layer, neuron]."""
    scale = np.abs(expected).max(axis=(0, 2), keepdims=True)
    error = np.abs(found - expected).max() if not scale.any() else (np.abs(found - expected) / scale).max()
    assert error <= 1e-4, f"{what}: off by {error:.1e} of the layer's maximum"


def test_the_oracles_cover_everything_registered():
    plain = {name for name, score in SCORES.items() if score.formula and not score.around}
    assert set(FORMULAS) == plain, "the others are in test_lanes and in files of their own"
    assert set(OVER_TOKENS) == set(REDUCTIONS)


def test_one_pass_equals_a_plain_script(family, model_of, samples, by_hand):
    """All sites × scores × reductions of one padded batch, sample by sample without padding."""
    model = model_of(family)
    tree = score_samples(model, samples, EVERYTHING)
    for site in SITES:
        read = [by_hand(model, family, sample, site) for sample in samples]
        for score, reduction in product(FORMULAS, OVER_TOKENS):
            expected = np.stack([OVER_TOKENS[reduction](FORMULAS[score](a, g)) for a, g in read])
            found = array_of(tree, Quantity(site, score, reduction))
            assert found.dtype == np.float32
            assert_close(found, expected, f"{site} {score} {reduction}")
    assert tree["mlp"]["language"].values.tolist() == [sample.language for sample in samples]


@pytest.mark.parametrize("family", ["gemma2", "gpt2", "opt"])
def test_grad_act_equals_captum(family, samples):
    model, quantity = tiny_model(family), Quantity("mlp", "grad_act", "sum")
    found = array_of(score_samples(model, samples, [quantity]), quantity)
    for row, sample in enumerate(samples):
        ids = torch.tensor(sample.ids)

        def s(embeddings, ids=ids):
            logits = model.network(inputs_embeds=embeddings, use_cache=False).logits
            return logits[0, :-1].log_softmax(-1).gather(1, ids[1:, None]).sum()[None]

        embeddings = model.network.get_input_embeddings()(ids[None]).requires_grad_()
        for layer in range(model.layers):
            captum = LayerGradientXActivation(s, model.down_projection(layer))
            tokens = captum.attribute(embeddings, attribute_to_layer_input=True).detach()
            expected = tokens.reshape(len(ids), -1)[1:].sum(0).numpy()
            assert np.abs(found[row, layer] - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("family", "step"), [("gemma2", 2e-2), ("phi3", 2e-2), ("gpt2", 1e-4), ("opt", 1e-4)]
)
@pytest.mark.parametrize("objective", ["logprob", "gold_logit"])
def test_grad_equals_finite_differences(family, step, objective, model_of, samples):
    """Σ_t |g_t|, each g_t by moving one neuron at one token: the central difference of fourth order.

    Steps are wide where the family's RMSNorm computes in float32 even in a float64 model.
    """
    model, sample = model_of(family), samples[0]
    quantity = Quantity("mlp", "grad", "sum")
    found = array_of(score_samples(model, [sample], [quantity], objective=objective), quantity)[0]
    ids = torch.tensor([sample.ids])

    def s(layer, token, neuron, shift):
        def move(activation):
            activation = activation.clone()
            activation[0, token, neuron] += shift
            return activation

        with torch.no_grad(), model.site("mlp").visit({layer: move}):
            logits = model.network(input_ids=ids, use_cache=False).logits[0, :-1]
        table = logits if objective == "gold_logit" else logits.log_softmax(-1)
        return table.gather(1, ids[0, 1:, None]).sum().item()

    for layer, neuron in [(0, 3), (1, 17), (2, 40)]:
        slopes = [
            sum(weight * s(layer, token, neuron, k * step) for k, weight in STENCIL.items()) / (12 * step)
            for token in range(1, len(sample.ids))
        ]
        assert found[layer, neuron] == pytest.approx(np.abs(slopes).sum(), rel=1e-3)


@pytest.mark.parametrize("family", ["gemma3_text", "bloom"])
def test_batching_padding_and_order_do_not_matter(family, samples):
    """In float32, as users run it: to 1e-4 of the layer's maximum."""
    model = tiny_model(family)
    wanted = [Quantity("mlp", *names) for names in product(("grad_act", "fisher", "activation"), OVER_TOKENS)]
    alone = score_samples(model, samples, wanted, token_budget=1)
    together = score_samples(model, samples, wanted, token_budget=10_000)
    backwards = score_samples(model, samples[::-1], wanted, token_budget=17)
    for quantity in wanted:
        assert_close(array_of(together, quantity), array_of(alone, quantity), quantity)
        assert_close(array_of(backwards, quantity)[::-1], array_of(alone, quantity), quantity)


def test_firing_counts_are_exact_however_batched(family, model_of, samples):
    model, quantity = model_of(family), Quantity("mlp_gate", "active", "sum")
    alone = array_of(score_samples(model, samples, [quantity], token_budget=1), quantity)
    together = array_of(score_samples(model, samples, [quantity]), quantity)
    np.testing.assert_array_equal(alone, together)
    assert set(np.unique(alone)) <= set(range(10))
    assert 0 < alone.mean() < max(sample.tokens for sample in samples)


def test_positions_restrict_the_tokens_that_count(model_of, samples, by_hand):
    model, family = model_of("gemma2"), "gemma2"
    wanted = [Quantity("mlp", "grad_act", reduction) for reduction in ("sum", "mean", "max")]
    read = [by_hand(model, family, sample, "mlp") for sample in samples]
    picks = {
        "all": lambda n: range(n),
        "last": lambda n: [n - 2],
        "every:1": lambda n: range(n),
        "every:2": lambda n: range(0, n, 2),
        "every:4": lambda n: [t for t in range(n) if t in (0, 4, 8)],
    }
    for positions, pick in picks.items():
        tree = score_samples(model, samples, wanted, positions=positions)
        for quantity in wanted:
            expected = [OVER_TOKENS[quantity.reduction]((a * g)[:, list(pick(a.shape[1]))]) for a, g in read]
            assert_close(array_of(tree, quantity), np.stack(expected), positions)


def test_the_last_position_is_the_reduction_last(model_of, samples):
    """Of one position every reduction but a norm is the score itself; a sample has only two tokens."""
    model = model_of("gemma2")
    wanted = [Quantity("mlp", "grad_act", name) for name in ("last", "max", "sum", "mean", "topk_mean")]
    restricted = score_samples(model, samples, wanted, positions="last")
    expected = array_of(score_samples(model, samples, wanted[:1]), wanted[0])
    for quantity in wanted:
        assert_close(array_of(restricted, quantity), expected, quantity)


def test_rows_of_one_batch_may_have_their_own_objective(model_of, samples):
    model = model_of("gemma2")
    wanted = [Quantity("mlp", "grad_act", "sum"), Quantity("resid", "grad", "max")]
    names = ["logprob", "gold_logit", "gold_logit", "logprob", "gold_logit"]
    mixed = score_samples(model, samples, wanted, objective=names)
    for quantity in wanted:
        separate = {
            name: array_of(score_samples(model, samples, wanted, objective=name), quantity)
            for name in set(names)
        }
        expected = np.stack([separate[name][row] for row, name in enumerate(names)])
        assert_close(array_of(mixed, quantity), expected, quantity)
        assert np.abs(separate["logprob"] - separate["gold_logit"]).max() > 0.01


@pytest.mark.parametrize("layers", [[2], [0, 2], [1], [2, 1, 2]])
def test_chosen_layers_give_the_numbers_of_the_full_pass(family, model_of, samples, layers):
    model = model_of(family)
    wanted = [Quantity(site, "grad_act", "max") for site in SITES]
    whole = score_samples(model, samples, wanted)
    some = score_samples(model, samples, wanted, layers=layers)
    for quantity in wanted:
        assert some[quantity.site]["layer"].values.tolist() == sorted(set(layers))
        assert_close(array_of(some, quantity), array_of(whole, quantity)[:, sorted(set(layers))], quantity)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_neither_underflows_nor_rounds_counts(dtype, samples):
    """Squares of 1e-4 vanish in float16, and a sum in bfloat16 stops counting at 256."""
    model = tiny_model("gemma2", max_position_embeddings=1024)
    long = type(samples[0])(
        "en", "d", 0, (2, *np.random.default_rng(0).integers(3, 250, 700).tolist()), 700, 700
    )
    active, fisher = Quantity("mlp", "active", "sum"), Quantity("mlp", "fisher", "mean")
    precise = array_of(score_samples(model, samples, [fisher]), fisher)
    model.network.to(dtype)
    counts = array_of(score_samples(model, [long], [active]), active)
    assert (counts % 2 == 1).sum() > 40, "odd counts above 256 do not exist in bfloat16"
    with torch.no_grad():
        model.head.weight.mul_(1e-3)  # small gradients, as a long text has
    found = array_of(score_samples(model, samples, [fisher], objective="gold_logit"), fisher)
    assert (found > 0).mean() > 0.95
    assert np.isfinite(precise).all()
