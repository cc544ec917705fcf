"""The untouched model's log-probability of an answer, against a plain softmax."""

import numpy as np
import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.answers.fluency import log_probs
from neuroglot.text.samples import encode, first_token


def plain(model, prompt, answer):
    before, after = encode(model.tokenizer, [prompt, answer])
    ids = torch.tensor([[first_token(model.tokenizer), *before, *after]])
    with torch.inference_mode():
        scores = model.network(input_ids=ids).logits[0].double().log_softmax(dim=-1)
    places = range(len(before), len(before) + len(after))
    return sum(scores[place, ids[0, place + 1]].item() for place in places)


def test_is_the_sum_over_the_answer_alone(gemma):
    prompts, answers = ["Why?", "Q: where is it", "x"], ["rain", "đá và sông", "a"]
    found = log_probs(gemma, prompts, answers)
    expected = [plain(gemma, *each) for each in zip(prompts, answers, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_an_empty_answer_has_none(gemma):
    found = log_probs(gemma, ["Why?", "Why?"], ["", "rain"])
    assert np.isnan(found[0]) and found[1] < 0
    assert np.isnan(log_probs(gemma, ["Why?"], [""])).all()


def test_a_prompt_without_room_is_an_error(gemma):
    with pytest.raises(NeuroglotError, match=r"129 positions are needed.*the model has 128"):
        log_probs(gemma, ["a" * 120], ["b" * 8])
