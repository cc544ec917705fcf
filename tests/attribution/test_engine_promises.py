"""What a pass does not do: back-propagate too far, build tables of logits, leave traces, hide mistakes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from neuroglot.attribution.engine import score_samples
from neuroglot.errors import NeuroglotError
from neuroglot.model import head
from neuroglot.model.head import Head
from neuroglot.objective import OBJECTIVES
from neuroglot.statistics.quantity import Quantity
from tiny import tiny_model

GRADIENT, FORWARD = Quantity("mlp", "grad_act", "max"), Quantity("mlp", "activation", "mean")


@pytest.fixture
def model():
    return tiny_model("gemma2")


def watch(model, found):
    """Notes for every block's attention and MLP whether their output hangs in a graph."""
    handles = []
    for layer, block in enumerate(model.network.model.layers):
        for part in ("self_attn", "mlp"):

            def note(_module, _args, output, key=(layer, part)):
                found[key] = (output[0] if isinstance(output, tuple) else output).requires_grad

            handles.append(block.get_submodule(part).register_forward_hook(note))
    return handles


@pytest.mark.parametrize(
    ("layers", "first"), [(None, (0, "mlp")), ([1], (1, "mlp")), ([1, 2], (1, "mlp")), ([2], (2, "mlp"))]
)
def test_nothing_below_the_lowest_wanted_layer_is_back_propagated(model, samples, layers, first):
    """A tensor that needs no gradient is in no graph: autograd cannot reach it, nor what made it."""
    graph = {}
    watch(model, graph)
    score_samples(model, samples, [GRADIENT, FORWARD], layers=layers)
    assert len(graph) == 6
    assert graph == {key: key >= first for key in graph if key[1] == "mlp"} | {
        key: key[0] > first[0] for key in graph if key[1] == "self_attn"
    }


def test_backward_work_shrinks_with_the_layers_below(model, samples):
    """The same, counted: products of matrices that run in a whole pass."""

    class Products(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.count += func in (torch.ops.aten.mm.default, torch.ops.aten.addmm.default)
            return func(*args, **(kwargs or {}))

    counts = []
    for layers in ([0], [1], [2]):
        with Products() as products:
            score_samples(model, samples, [GRADIENT], layers=layers)
        counts.append(products.count)
    # A layer less costs seven products less: q, k, v, o, gate, up and down.
    assert [counts[0] - counts[1], counts[1] - counts[2]] == [7, 7]


def test_without_a_gradient_score_the_pass_is_forward_only(model, samples, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("no objective is needed")

    monkeypatch.setitem(OBJECTIVES._entries, "logprob", never)
    graph, seen = {}, []
    watch(model, graph)
    model.network.model.norm.register_forward_hook(
        lambda _module, _args, output: seen.append(
            (output.grad_fn, torch.is_grad_enabled(), output.is_inference())
        )
    )
    score_samples(model, samples, [FORWARD, Quantity("mlp_gate", "active", "sum")])
    assert not any(graph.values())
    assert set(seen) == {(None, False, True)}


def test_no_table_of_tokens_by_vocabulary_is_built(samples, monkeypatch):
    """Nothing that a pass computes is larger than one chunk of logits, an eighth of the batch's table."""
    vocabulary, predicted = 2003, sum(sample.tokens for sample in samples)
    model, chunk = tiny_model("gemma2", vocab_size=vocabulary), vocabulary * predicted // 8
    monkeypatch.setattr(head, "CHUNK_BYTES", 4 * chunk)
    weights = {weight.untyped_storage().data_ptr() for weight in model.network.parameters()}

    class Largest(TorchDispatchMode):
        size = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            for tensor in out if isinstance(out, (tuple, list)) else (out,):
                if isinstance(tensor, torch.Tensor) and tensor.untyped_storage().data_ptr() not in weights:
                    self.size = max(self.size, tensor.numel())
            return out

    with Largest() as largest:
        score_samples(model, samples, [GRADIENT, Quantity("resid", "fisher", "sum")])
    assert chunk / 2 < largest.size <= chunk
    with Largest() as largest, torch.no_grad():  # the watcher does see a table where there is one
        model.network(input_ids=torch.zeros(1, predicted, dtype=torch.long))
    assert largest.size == predicted * vocabulary


def hooks(model):
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) + len(module._backward_hooks)
        for module in model.network.modules()
    )


def test_a_pass_leaves_no_trace(model, samples):
    ids = torch.tensor([samples[0].ids])
    before = model.network(ids).logits
    score_samples(model, samples, [GRADIENT, FORWARD, Quantity("resid_pre", "grad", "max")])
    assert hooks(model) == 0
    assert torch.equal(model.network(ids).logits, before)
    assert all(weight.grad is None and not weight.requires_grad for weight in model.network.parameters())


@pytest.mark.parametrize("moment", ["forward", "head", "backward"])
def test_hooks_come_off_after_an_exception(model, samples, monkeypatch, moment):
    def broken(*args, **kwargs):
        raise RuntimeError("in the middle")

    def broken_backward(_module, _args, output):
        output.register_hook(broken)

    if moment == "forward":
        handle = model.network.model.layers[1].mlp.register_forward_hook(broken)
    elif moment == "backward":
        handle = model.network.model.layers[1].mlp.register_forward_hook(broken_backward)
    else:
        handle = None
        monkeypatch.setattr(Head, "log_prob", broken)
    with pytest.raises(RuntimeError, match="in the middle"):
        score_samples(model, samples, [GRADIENT, FORWARD])
    if handle is not None:
        handle.remove()
    assert hooks(model) == 0
    assert all(weight.grad is None for weight in model.network.parameters())


