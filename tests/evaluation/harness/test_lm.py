from unittest.mock import patch

import numpy as np
import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from neuroglot.evaluation.harness.lm import HarnessModel
from neuroglot.intervention.hooks import intervene
from neuroglot.intervention.kinds import Intervention
from neuroglot.neurons import NeuronSet
from tiny import tiny_model

LONG = "a rather long context that the model cannot read whole " * 4
PAIRS = [
    ("one two", " three"),
    ("one two", " t"),
    ("one two", "x"),
    ("one two", "y"),
    ("one two", "xy"),  # reads "one twox": its first token shares its place with the two above
    ("", "no context"),
    ("mưa và ", "nắng"),
    (LONG, " cut on the left"),
    ("one two", "x"),
]


def asked(pairs):
    return [Instance("loglikelihood", {}, pair, 0) for pair in pairs]


def some_off(model):
    mask = np.random.default_rng(0).random((model.layers, model.sites["mlp"].width)) < 0.3
    return Intervention(NeuronSet("mlp", mask))


@pytest.fixture(params=["gemma3_text", "gemma2", "gpt2", "llama"])
def model(request):
    return tiny_model(request.param)


def test_it_says_what_the_harness_would_say(model):
    ours, theirs = HarnessModel(model), HFLM(model.network, tokenizer=model.tokenizer, batch_size=2)
    for act in (None, some_off(model)):
        if act is None:
            found, expected = ours.loglikelihood(asked(PAIRS)), theirs.loglikelihood(asked(PAIRS))
            before = found
        else:
            with intervene(model, act):
                found, expected = ours.loglikelihood(asked(PAIRS)), theirs.loglikelihood(asked(PAIRS))
            assert max(abs(one[0] - two[0]) for one, two in zip(found, before, strict=True)) > 0.1
        np.testing.assert_allclose([each[0] for each in found], [each[0] for each in expected], atol=1e-4)
        assert [each[1] for each in found] == [each[1] for each in expected]


def test_greedy_is_told_among_choices_that_share_a_place(model):
    ours, theirs = HarnessModel(model), HFLM(model.network, tokenizer=model.tokenizer)
    letters = asked([("one two", chr(letter)) for letter in range(33, 127)])
    found = ours.loglikelihood(letters)
    assert [each[1] for each in found] == [each[1] for each in theirs.loglikelihood(letters)]
    pairs = asked([(text, chr(letter)) for text in "abcdefgh" for letter in range(33, 127)])
    greedy = [each[1] for each in ours.loglikelihood(pairs)]
    assert greedy == [each[1] for each in theirs.loglikelihood(pairs)]
    assert any(greedy)


def test_rolling_windows_come_through_it_too(model):
    text = [
        Instance("loglikelihood_rolling", {}, (LONG,), 0),
        Instance("loglikelihood_rolling", {}, ("abc",), 0),
    ]
    ours, theirs = HarnessModel(model), HFLM(model.network, tokenizer=model.tokenizer)
    np.testing.assert_allclose(
        ours.loglikelihood_rolling(text), theirs.loglikelihood_rolling(text), atol=1e-3
    )


def test_the_vocabulary_is_never_laid_out_for_a_batch(model, monkeypatch):
    monkeypatch.setattr(HFLM, "_model_call", lambda *_, **__: pytest.fail("full logits were made"))
    HarnessModel(model).loglikelihood(asked(PAIRS))


def test_what_is_read_is_read_once_a_row(gemma):
    asks = asked([("one two", "x"), ("one two", "y"), ("one two", "xy")])
    lm, read, body = HarnessModel(gemma), [], gemma.body
    with patch.object(gemma, "body", lambda ids: read.append(ids) or body(ids)):
        lm.loglikelihood(asks)
    assert [tuple(ids.shape) for ids in read] == [(2, 8)]  # of 7 and of 8 positions


def test_it_writes_under_hooks_what_the_network_writes_under_them(gemma):
    request = [Instance("generate_until", {}, ("one two", {"until": ["\n"], "max_gen_toks": 5}), 0)]
    theirs = HFLM(gemma.network, tokenizer=gemma.tokenizer)
    with intervene(gemma, some_off(gemma)):
        assert HarnessModel(gemma).generate_until(request) == theirs.generate_until(request)
