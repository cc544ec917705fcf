"""log p(translation | original) − log p(original | original), per token, and the scores for it by hand."""

import numpy as np
import pytest
import torch

from neuroglot.attribution.engine import score_samples
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.objective import OBJECTIVES
from neuroglot.statistics.quantity import Quantity
from neuroglot.text.corpus import Corpus, Document
from tiny import tiny_model


def ids_of(model, text):
    return tuple(model.tokenizer(text, add_special_tokens=False)["input_ids"])


def texts_of(corpus, language):
    return [text for document in corpus.documents[language] for text in document.sentences]


def test_what_is_read(roomy, corpus):
    """The original, a line break and the translation; against the original, a line break and itself."""
    task = OBJECTIVES["contrastive"].configured({"reference": "fr"}).task(roomy, corpus, "sentence")
    assert task.about == {"reference": "fr"}
    assert OBJECTIVES["contrastive"].task(roomy, corpus, "sentence").about == {"reference": "en"}
    originals = texts_of(corpus, "fr")
    pairs = [(language, text) for language in corpus.languages for text in texts_of(corpus, language)]
    for number, (sample, (language, text)) in enumerate(zip(task.samples, pairs, strict=True)):
        original = originals[number % 6]
        prompt = ids_of(roomy, original + "\n")
        assert (sample.language, sample.document) == (language, f"d{number % 6}")
        assert (sample.prompt, sample.against.prompt) == (len(prompt), len(prompt))
        assert sample.ids == (2, *prompt, *ids_of(roomy, text))
        assert sample.against.ids == (2, *prompt, *ids_of(roomy, original))


@pytest.mark.parametrize("family", ["gemma2", "gemma3_text"])
def test_value_and_gradient_against_full_logits(family, corpus, logits_of):
    model = tiny_model(family)
    task = OBJECTIVES["contrastive"].task(model, corpus, "sentence")
    for rows in (task.samples[4:10], [sample.against for sample in task.samples[4:10]]):
        batch = Batch.of(rows)
        with torch.no_grad():
            hidden = model.body(batch.ids)
        values, slopes = task.objective(hidden, batch, model.head)
        for row, sample in enumerate(rows):
            free = hidden[row, : len(sample.ids)].clone().requires_grad_()
            table = logits_of(model, free).log_softmax(-1)
            scored = range(sample.prompt, len(sample.ids) - 1)
            s = sum(table[place, sample.ids[place + 1]] for place in scored) / len(scored)
            (slope,) = torch.autograd.grad(s, free)
            assert values[row].item() == pytest.approx(s.item(), rel=1e-5)
            torch.testing.assert_close(slopes[row, : len(sample.ids)], slope, rtol=1e-4, atol=1e-7)


def test_a_neurons_score_is_the_difference_of_both_runs(corpus):
    """Each run by autograd on the network's own logits, alone and unpadded."""
    model = tiny_model("gemma3_text")
    model.network.double()
    task = OBJECTIVES["contrastive"].task(model, corpus, "sentence")
    quantity = Quantity("mlp", "grad_act", "sum", 0, "contrastive")
    chosen = [task.samples[index] for index in (1, 7, 14)]
    found = score_samples(model, chosen, [quantity], objective=task.objective)["mlp"][
        quantity.variable
    ].values

    def by_hand(sample, layer):
        kept = []

        def before(_module, args):
            kept.append(args[0].requires_grad_())
            kept[0].retain_grad()

        handle = model.network.get_submodule(f"model.layers.{layer}.mlp.down_proj").register_forward_pre_hook(
            before
        )
        logits = model.network(torch.tensor([sample.ids])).logits[0].log_softmax(-1)
        handle.remove()
        scored = range(sample.prompt, len(sample.ids) - 1)
        (sum(logits[place, sample.ids[place + 1]] for place in scored) / len(scored)).backward()
        return (kept[0] * kept[0].grad)[0, 1:].sum(0).detach().numpy()

    for row, sample in enumerate(chosen):
        for layer in range(model.layers):
            expected = by_hand(sample, layer) - by_hand(sample.against, layer)
            np.testing.assert_allclose(
                found[row, layer], expected, rtol=1e-3, atol=1e-5 * max(np.abs(expected).max(), 0.01)
            )
    assert np.abs(found[1:]).max() > 0.01
    assert np.abs(found[0]).max() < 1e-6, "the reference language against itself"


@pytest.mark.parametrize("budget", [1, 10_000])
def test_the_reference_language_scores_nothing(budget, corpus):
    """Even where the two runs of a sample stand in batches of their own."""
    model = tiny_model("gemma3_text")
    task = OBJECTIVES["contrastive"].configured({"reference": "zh"}).task(model, corpus, "sentence")
    wanted = [
        Quantity("mlp", "grad_act", "sum", 0, "contrastive"),
        Quantity("mlp", "grad", "max", 0, "contrastive"),
    ]
    found = score_samples(model, task.samples, wanted, objective=task.objective, token_budget=budget)
    own = found["mlp"]["language"].values == "zh"
    for quantity in wanted:
        values = np.abs(found["mlp"][quantity.variable].values)
        assert values[own].max() <= 1e-5 * values[~own].max()


def test_what_cannot_be_contrasted(corpus):
    loose = Corpus(
        "loose", {"en": [Document("a", ("a b",))], "fr": [Document("b", ("c d",))]}, parallel=False
    )
    with pytest.raises(
        NeuroglotError, match="'contrastive' needs parallel text, and 'loose' is not parallel"
    ):
        OBJECTIVES["contrastive"].check(loose)
    with pytest.raises(NeuroglotError, match="reference: unknown language 'fe'; did you mean 'fr'"):
        OBJECTIVES["contrastive"].configured({"reference": "fe"}).check(corpus)
    with pytest.raises(NeuroglotError, match="positions are needed for en, document 'd0', sentence 1"):
        OBJECTIVES["contrastive"].task(
            tiny_model("gemma3_text", max_position_embeddings=20), corpus, "sentence"
        )
