"""Sums over next tokens against autograd on full logits: softcap, scale, ragged rows, prompts, BOS alone."""

from dataclasses import replace

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.objective import OBJECTIVES
from neuroglot.text.samples import Sample
from tiny import tiny_model

FAMILIES = ["gemma2", "cohere", "granite", "gpt2"]
"""A softcap, a factor, a divisor, and a plain head."""
SUMS = ["logprob", "gold_logit"]
"""Objectives of plain text whose value is a sum over its tokens."""


def batch_of(*lengths):
    draw = torch.Generator().manual_seed(0)
    rows = [torch.randint(3, 200, (length,), generator=draw).tolist() for length in lengths]
    return Batch.of([Sample("en", "d", n, (2, *ids), 9, 9) for n, ids in enumerate(rows)])


def oracle(name, logits, ids, prompt=0):
    """The sum over one sample's scored tokens, out of its whole table of logits."""
    table = logits if name == "gold_logit" else logits.log_softmax(-1)
    return sum(table[position, ids[position + 1]] for position in range(prompt, len(ids) - 1))


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("family", FAMILIES)
def test_equals_autograd_on_full_logits(name, family, logits_of):
    model, batch = tiny_model(family), batch_of(7, 2, 4)
    with torch.no_grad():
        hidden = model.body(batch.ids)
        own = model.network(batch.ids).logits.log_softmax(-1)
    values, slopes = OBJECTIVES[name](hidden, batch, model.head)
    for row, sample in enumerate(batch.samples):
        used = len(sample.ids)
        free = hidden[row, :used].clone().requires_grad_()
        s = oracle(name, logits_of(model, free), sample.ids)
        (slope,) = torch.autograd.grad(s, free)
        assert values[row].item() == pytest.approx(s.item(), rel=1e-5)
        torch.testing.assert_close(slopes[row, :used], slope, rtol=1e-4, atol=1e-6)
        assert not slopes[row, used - 1 :].any(), "the last token and the padding predict nothing"
        if name == "logprob":  # and the network's own forward agrees
            whole = sum(own[row, position, sample.ids[position + 1]] for position in range(used - 1))
            assert values[row].item() == pytest.approx(whole.item(), rel=1e-5)


@pytest.mark.parametrize("name", SUMS)
def test_the_first_token_is_a_target_with_bos_as_its_only_context(name):
    """A sample of one token: s is that token's, predicted from BOS alone."""
    model, batch = tiny_model("gemma2"), batch_of(1)
    with torch.no_grad():
        hidden, logits = model.body(batch.ids), model.network(batch.ids).logits[0, 0]
    table = logits if name == "gold_logit" else logits.log_softmax(-1)
    values, slopes = OBJECTIVES[name](hidden, batch, model.head)
    assert values.item() == pytest.approx(table[batch.ids[0, 1]].item(), rel=1e-5)
    assert slopes[0, 0].any()


@pytest.mark.parametrize("name", SUMS)
def test_a_prompt_is_context_and_no_target(name, logits_of):
    """Rows with prompts of their own lengths, one without, in one batch."""
    model = tiny_model("gemma2")
    plain = batch_of(7, 5, 4).samples
    rows = [replace(sample, prompt=prompt) for sample, prompt in zip(plain, (3, 0, 3), strict=True)]
    batch = Batch.of(rows)
    assert batch.predicting.tolist() == [
        [False] * 3 + [True] * 4 + [False],
        [True] * 5 + [False] * 3,
        [False] * 3 + [True] + [False] * 4,
    ]
    with torch.no_grad():
        hidden = model.body(batch.ids)
    values, slopes = OBJECTIVES[name](hidden, batch, model.head)
    for row, sample in enumerate(rows):
        used = len(sample.ids)
        free = hidden[row, :used].clone().requires_grad_()
        s = oracle(name, logits_of(model, free), sample.ids, sample.prompt)
        (slope,) = torch.autograd.grad(s, free)
        assert values[row].item() == pytest.approx(s.item(), rel=1e-5)
        torch.testing.assert_close(slopes[row, :used], slope, rtol=1e-4, atol=1e-6)
        assert not slopes[row, : sample.prompt].any()
        assert slopes[row, sample.prompt : used - 1].any(dim=1).all()


def test_objectives_of_plain_text_read_it_as_it_is(roomy, corpus):
    """Every sentence in the corpus's order, BOS first; what a sum is divided by is its length."""
    for name in SUMS:
        task = OBJECTIVES[name].task(roomy, corpus, "sentence")
        texts = [text for own in corpus.documents.values() for one in own for text in one.sentences]
        assert [roomy.tokenizer.decode(sample.ids[1:]) for sample in task.samples] == texts
        assert {(sample.ids[0], sample.prompt) for sample in task.samples} == {(2, 0)}
        assert task.objective is OBJECTIVES[name]
    assert {name for name, one in OBJECTIVES.items() if one.sums and one.plain} == {*SUMS, "layer_change"}
    assert {name for name, one in OBJECTIVES.items() if one.sums != one.plain} == set()


def test_options_that_an_objective_does_not_have():
    with pytest.raises(NeuroglotError, match="objective 'logprob' has no options, and is given 'control'"):
        OBJECTIVES["logprob"].configured({"control": "copy"})
    with pytest.raises(NeuroglotError, match="unknown option 'controll'; did you mean 'control'"):
        OBJECTIVES["answer"].configured({"controll": "copy"})
    with pytest.raises(NeuroglotError, match="unknown option 'weight'"):
        OBJECTIVES["language_id"].configured({"weight": None})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("target", {"joint": "yes"}, "'target': joint must be true or false, not 'yes'"),
        ("language_id", {"strength": "x"}, "'language_id': strength must be a number, not 'x'"),
        ("language_id", {"strength": True}, "'language_id': strength must be a number, not True"),
        ("language_id", {"strength": 0}, "'language_id': strength must be above 0, not 0"),
        ("language_id", {"strength": float("nan")}, "'language_id': strength must be above 0, not nan"),
        ("contrastive", {"reference": 5}, "'contrastive': reference must be a word, not 5"),
        ("answer", {"control": ["copy"]}, "'answer': control must be a word"),
    ],
)
def test_values_that_an_option_cannot_take(name, options, message):
    with pytest.raises(NeuroglotError, match=message):
        OBJECTIVES[name].configured(options)


def test_unknown_objective_names_the_nearest():
    with pytest.raises(NeuroglotError, match=r"unknown objective 'log_prob'; did you mean 'logprob'\?"):
        OBJECTIVES["log_prob"]
