"""The last word's probability against the network's own logits; which token is the target, by hand."""

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.objective import OBJECTIVES
from neuroglot.text.corpus import Corpus, Document
from tiny import tiny_model

MEASURES = {
    "logit": lambda logits, tokens: sum(row[token] for row, token in zip(logits, tokens, strict=True)),
    "log_prob": lambda logits, tokens: sum(
        row.log_softmax(-1)[token] for row, token in zip(logits, tokens, strict=True)
    ),
    "probability": lambda logits, tokens: torch.stack(
        [row.softmax(-1)[token] for row, token in zip(logits, tokens, strict=True)]
    ).prod(),
}


def one_by_one(**texts: str) -> Corpus:
    return Corpus("c", {name: [Document("d", (text,))] for name, text in texts.items()}, parallel=False)


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("family", ["gemma2", "gemma3_text"])
def test_value_and_gradient_against_full_logits(family, measure, joint, corpus, logits_of):
    """Of ``joint`` the log-probabilities add up and the probabilities multiply."""
    model = tiny_model(family)
    objective = OBJECTIVES["target"].configured({"measure": measure, "joint": joint})
    task = objective.task(model, corpus, "sentence")
    assert task.objective == objective
    batch = Batch.of(task.samples)
    with torch.no_grad():
        hidden = model.body(batch.ids)
        whole = model.network(batch.ids).logits
    values, slopes = objective(hidden, batch, model.head)
    assert len({sample.prompt for sample in batch.samples}) > 3
    for row, sample in enumerate(batch.samples):
        used, asked = len(sample.ids), slice(sample.prompt, len(sample.ids) - 1)
        targets = sample.ids[sample.prompt + 1 :]
        assert (len(targets) > 1) == (joint and sample.language != "zh")
        free = hidden[row, :used].clone().requires_grad_()
        s = MEASURES[measure](logits_of(model, free)[asked], targets)
        (slope,) = torch.autograd.grad(s, free)
        own = MEASURES[measure](whole[row, :used][asked], targets)
        assert values[row].item() == pytest.approx(s.item(), rel=1e-4, abs=1e-12)
        assert values[row].item() == pytest.approx(own.item(), rel=1e-4, abs=1e-12)
        largest = slope.abs().max().item()
        torch.testing.assert_close(slopes[row, :used], slope, rtol=1e-4, atol=1e-5 * largest)
        assert not slopes[row, used:].any()


def read_back(model, corpus, **options):
    """Language → what comes before the target and the target, as text."""
    task = OBJECTIVES["target"].configured(options).task(model, corpus, "sentence")
    assert all(sample.ids[0] == 2 for sample in task.samples)
    return {
        sample.language: (
            model.tokenizer.decode(sample.ids[1 : 1 + sample.prompt]),
            model.tokenizer.decode(sample.ids[1 + sample.prompt :]),
        )
        for sample in task.samples
    }


def test_the_target_is_the_first_token_of_the_last_word(roomy):
    """One token a byte: of a word it is the space before it that comes first."""
    corpus = one_by_one(en="rain on the roof", trailing="rain on the roof  ", one="rain")
    alone = read_back(roomy, corpus)
    assert alone["en"] == ("rain on the", " ")
    assert alone["trailing"] == ("rain on the", " ")
    assert alone["one"] == ("rai", "n"), "a text of one word ends with its last token"
    joint = read_back(roomy, corpus, joint=True)
    assert joint["en"] == ("rain on the", " roof")
    assert joint["one"] == ("rai", "n")


def test_without_spaces_it_is_the_last_token(roomy):
    """A character is three bytes, hence three tokens here."""
    task = OBJECTIVES["target"].task(roomy, one_by_one(zh="屋顶上的雨声"), "sentence")
    (sample,) = task.samples
    whole = roomy.tokenizer("屋顶上的雨声", add_special_tokens=False)["input_ids"]
    assert (list(sample.ids[1:]), sample.prompt) == (whole, len(whole) - 1)


def test_a_document_has_one_target(roomy):
    corpus = Corpus("c", {"en": [Document("d", ("cold rain", "on the roof"))]}, parallel=False)
    (sample,) = OBJECTIVES["target"].configured({"joint": True}).task(roomy, corpus, "document").samples
    assert sample.sentence == -1
    assert roomy.tokenizer.decode(sample.ids[1 : 1 + sample.prompt]) == "cold rain\non the"
    assert roomy.tokenizer.decode(sample.ids[1 + sample.prompt :]) == " roof"


def test_a_text_longer_than_the_model_is_scored_at_its_cut_end():
    model = tiny_model("gemma3_text", max_position_embeddings=12)
    (sample,) = OBJECTIVES["target"].task(model, one_by_one(en="rain on the old roof"), "sentence").samples
    assert model.tokenizer.decode(sample.ids[1:]) == "rain on the"
    assert sample.prompt == len("rain on th")


def test_an_unknown_measure():
    with pytest.raises(NeuroglotError, match="objective 'target': unknown measure 'logprob'; did you mean"):
        OBJECTIVES["target"].configured({"measure": "logprob"})
