"""Prompts and targets as texts and tokens; what cannot be used says why, and the others go on."""

import json

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from neuroglot.errors import NeuroglotError
from neuroglot.model.language_model import LanguageModel
from neuroglot.study.empirical.items import make_items, read_lines
from tiny import SPECIAL, tiny_network


def test_both_layouts(gemma):
    lines = [
        {"prompt": "Tokyo is in", "target": " Japan"},
        {"text": "Tokyo is in [Y].", "options": ["Peru", "Japan"], "label": 1},
        {"text": "東京は[Y]です", "options": ["日本"], "label": 0},
    ]
    plain, cloze, unspaced = make_items(gemma, lines)
    assert (plain.ids, plain.tokens) == (cloze.ids, cloze.tokens)
    assert gemma.tokenizer.decode(plain.ids[1:]) == "Tokyo is in"
    assert plain.ids[0] == gemma.tokenizer.bos_token_id
    assert gemma.tokenizer.decode(plain.tokens) == " Japan"
    assert len(plain.tokens) == 6  # a byte each
    assert (unspaced.prompt, unspaced.target) == ("東京は", "日本")


def test_one_bad_item_does_not_stop_the_others(gemma, tmp_path):
    path = tmp_path / "prompts.jsonl"
    good = json.dumps({"prompt": "a", "target": "b"})
    bad = [
        '{"prompt": ',
        "[1]",
        '{"prompt": "a"}',
        '{"prompt": " ", "target": "b"}',
        '{"prompt": "a", "target": ""}',
        '{"text": "no gap", "options": ["a"], "label": 0}',
        '{"text": "a [Y]", "options": ["a"], "label": 3}',
        json.dumps({"prompt": "a" * 200, "target": "b"}),
    ]
    path.write_text("\n".join([*bad, "", good]), encoding="utf-8")
    *found, last = make_items(gemma, read_lines(path))
    assert [item.problem for item in found] == [
        "not a JSON object: '{\"prompt\": '",
        "not a JSON object: '[1]'",
        "no text under 'target'; an item has 'prompt' and 'target'",
        "the prompt is empty",
        "the target is empty",
        "there is no [Y] in 'no gap'",
        "label 3 names none of the options",
        "201 positions are needed; the model has 128",
    ]
    assert not last.problem
    with pytest.raises(NeuroglotError, match="none of the 8 prompts can be used; item 0: not a JSON object"):
        make_items(gemma, read_lines(path)[:-1])
    with pytest.raises(NeuroglotError, match="there is no file"):
        read_lines(tmp_path / "other.jsonl")


def words_model():
    """A model whose tokenizer knows four words and joins none."""
    vocabulary = {token: place for place, token in enumerate([*SPECIAL.values(), "<unk>", "a", "b"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", **SPECIAL)
    return LanguageModel(tiny_network("llama"), fast, "words")


def test_a_target_that_the_tokenizer_joins_with_the_prompt():
    """As vocabularies with words of several Chinese signs do: the target is then read by itself."""
    vocabulary = {token: place for place, token in enumerate([*SPECIAL.values(), "a", "b", "ab"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("a", "b")]))
    tokenizer.decoder = decoders.Fuse()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL)
    model = LanguageModel(tiny_network("llama"), fast, "joins")
    assert fast("ab", add_special_tokens=False)["input_ids"] == [5]
    (item,) = make_items(model, [{"prompt": "ba", "target": "b"}])
    assert (item.ids, item.tokens, item.problem) == ((2, 4, 3), (4,), "")


def test_a_target_that_the_tokenizer_cannot_make():
    lines = [{"prompt": "a", "target": target} for target in (" b", " nonsense", "b")]
    good, unknown, joined = make_items(words_model(), lines)
    assert good.tokens == (5,)
    assert unknown.problem == "the tokenizer cannot make the target ' nonsense'"
    assert joined.problem.startswith("the tokenizer joins the end of the prompt and the target 'b' in one")
