"""The probe: what it is fitted on, what it says (scikit-learn, by hand), and its gradient (autograd)."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.objective import OBJECTIVES
from neuroglot.text.corpus import Corpus, Document


@pytest.fixture(scope="module")
def task(roomy, corpus):
    return OBJECTIVES["language_id"].task(roomy, corpus, "sentence")


def documents_of(samples):
    return {sample.document for sample in samples}


def state(model, ids):
    """The mean of the network's own last hidden states over a text's tokens, alone, BOS apart."""
    with torch.no_grad():
        return model.network.base_model(torch.tensor([ids])).last_hidden_state[0, 1:].mean(0).double().numpy()


def fitted_on(model, corpus, task):
    """The samples of the documents that the task leaves, the probe's own."""
    plain = OBJECTIVES["logprob"].task(model, corpus, "sentence").samples
    return [sample for sample in plain if sample.document not in documents_of(task.samples)]


def reference(model, corpus, task, strength=0.1):
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000, tol=1e-8))
    texts = fitted_on(model, corpus, task)
    return probe.fit([state(model, one.ids) for one in texts], [one.language for one in texts])


def test_no_document_is_fitted_on_and_scored(roomy, corpus, task):
    fitting = fitted_on(roomy, corpus, task)
    assert documents_of(fitting).isdisjoint(documents_of(task.samples))
    assert len(documents_of(task.samples)) == len(documents_of(fitting)) == 3
    assert [sample.language for sample in task.samples] == ["en"] * 3 + ["fr"] * 3 + ["zh"] * 3


@pytest.mark.parametrize("languages", [("en", "fr", "zh"), ("en", "zh")])
def test_the_probes_log_probability_is_scikit_learns(languages, roomy, corpus):
    """Also over two languages, where scikit-learn keeps one side only."""
    some = corpus.restrict(languages)
    task = OBJECTIVES["language_id"].task(roomy, some, "sentence")
    probe = reference(roomy, some, task)
    batch = Batch.of(task.samples)
    with torch.no_grad():
        values, _ = task.objective(roomy.body(batch.ids), batch, roomy.head)
    for value, sample in zip(values.tolist(), batch.samples, strict=True):
        (expected,) = probe.predict_log_proba([state(roomy, sample.ids)])
        own = expected[list(probe.classes_).index(sample.language)]
        assert value == pytest.approx(own, rel=0.02, abs=1e-3)
    assert len({round(value, 3) for value in values.tolist()}) == len(values)


def test_accuracy_on_the_held_out_documents_is_reported(roomy, corpus, task):
    probe = reference(roomy, corpus, task)
    right = [probe.predict([state(roomy, one.ids)])[0] == one.language for one in task.samples]
    assert task.about["held-out accuracy"] == pytest.approx(np.mean(right))
    assert task.about["chance"] == pytest.approx(1 / 3)


def test_a_penalty_of_ones_own(roomy, corpus, task):
    loose = OBJECTIVES["language_id"].configured({"strength": 10.0}).task(roomy, corpus, "sentence")
    assert np.abs(loose.objective.weight).max() > 2 * np.abs(task.objective.weight).max()


def test_gradient_against_autograd(roomy, task):
    batch = Batch.of(task.samples)
    with torch.no_grad():
        hidden = roomy.body(batch.ids)
    values, slopes = task.objective(hidden, batch, roomy.head)
    weight, bias = (torch.from_numpy(array).float() for array in (task.objective.weight, task.objective.bias))
    for row, sample in enumerate(batch.samples):
        free = hidden[row, : len(sample.ids)].clone().requires_grad_()
        scores = weight @ free[1:].mean(0) + bias
        s = scores.log_softmax(0)[task.objective.languages.index(sample.language)]
        (slope,) = torch.autograd.grad(s, free)
        assert values[row].item() == pytest.approx(s.item(), rel=1e-4, abs=1e-6)
        torch.testing.assert_close(slopes[row, : len(sample.ids)], slope, rtol=1e-4, atol=1e-7)
        assert not slopes[row, 0].any(), "BOS is not of the text"
        assert not slopes[row, len(sample.ids) :].any()
    assert slopes.abs().max() > 1e-4


def test_what_cannot_be_probed(roomy, corpus):
    batch = Batch.of(OBJECTIVES["logprob"].task(roomy, corpus, "sentence").samples[:1])
    with pytest.raises(NeuroglotError, match="'language_id' has no probe yet"):
        OBJECTIVES["language_id"](roomy.body(batch.ids), batch, roomy.head)
    one = Corpus("one", {"en": [Document("a", ("a b", "c d"))]}, parallel=False)
    with pytest.raises(NeuroglotError, match="on other documents than it scores; 'en' has only one"):
        OBJECTIVES["language_id"].check(one)
