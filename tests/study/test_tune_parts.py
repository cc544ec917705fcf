"""What learns in a tuning, against autograd on whole weights; what does not, to the last bit."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.neurons import NeuronSet
from neuroglot.study.tuning import TuneSettings, training
from neuroglot.study.tuning.arms import arms
from neuroglot.study.tuning.lora import check_peft, lora, lora_count, lora_ranks
from neuroglot.study.tuning.neurons import own_weights, weight_count
from neuroglot.study.tuning.training import fit, loss_and_gradient, mean_loss, steps_of, tokens_to_fit
from neuroglot.text.samples import Sample
from tiny import CONFIGURATIONS, tiny_model


def text(count=6, seed=0, low=10, high=60):
    dice = np.random.default_rng(seed)
    made = []
    for sentence in range(count):
        ids = (2, *dice.integers(low, high, size=int(dice.integers(4, 12))).tolist())
        made.append(Sample("vi", f"d{sentence}", 0, ids, len(ids) - 1, len(ids) - 1))
    return tuple(made)


def chosen(model, seed=0, share=0.1):
    shape = (model.layers, model.site("mlp").width)
    return NeuronSet("mlp", np.random.default_rng(seed).random(shape) < share, "vi")


def state(model):
    return {name: weight.clone() for name, weight in model.network.state_dict().items()}


def same(model, before):
    now = model.network.state_dict()
    assert list(now) == list(before)
    assert all(torch.equal(now[name], weight) for name, weight in before.items())


def projections(model, layer):
    """(module, rows, is it the way out): read off the module tree, by names of our own."""
    block = model.network.get_submodule(f"{model.family.blocks}.{layer}")
    width = model.site("mlp").width
    names = {name.rpartition(".")[2]: module for name, module in block.named_modules()}
    if "gate_up_proj" in names:
        return [(names["gate_up_proj"], 0), (names["gate_up_proj"], width)], names["down_proj"]
    if "gate_proj" in names:
        return [(names["gate_proj"], 0), (names["up_proj"], 0)], names["down_proj"]
    if "c_fc" in names:
        return [(names["c_fc"], 0)], block.mlp.c_proj
    if "fc1" in names:
        return [(names["fc1"], 0)], names["fc2"]
    return [(names["dense_h_to_4h"], 0)], names["dense_4h_to_h"]


def full_loss(model, samples):
    """By full logits: nothing of our own."""
    total, tokens = 0.0, 0
    for sample in samples:
        ids = torch.tensor([sample.ids])
        logits = model.network(ids).logits[0, :-1].log_softmax(-1)
        total = total - logits.gather(1, ids[0, 1:, None]).sum()
        tokens += len(sample.ids) - 1
    return total / tokens


def by_hand(model, neurons, samples):
    """Slices of the whole weights' gradients, in the order in which `own_weights` yields its tensors."""
    turned = model.family.transposed
    found = []
    for weight in model.network.parameters():
        weight.requires_grad_(True)
    loss = full_loss(model, samples)
    loss.backward()
    for layer in np.flatnonzero(neurons.mask.any(axis=1)):
        rows = np.flatnonzero(neurons.mask[layer])
        into, out = projections(model, layer)
        for module, start in into:
            gradient = module.weight.grad.T if turned else module.weight.grad
            found.append(gradient[start + rows])
            if module.bias is not None:
                found.append(module.bias.grad[start + rows])
        found.append((out.weight.grad if turned else out.weight.grad.T)[rows])
    found = [gradient.clone() for gradient in found]
    for weight in model.network.parameters():
        weight.grad = None
        weight.requires_grad_(False)
    return float(loss.detach()), found


def write_in(model, neurons, learned):
    """Adds what was learned to the model's own weights."""
    turned, left = model.family.transposed, list(learned)
    with torch.no_grad():
        for layer in np.flatnonzero(neurons.mask.any(axis=1)):
            rows = np.flatnonzero(neurons.mask[layer])
            into, out = projections(model, layer)
            for module, start in into:
                (module.weight.T if turned else module.weight)[start + rows] += left.pop(0)
                if module.bias is not None:
                    module.bias[start + rows] += left.pop(0)
            (out.weight if turned else out.weight.T)[rows] += left.pop(0)
    assert not left


