import math

import pytest
import torch

from neuroglot.model import head as head_module
from neuroglot.model.head import Head
from tiny import tiny_model

POSITIONS, HIDDEN, VOCABULARY = 7, 5, 11


def random_head(bias=False, **options) -> tuple[Head, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    head = Head(torch.randn(VOCABULARY, HIDDEN), torch.randn(VOCABULARY) if bias else None, **options)
    return head, torch.randn(POSITIONS, HIDDEN), torch.randint(VOCABULARY, (POSITIONS,))


def by_autograd(head: Head, hidden: torch.Tensor, target: torch.Tensor, name: str):
    """The definition, written out, with its gradient by autograd in float64."""
    leaf = hidden.double().requires_grad_()
    logits = leaf @ head.weight.double().T
    if head.bias is not None:
        logits = logits + head.bias.double()
    logits = logits * head.scale
    if head.softcap is not None:
        logits = head.softcap * torch.tanh(logits / head.softcap)
    if name == "log_prob":
        logits = logits.log_softmax(-1)
    values = logits[range(len(target)), target]
    (gradient,) = torch.autograd.grad(values.sum(), leaf)
    return values.detach(), gradient


@pytest.mark.parametrize("name", ["log_prob", "gold_logit"])
@pytest.mark.parametrize(
    "options",
    [{}, {"bias": True}, {"scale": 0.25}, {"softcap": 2.0}, {"bias": True, "scale": 3.0, "softcap": 1.5}],
    ids=str,
)
@pytest.mark.parametrize("block", [1, 2, 3, VOCABULARY, 100])
def test_equals_autograd_whatever_the_block(monkeypatch, name, options, block):
    monkeypatch.setattr(head_module, "CHUNK_BYTES", block * 4 * POSITIONS)
    head, hidden, target = random_head(**options)
    values, gradient = getattr(head, name)(hidden, target, gradient=True)
    expected_values, expected_gradient = by_autograd(head, hidden, target, name)
    torch.testing.assert_close(values.double(), expected_values, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradient.double(), expected_gradient, rtol=1e-5, atol=1e-5)


def test_by_hand():
    # Logits (0, ln 3): probabilities 1/4 and 3/4.
    values, gradient = Head(torch.eye(2)).log_prob(
        torch.tensor([[0.0, math.log(3)]] * 2), torch.tensor([0, 1]), gradient=True
    )
    torch.testing.assert_close(values, torch.tensor([math.log(0.25), math.log(0.75)]))
    torch.testing.assert_close(gradient, torch.tensor([[0.75, -0.75], [-0.25, 0.25]]))


@pytest.mark.parametrize("name", ["log_prob", "gold_logit"])
def test_gives_no_gradient_unless_asked(name):
    head, hidden, target = random_head(bias=True, softcap=2.0)
    alone, nothing = getattr(head, name)(hidden, target)
    both, _ = getattr(head, name)(hidden, target, gradient=True)
    assert nothing is None
    assert torch.equal(alone, both)


def test_survives_logits_whose_exponential_overflows():
    values, gradient = Head(torch.eye(2) * 1000).log_prob(
        torch.tensor([[1.0, 0.0]]), torch.tensor([0]), gradient=True
    )
    assert values.item() == 0.0
    assert gradient.abs().max() == 0.0


def test_keeps_its_digits_where_the_model_is_sure():
    # p = 1/(1 + exp(-20)): in float32 it is 1, and 1 - p would be 0.
    values, gradient = Head(torch.eye(2)).log_prob(
        torch.tensor([[20.0, 0.0]]), torch.tensor([0]), gradient=True
    )
    rest = math.exp(-20) / (1 + math.exp(-20))
    torch.testing.assert_close(values, torch.tensor([-rest]), rtol=1e-5, atol=0.0)
    torch.testing.assert_close(gradient, torch.tensor([[rest, -rest]]), rtol=1e-5, atol=0.0)


def test_no_block_holds_more_logits_than_its_bytes(monkeypatch):
    monkeypatch.setattr(head_module, "CHUNK_BYTES", 4 * 4 * POSITIONS)
    head, hidden, target = random_head()
    shapes = []
    plain = Head.logits

    def watched(self, hidden, part):
        logits = plain(self, hidden, part)
        shapes.append(tuple(logits.shape))
        return logits

    monkeypatch.setattr(Head, "logits", watched)
    head.log_prob(hidden, target)
    assert shapes == [(POSITIONS, 4), (POSITIONS, 4), (POSITIONS, 3)]


@pytest.mark.parametrize(
    ("family", "scale", "softcap"), [("cohere", 0.25, None), ("granite", 0.25, None), ("gemma2", 1.0, 3.0)]
)
def test_reads_what_a_family_adds(family, scale, softcap):
    head = tiny_model(family).head
    assert (head.scale, head.softcap) == (scale, softcap)


@pytest.mark.parametrize("options", [{}, {"bias": True, "scale": 3.0, "softcap": 1.5}], ids=str)
@pytest.mark.parametrize("block", [2, 3, 100])
def test_knows_the_likeliest_token_whatever_the_block(monkeypatch, options, block):
    monkeypatch.setattr(head_module, "CHUNK_BYTES", block * 4 * POSITIONS)
    head, hidden, _ = random_head(**options)
    likeliest = head.logits(hidden).argmax(dim=1)
    for target in range(VOCABULARY):
        found = head.read(hidden, torch.full((POSITIONS,), target))
        assert torch.equal(found.correct, likeliest == target)
        assert found.slope is None


def test_a_shared_first_place_is_no_prediction():
    found = Head(torch.ones(3, 2)).read(torch.ones(3, 2), torch.tensor([0, 1, 2]))
    assert not found.correct.any()
