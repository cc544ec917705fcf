"""A token's logit, log-probability and probability against autograd on the network's own logits."""

import math

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.objective.target import Target
from tiny import tiny_model

IDS = (2, 70, 71, 90, 17)
OF_LOGITS = {
    "logit": lambda logits: logits,
    "log_prob": lambda logits: logits.log_softmax(-1),
    "probability": lambda logits: logits.softmax(-1),
}


@pytest.mark.parametrize("measure", OF_LOGITS)
@pytest.mark.parametrize("family", ["gemma2", "cohere", "granite", "gpt2"])
def test_equals_autograd_on_full_logits(family, measure):
    """A softcap, a factor, a divisor and a plain head; the gradient at the last hidden state."""
    model, kept = tiny_model(family), []

    def keep(_module, _args, output):
        output.last_hidden_state.requires_grad_().retain_grad()
        kept.append(output.last_hidden_state)

    handle = model.network.base_model.register_forward_hook(keep)
    logits = model.network(torch.tensor([IDS])).logits[0, -1]
    handle.remove()
    s = OF_LOGITS[measure](logits)[33]
    s.backward()
    target = Target(IDS, (33,), measure)
    # The second row is another position: rows do not mix.
    hidden = kept[0].detach()[0, [-1, 0]][:, None]
    values, slopes = target.value(hidden, model.head, gradient=True)
    assert values[0].item() == pytest.approx(s.item(), rel=1e-5)
    torch.testing.assert_close(slopes[0, 0], kept[0].grad[0, -1], rtol=1e-4, atol=1e-7)
    alone, nothing = target.value(hidden[:1], model.head)
    assert nothing is None
    assert alone[0].item() == pytest.approx(values[0].item(), rel=1e-6)


@pytest.mark.parametrize(
    ("measure", "joint"), [("logit", sum), ("log_prob", sum), ("probability", math.prod)]
)
def test_several_tokens_count_together(measure, joint):
    """Each after the true ones before it, by autograd on the network's own logits."""
    model, tokens = tiny_model("gemma2"), (33, 70, 40)
    hidden = model.body(torch.tensor([IDS + tokens[:-1]]))[0, len(IDS) - 1 :].detach().requires_grad_()
    logits = 3.0 * torch.tanh(model.network.lm_head(hidden) / 3.0)
    s = joint(OF_LOGITS[measure](logits)[position, token] for position, token in enumerate(tokens))
    s.backward()
    with torch.no_grad():
        found, slope = Target(IDS, tokens, measure).value(hidden[None], model.head, gradient=True)
    assert found.item() == pytest.approx(s.item(), rel=1e-5)
    torch.testing.assert_close(slope[0], hidden.grad, rtol=1e-4, atol=1e-9)


def test_mistakes_are_named(gemma):
    with pytest.raises(NeuroglotError, match="unknown measure 'logprob'; did you mean 'log_prob'"):
        Target(IDS, (5,), "logprob")
    with pytest.raises(NeuroglotError, match="at least one token"):
        Target((), (5,))
    with pytest.raises(NeuroglotError, match="a target needs at least one token"):
        Target(IDS, ())
    with pytest.raises(NeuroglotError, match="there is no token 99999: the vocabulary has 259"):
        Target(IDS, (99999,)).value(torch.zeros(1, 1, 32), gemma.head)