def close(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        torch.testing.assert_close(one, other, rtol=2e-3, atol=2e-5 * float(other.abs().max() + 1))


@pytest.mark.parametrize("family", sorted(CONFIGURATIONS))
def test_gradients_are_slices_of_the_whole_gradient_at_the_start_and_on_the_way(family):
    model, samples = tiny_model(family), text()
    neurons = chosen(model)
    torch.manual_seed(1)
    loss, expected = by_hand(model, neurons, samples)
    with own_weights(model, neurons) as learned:
        found, gradients = loss_and_gradient(model, learned, samples)
        close(gradients, expected)
        assert found == pytest.approx(loss, rel=1e-5)
        assert sum(weight.numel() for weight in learned) == weight_count(model, neurons)
        assert min(float(gradient.abs().max()) for gradient in gradients) > 0
        with torch.no_grad():
            for weight in learned:
                weight.copy_(torch.randn_like(weight) * 0.3)
        moved, further = loss_and_gradient(model, learned, samples)
        assert mean_loss(model, samples) == pytest.approx(moved, rel=1e-6)
    assert abs(moved - loss) > 1e-3
    write_in(model, neurons, [weight.detach() for weight in learned])
    loss, expected = by_hand(model, neurons, samples)
    assert moved == pytest.approx(loss, rel=1e-4)
    close(further, expected)


@pytest.mark.parametrize("family", ["gemma3_text", "gpt2", "phi3", "opt", "llama"])
def test_nothing_of_the_model_changes(family):
    model, samples = tiny_model(family), text()
    neurons = chosen(model)
    before, ids = state(model), torch.tensor([samples[0].ids])
    logits, attributes = model.network(ids).logits, set(vars(model.network))
    modules = dict(model.network.named_modules())
    plan = steps_of(samples, 4, 30, 0)
    for arm in arms(model, neurons, [chosen(model, 1)], 0)[1:]:
        fitted = fit(arm, model, samples, samples[:2], plan, [1e-2])
        assert any(bool(weight.abs().max() > 1e-3) for weight in fitted.weights)
        same(model, before)
        assert torch.equal(model.network(ids).logits, logits)
        with pytest.raises(KeyError), arm.attach(model) as learned:
            with torch.no_grad():
                for weight, value in zip(learned, fitted.weights, strict=True):
                    weight.copy_(value)
            inside = model.network(ids).logits
            raise KeyError
        assert not torch.allclose(inside, logits, atol=1e-3)
        same(model, before)
        assert torch.equal(model.network(ids).logits, logits)
    assert set(vars(model.network)) == attributes
    now = dict(model.network.named_modules())
    assert list(now) == list(modules) and all(now[name] is one for name, one in modules.items())
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in now.values())
    assert not any(weight.requires_grad or weight.grad is not None for weight in model.network.parameters())


def test_the_optimiser_knows_only_what_learns_and_decays_nothing(monkeypatch):
    model, samples, made = tiny_model("gemma3_text"), text(), []
    adam = torch.optim.Adam

    def seen(parameters, **options):
        made.append(adam(parameters, **options))
        return made[-1]

    monkeypatch.setattr(torch.optim, "Adam", seen)
    neurons = chosen(model)
    arm = arms(model, neurons, [], 0)[1]
    fit(arm, model, samples, samples, steps_of(samples, 2, 30, 0), [1e-3])
    (optimiser,) = made
    held = [value for state in optimiser.state.values() for value in state.values() if value.ndim]
    assert sum(value.numel() for value in held) == 2 * weight_count(model, neurons)
    assert optimiser.param_groups[0]["weight_decay"] == 0


