"""The objectives against autograd on full logits: softcap, scale, ragged rows, BOS as the only context."""

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.objective import OBJECTIVES
from neuroglot.text.samples import Sample
from tiny import tiny_model

FAMILIES = ["gemma2", "cohere", "granite", "gpt2"]
"""A softcap, a factor, a divisor, and a plain head."""


def batch_of(*lengths):
    draw = torch.Generator().manual_seed(0)
    rows = [torch.randint(3, 200, (length,), generator=draw).tolist() for length in lengths]
    return Batch.of([Sample("en", "d", n, (2, *ids), 9, 9) for n, ids in enumerate(rows)])


def oracle(name, model, hidden, ids):
    """s and ∂s/∂hidden of one sample, out of its whole table of logits from the network's own head."""
    hidden = hidden.clone().requires_grad_()
    config = model.network.config
    logits = model.network.get_output_embeddings()(hidden)
    logits = (
        logits * (getattr(config, "logit_scale", None) or 1) / (getattr(config, "logits_scaling", None) or 1)
    )
    if getattr(config, "final_logit_softcapping", None):
        logits = torch.tanh(logits / config.final_logit_softcapping) * config.final_logit_softcapping
    table = logits if name == "gold_logit" else logits.log_softmax(-1)
    s = sum(table[position, ids[position + 1]] for position in range(len(ids) - 1))
    (slope,) = torch.autograd.grad(s, hidden)
    return s.item(), slope


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("family", FAMILIES)
def test_equals_autograd_on_full_logits(name, family):
    model, batch = tiny_model(family), batch_of(7, 2, 4)
    with torch.no_grad():
        hidden = model.body(batch.ids)
        own = model.network(batch.ids).logits.log_softmax(-1)
    values, slopes = OBJECTIVES[name](hidden, batch, model.head)
    for row, sample in enumerate(batch.samples):
        used = len(sample.ids)
        s, slope = oracle(name, model, hidden[row, :used], sample.ids)
        assert values[row].item() == pytest.approx(s, rel=1e-5)
        torch.testing.assert_close(slopes[row, :used], slope, rtol=1e-4, atol=1e-6)
        assert not slopes[row, used - 1 :].any(), "the last token and the padding predict nothing"
        if name == "logprob":  # and the network's own forward agrees
            whole = sum(own[row, position, sample.ids[position + 1]] for position in range(used - 1))
            assert values[row].item() == pytest.approx(whole.item(), rel=1e-5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_first_token_is_a_target_with_bos_as_its_only_context(name):
    """A sample of one token: s is that token's, predicted from BOS alone."""
    model, batch = tiny_model("gemma2"), batch_of(1)
    with torch.no_grad():
        hidden, logits = model.body(batch.ids), model.network(batch.ids).logits[0, 0]
    table = logits if name == "gold_logit" else logits.log_softmax(-1)
    values, slopes = OBJECTIVES[name](hidden, batch, model.head)
    assert values.item() == pytest.approx(table[batch.ids[0, 1]].item(), rel=1e-5)
    assert slopes[0, 0].any()


def test_unknown_objective_names_the_nearest():
    with pytest.raises(NeuroglotError, match=r"unknown objective 'log_prob'; did you mean 'logprob'\?"):
        OBJECTIVES["log_prob"]