@pytest.mark.parametrize(("sentence", "where"), [(2, "document 'd2', sentence 3"), (-1, "document 'd2'")])
def test_a_sample_without_finite_scores_is_left_out_and_named(samples, sentence, where, caplog):
    """A token whose embedding is broken: the output is not finite, and nobody else's scores notice."""
    model = tiny_model("llama", tie_word_embeddings=False)
    odd = replace(samples[2], language="sw", sentence=sentence, ids=(2, 255, *samples[2].ids[2:]))
    with torch.no_grad():
        model.network.get_input_embeddings().weight[255] = float("nan")
    others = [sample for sample in samples if 255 not in sample.ids]
    clean = score_samples(model, others, [GRADIENT, FORWARD])
    found = score_samples(model, [others[0], odd, *others[1:]], [GRADIENT, FORWARD], attributes={"a": "b"})
    for quantity in (GRADIENT, FORWARD):
        np.testing.assert_allclose(
            found[quantity.site][quantity.variable],
            clean[quantity.site][quantity.variable],
            rtol=1e-4,
            atol=1e-6,
        )
    assert "sw" not in found["mlp"]["language"].values
    assert found.attrs["a"] == "b"
    assert json.loads(found.attrs["quarantined"]) == [
        {"language": "sw", "document": "d2", "sentence": sentence, "layer": None, "score": "logprob"}
    ]
    assert caplog.messages == [f"left out: logprob is not finite in the output on language 'sw', {where}"]
    assert "quarantined" not in clean.attrs
    assert hooks(model) == 0


def test_a_score_that_is_not_finite_names_its_layer(model, samples):
    """An infinite activation in the middle layer and the first row of the batch, the longest sample."""
    longest = max(samples, key=lambda sample: len(sample.ids))

    def break_one(_module, args):
        broken = args[0].clone()
        broken[0, 2, 5] = torch.inf
        return (broken,)

    handle = model.down_projection(1).register_forward_pre_hook(break_one)
    found = score_samples(model, samples, [FORWARD])
    handle.remove()
    assert [
        (one["document"], one["layer"], one["score"]) for one in json.loads(found.attrs["quarantined"])
    ] == [(longest.document, 1, "activation")]
    assert longest.document not in found["mlp"]["document"].values
    assert len(found["mlp"]["document"]) == len(samples) - 1


def test_a_pass_may_leave_out_everything(model, samples):
    with torch.no_grad():
        model.network.get_input_embeddings().weight.fill_(float("nan"))
    found = score_samples(model, samples, [GRADIENT])
    assert len(json.loads(found.attrs["quarantined"])) == len(samples)
    assert found["mlp"]["grad_act.max"].shape == (0, 3, 48)


@pytest.mark.parametrize("family", ["gemma3_text", "bloom", "opt", "gpt2"])
def test_checkpointing_changes_nothing_but_memory(family, samples):
    model = tiny_model(family)
    wanted = [GRADIENT, FORWARD, Quantity("mlp_up", "fisher", "sum"), Quantity("resid", "grad", "max")]
    plain = score_samples(model, samples, wanted)
    again = score_samples(model, samples, wanted, checkpointing=True)
    for quantity in wanted:
        np.testing.assert_array_equal(
            again[quantity.site][quantity.variable], plain[quantity.site][quantity.variable]
        )
    assert all("forward" not in vars(block) for block in model.site("resid").blocks)


@pytest.mark.parametrize(
    ("wanted", "options", "message"),
    [
        (Quantity("mpl", "grad", "max"), {}, r"unknown site 'mpl'; did you mean 'mlp'\?"),
        (Quantity("mlp", "graad", "max"), {}, r"unknown score 'graad'; did you mean 'grad'\?"),
        (Quantity("mlp", "grad", "maxx"), {}, r"unknown token reduction 'maxx'; did you mean 'max'\?"),
        (Quantity("mlp", "activation", "maxx"), {}, r"unknown token reduction 'maxx'; did you mean 'max'\?"),
        (GRADIENT, {"objective": "logprop"}, r"unknown objective 'logprop'; did you mean 'logprob'\?"),
        (GRADIENT, {"layers": [1, 3]}, r"layers \[3\] do not exist: the model has layers 0 to 2"),
        (GRADIENT, {"positions": "first"}, r"unknown positions 'first'; use all, last or every:k"),
        (GRADIENT, {"positions": "every:0"}, r"unknown positions 'every:0'"),
        (GRADIENT, {"positions": "every:²"}, r"unknown positions 'every:²'"),
        (
            Quantity("mlp", "grad", "last"),
            {"positions": "every:2"},
            r"'last' reads every position; .*'every:2'",
        ),
    ],
)
def test_mistakes_are_one_line(model, samples, wanted, options, message):
    with pytest.raises(NeuroglotError, match=message) as error:
        score_samples(model, samples, [wanted], **options)
    assert "\n" not in str(error.value)
    assert hooks(model) == 0


def test_progress_counts_every_token_once(model, samples):
    told = []
    score_samples(model, samples, [FORWARD], token_budget=12, advance=told.append)
    assert len(told) > 1
    assert sum(told) == sum(sample.tokens for sample in samples)


def test_the_shard_carries_what_the_caller_says(model, samples):
    tree = score_samples(model, samples, [GRADIENT], attributes={"model": "tiny"})
    assert tree.attrs == {"model": "tiny"}