def test_adam_by_hand():
    model, samples = tiny_model("gemma3_text"), text()
    neurons, plan, rate = chosen(model), steps_of(samples, 3, 40, 5), 1e-2
    arm = arms(model, neurons, [], 0)[1]
    fitted = fit(arm, model, samples, samples[:3], plan, [rate])
    with own_weights(model, neurons) as learned:
        first = [np.zeros(weight.shape) for weight in learned]
        second = [np.zeros(weight.shape) for weight in learned]
        losses = []
        for step, batch in enumerate(plan):
            loss, gradients = loss_and_gradient(model, learned, [samples[one] for one in batch])
            losses.append(loss)
            for place, (weight, gradient) in enumerate(zip(learned, gradients, strict=True)):
                g = gradient.double().numpy()
                first[place] = 0.9 * first[place] + 0.1 * g
                second[place] = 0.999 * second[place] + 0.001 * g * g
                m, v = first[place] / (1 - 0.9 ** (step + 1)), second[place] / (1 - 0.999 ** (step + 1))
                change = rate * (1 - step / 3) * m / (np.sqrt(v) + 1e-8)
                with torch.no_grad():
                    weight -= torch.from_numpy(change).float()
        after = mean_loss(model, samples[:3])
        for weight, value in zip(learned, fitted.weights, strict=True):
            torch.testing.assert_close(weight.detach(), value, rtol=1e-3, atol=1e-4)
    told = [row["loss"] for row in fitted.curve if row["part"] == "train"]
    assert told == pytest.approx(losses, rel=1e-4)
    assert fitted.curve[-1] == {
        "rate": rate, "part": "validation", "step": 3, "loss": pytest.approx(after, rel=1e-4)
    }  # fmt: skip
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("family", ["gemma3_text", "gpt2", "phi3", "opt"])
def test_lora_is_as_large_and_what_it_says(family):
    model, samples = tiny_model(family), text()
    for size in (1, 5, 40, 100):
        mask = np.zeros((model.layers, model.site("mlp").width), dtype=bool)
        mask.flat[:size] = True
        wanted = weight_count(model, NeuronSet("mlp", mask))
        ranks = lora_ranks(model, wanted)
        into, out = projections(model, 0)
        dearest = max(sum(module.weight.shape) for module in [*(one for one, _ in into), out])
        assert ranks and abs(lora_count(model, ranks) - wanted) <= dearest
    own = {name: model.network.get_submodule(name).weight.clone() for name in ranks}
    ids = torch.tensor([samples[0].ids])
    logits = model.network(ids).logits
    with lora(model, ranks, 3) as learned:
        assert sum(weight.numel() for weight in learned) == lora_count(model, ranks)
        assert torch.equal(model.network(ids).logits, logits)  # B is zero at first
        with torch.no_grad():
            for weight in learned:
                weight.copy_(torch.randn_like(weight) * 0.1)
        inside = model.network(ids).logits
        added = {}
        for name in ranks:
            layer = model.network.get_submodule(name)
            assert layer.scaling["default"] == 1.0
            a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
            assert a.shape[0] == ranks[name]
            added[name] = (b @ a).detach()
    with torch.no_grad():
        for name, change in added.items():
            weight = model.network.get_submodule(name).weight
            assert torch.equal(weight, own[name])
            weight += change.T if model.family.transposed else change
    torch.testing.assert_close(model.network(ids).logits, inside, rtol=1e-4, atol=1e-4)


def test_lora_starts_where_its_seed_says():
    model = tiny_model("gemma3_text")
    ranks = lora_ranks(model, 2000)
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    drawn = []
    for seed in (1, 1, 2):
        with lora(model, ranks, seed) as learned:
            drawn.append([weight.detach().clone() for weight in learned])
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(*both) for both in zip(drawn[0], drawn[1], strict=True))
    assert not all(torch.equal(*both) for both in zip(drawn[0], drawn[2], strict=True))


def test_half_precision_learns_in_float32():
    model = tiny_model("gemma3_text")
    model.network.bfloat16()
    model = type(model)(model.network, model.tokenizer, model.name)
    samples = text()
    for arm in arms(model, chosen(model), [], 0)[1:]:
        fitted = fit(arm, model, samples, samples, steps_of(samples, 20, 60, 0), [1e-2])
        losses = [row["loss"] for row in fitted.curve if row["part"] == "validation"]
        assert losses[-1] < losses[0] - 0.05
        assert {weight.dtype for weight in fitted.weights} == {torch.float32}


