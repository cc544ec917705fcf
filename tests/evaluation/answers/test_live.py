"""Batched, masked writing against a plain greedy loop, one answer at a time."""

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.answers.live import Answer, Ask, Writing, write
from neuroglot.intervention.hooks import intervene
from neuroglot.intervention.kinds import Intervention
from neuroglot.neurons import NeuronSet
from neuroglot.text.prompts import prompt_ids
from tiny import tiny_model

PENALTY = 1.3
WRITING = Writing(max_new_tokens=12, context=100, repetition_penalty=PENALTY, batch=3)
PROMPTS = ["rain", "bread and a river", "a", "nước", "the stone under the lamp", "x y"]


def some(model, seed, share=0.3, kind="zero"):
    site = model.site("mlp")
    chosen = torch.rand(model.layers, site.width, generator=torch.Generator().manual_seed(seed)) < share
    return Intervention(NeuronSet("mlp", chosen.numpy()), kind)


def asks_of(model):
    """No mask, one, another kind, two at once, in both orders."""
    off, tenfold, moved = some(model, 0), some(model, 1, kind="scale(5)"), some(model, 2, kind="constant(1)")
    acts = [(), (off,), (tenfold,), (tenfold, moved), (moved, tenfold), (off, tenfold)]
    return [Ask(prompt, own) for prompt, own in zip(PROMPTS, acts, strict=True)]


def greedy(model, ask, tokens=12, penalty=PENALTY):
    """Reads everything again for every token, and penalises with a loop over what is there."""
    (ids,) = prompt_ids(model.tokenizer, [ask.prompt])
    prompt = len(ids)

    def logits(ids):
        return model.network(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]

    def under(acts, ids):
        if not acts:
            return logits(ids)
        with intervene(model, acts[0]):
            return under(acts[1:], ids)

    with torch.no_grad():
        for _ in range(tokens):
            values = under(ask.acts, ids).clone()
            for token in set(ids):
                values[token] = values[token] / penalty if values[token] > 0 else values[token] * penalty
            ids = [*ids, int(values.argmax())]
            if ids[-1] == model.tokenizer.eos_token_id:
                return ids[prompt:-1], True
    return ids[prompt:], False


@pytest.mark.parametrize("family", ["gemma3_text", "llama", "gpt2", "opt", "bloom"])
def test_a_row_is_what_it_is_alone(family):
    model = tiny_model(family)
    asks = asks_of(model)
    together = write(model, asks, WRITING)
    assert [one.text for one in together] != [
        one.text for one in write(model, [Ask(p) for p in PROMPTS], WRITING)
    ]
    for ask, answer in zip(asks, together, strict=True):
        assert [answer] == write(model, [ask], WRITING)
        ids, finished = greedy(model, ask)
        text = model.tokenizer.decode(ids, skip_special_tokens=True).strip()
        assert answer == Answer(text, len(ids), finished)


def test_an_end_of_text_ends_a_row_and_no_other(monkeypatch):
    model = tiny_model("gemma3_text")
    asks = [Ask(prompt) for prompt in PROMPTS]
    free = {ask: greedy(model, ask)[0] for ask in asks}
    end = free[asks[1]][4]  # what a row says fifth now ends a text
    monkeypatch.setattr(model.network.generation_config, "eos_token_id", [1, end])
    for ask, answer in zip(asks, write(model, asks, WRITING), strict=True):
        ids = free[ask]
        if end in ids:
            assert (answer.tokens, answer.finished) == (ids.index(end), True)
        else:
            assert (answer.tokens, answer.finished) == (len(ids), False)
    assert end in free[asks[1]]


def test_a_stop_is_where_an_answer_ends():
    model = tiny_model("llama")
    asks = [Ask(prompt) for prompt in PROMPTS]
    whole = write(model, asks, WRITING)
    stop = whole[2].text[3:5]
    cut = write(model, asks, WRITING, [stop])
    assert cut[2].finished
    assert cut[2].tokens < whole[2].tokens
    for before, after in zip(whole, cut, strict=True):
        assert after.text == before.text.partition(stop)[0].strip()


def test_a_models_own_habits_are_set_aside_and_come_back():
    model = tiny_model("llama")
    asks = [Ask(prompt) for prompt in PROMPTS[:2]]
    plain = write(model, asks, WRITING)
    own = model.network.generation_config
    own.update(do_sample=True, temperature=5.0, no_repeat_ngram_size=1)
    assert write(model, asks, WRITING) == plain
    assert model.network.generation_config is own


def test_a_prompt_that_leaves_no_room():
    model = tiny_model("llama")
    with pytest.raises(NeuroglotError, match=r"of 25 tokens .* 110 where .* 128 tokens .* 103 would fit"):
        write(model, [Ask("a"), Ask("the stone under the lamp")], Writing(max_new_tokens=110))
    with pytest.raises(NeuroglotError, match="7 would fit"):
        write(model, [Ask("the stone under the lamp")], Writing(max_new_tokens=16, context=32))


def test_nothing_to_write():
    assert write(tiny_model("llama"), [], WRITING) == []


def test_less_memory_means_smaller_batches(monkeypatch):
    model = tiny_model("llama")
    asks = asks_of(model)
    expected = write(model, asks, WRITING)
    generate, seen = model.network.generate, []

    def small(input_ids, **more):
        seen.append(len(input_ids))
        if len(input_ids) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return generate(input_ids=input_ids, **more)

    monkeypatch.setattr(model.network, "generate", small)
    assert write(model, asks, WRITING) == expected
    assert seen == [3] + [1] * len(asks)