def test_steps_read_all_of_the_text_again_and_again():
    samples = text(20)
    plan = steps_of(samples, 30, 40, 7)
    read = [one for step in plan for one in step]
    assert len(plan) == 30 and len(read) > 60
    for start in range(0, len(read) - 20, 20):
        assert sorted(read[start : start + 20]) == list(range(20))
    assert all(sum(len(samples[one].ids) for one in step) <= 40 for step in plan)
    assert all(  # and no step could have taken the next sample, too
        sum(len(samples[one].ids) for one in [*step, after[0]]) > 40 for step, after in pairwise(plan)
    )
    assert plan == steps_of(samples, 30, 40, 7) != steps_of(samples, 30, 40, 8)
    assert [len(step) for step in steps_of(samples, 3, 1, 0)] == [1, 1, 1]


def test_each_arm_keeps_the_step_size_that_validation_likes_best():
    model, samples, told = tiny_model("gemma3_text"), text(8), []
    plan = steps_of(samples, 5, 40, 0)
    (_, arm, _) = arms(model, chosen(model), [], 0)
    rates = [1e-6, 3e-2, 1e-4]
    fitted = fit(arm, model, samples, samples[:3], plan, rates, told.append)
    ends = {
        row["rate"]: row["loss"] for row in fitted.curve if row["part"] == "validation" and row["step"] == 5
    }
    assert fitted.rate == min(ends, key=ends.get) == 3e-2
    alone = fit(arm, model, samples, samples[:3], plan, [3e-2])
    assert all(torch.equal(*both) for both in zip(fitted.weights, alone.weights, strict=True))
    assert sum(told) == tokens_to_fit(samples, samples[:3], plan, rates)


def test_a_rate_that_diverges_is_passed_over_and_all_of_them_are_an_error(monkeypatch):
    model, samples = tiny_model("gemma3_text"), text()
    (_, arm, _) = arms(model, chosen(model), [], 0)
    plan, steps = steps_of(samples, 3, 40, 0), []

    def diverges(model, parameters, chosen):
        steps.append(chosen)
        loss, gradients = loss_and_gradient(model, parameters, chosen)
        return (np.nan if len(steps) in bad else loss), gradients

    monkeypatch.setattr(training, "loss_and_gradient", diverges)
    bad, told = {2}, []
    fitted = fit(arm, model, samples, samples, plan, [3e-2, 1e-3], told.append)
    assert fitted.rate == 1e-3
    assert len(steps) == 2 + 3  # the first rate stops where it diverged
    assert sum(told) == tokens_to_fit(samples, samples, plan, [3e-2, 1e-3])
    bad = range(1000)
    with pytest.raises(NeuroglotError, match=r"tuning 'selected': the loss is not finite at .* 0.03, 0.001"):
        fit(arm, model, samples, samples, plan, [3e-2, 1e-3])


def test_out_of_memory_halves_the_batch_and_counts_nothing_twice(monkeypatch):
    model, samples = tiny_model("gemma3_text"), text()
    with own_weights(model, chosen(model)) as learned:
        loss, expected = loss_and_gradient(model, learned, samples)
        body = model.body

        def small(ids):
            if len(ids) > 2:
                raise torch.OutOfMemoryError
            return body(ids)

        monkeypatch.setattr(model, "body", small)
        again, found = loss_and_gradient(model, learned, samples)
    assert again == pytest.approx(loss, rel=1e-6)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "tune: steps must be at least 1, and is 0"),
        ({"tokens": 0}, "tune: tokens must be at least 1"),
        ({"matched": 0}, "tune: matched must be at least 1"),
        ({"rates": ()}, "tune: rates must be numbers between 0 and 1"),
        ({"rates": (1e-3, float("nan"))}, "tune: rates must be numbers between 0 and 1"),
        ({"rates": (1e-3, 1.0)}, "tune: rates must be numbers between 0 and 1"),
    ],
)
def test_settings_that_make_no_sense(wrong, message):
    with pytest.raises(NeuroglotError, match=message):
        replace(TuneSettings(), **wrong)


def test_without_peft_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("neuroglot.study.tuning.lora.find_spec", lambda name: None)
    with pytest.raises(NeuroglotError, match=r"pip install 'neuroglot\[tune\]'"):
        check_peft()
