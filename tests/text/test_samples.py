import logging

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from neuroglot.errors import NeuroglotError
from neuroglot.text import Corpus, Document, Sample, tokenize

BOS, EOS = 0, 1


def byte_level(**special):
    """A byte-level BPE that learnt nothing but "hello" and wants to add BOS and EOS."""
    backend = Tokenizer(models.BPE())
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.train_from_iterator(
        ["hello"] * 9,
        trainers.BpeTrainer(
            special_tokens=["<bos>", "<eos>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    backend.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", BOS), ("<eos>", EOS)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)


@pytest.fixture
def tokenizer():
    return byte_level(bos_token="<bos>", eos_token="<eos>")


def corpus(*documents, language="en"):
    return Corpus(
        "toy",
        {language: [Document(f"d{number}", sentences) for number, sentences in enumerate(documents)]},
        parallel=False,
    )


def test_bos_then_the_text_and_nothing_else(tokenizer):
    hello, letter_o = tokenizer.convert_tokens_to_ids(["hello", "o"])
    (sample,) = tokenize(corpus(("hellooo",)), tokenizer)
    assert sample == Sample("en", "d0", 0, (BOS, hello, letter_o, letter_o), characters=7, bytes=7)
    assert sample.tokens == 3


def test_lengths_are_of_characters_and_utf8_bytes(tokenizer):
    (sample,) = tokenize(corpus(("mèo 猫 🐈",), language="vi"), tokenizer)
    assert (sample.characters, sample.bytes, sample.tokens) == (7, 13, 13)


def test_a_special_token_spelt_in_the_text_is_text(tokenizer):
    # The oracle: without care the tokenizer reads one token there.
    assert EOS in tokenizer("say <eos> twice", add_special_tokens=False)["input_ids"]
    (sample,) = tokenize(corpus(("say <eos> twice",)), tokenizer)
    assert EOS not in sample.ids
    assert sample.ids.count(BOS) == 1
    assert tokenizer.decode(sample.ids[1:]) == "say <eos> twice"


def test_order_and_place(tokenizer):
    text = Corpus(
        "toy",
        {"vi": [Document("a", ("một", "hai")), Document("b", ("ba",))], "en": [Document("c", ("one",))]},
        parallel=False,
    )
    assert [(s.language, s.document, s.sentence) for s in tokenize(text, tokenizer)] == [
        ("vi", "a", 0),
        ("vi", "a", 1),
        ("vi", "b", 0),
        ("en", "c", 0),
    ]


def test_documents(tokenizer):
    (sample,) = tokenize(corpus(("One.", "Two.")), tokenizer, unit="document")
    assert (sample.document, sample.sentence, sample.characters) == ("d0", -1, 9)
    assert tokenizer.decode(sample.ids[1:]) == "One.\nTwo."


@pytest.mark.parametrize(
    ("special", "first"),
    [
        ({"bos_token": "<bos>", "eos_token": "<eos>"}, BOS),
        ({"eos_token": "<eos>"}, EOS),
        ({"cls_token": "<bos>"}, BOS),
    ],
)
def test_what_a_sample_begins_with(special, first):
    (sample,) = tokenize(corpus(("some text",)), byte_level(**special))
    assert sample.ids[0] == first


def test_nothing_to_begin_with():
    with pytest.raises(NeuroglotError, match="no BOS, EOS or CLS token"):
        tokenize(corpus(("some text",)), byte_level())


def test_truncation_counts_only_what_is_kept(tokenizer, caplog):
    with caplog.at_level(logging.WARNING):
        long, short = tokenize(corpus(("abcdef", "xyz")), tokenizer, max_tokens=4)
    assert tokenizer.decode(long.ids[1:]) == "abcd"
    assert (long.tokens, long.characters, long.bytes) == (4, 4, 4)
    assert (short.tokens, short.characters) == (3, 3)
    assert caplog.messages == ["cut 1 of 2 samples to 4 tokens"]


@pytest.mark.parametrize(("limit", "kept"), [(7, "猫猫"), (6, "猫猫"), (5, "猫"), (3, "猫")])
def test_truncation_never_splits_a_character(tokenizer, limit, kept):
    (sample,) = tokenize(corpus(("猫猫猫",), language="zh"), tokenizer, max_tokens=limit)
    assert tokenizer.decode(sample.ids[1:]) == kept
    assert (sample.tokens, sample.characters, sample.bytes) == (3 * len(kept), len(kept), 3 * len(kept))


def test_no_warning_when_nothing_is_cut(tokenizer, caplog):
    with caplog.at_level(logging.WARNING):
        tokenize(corpus(("abc",)), tokenizer, max_tokens=3)
    assert not caplog.messages


@pytest.mark.parametrize(
    ("unit", "place"), [("sentence", "en, document 'd1', sentence 2"), ("document", "en, document 'd2'")]
)
def test_a_single_token_has_nothing_to_predict_from(tokenizer, unit, place):
    with pytest.raises(NeuroglotError) as error:
        tokenize(corpus(("fine",), ("fine", "hello"), ("hello",)), tokenizer, unit=unit)
    assert str(error.value) == f"{place}: too short, a sample needs at least 2 tokens: 'hello'"


def test_mistakes(tokenizer):
    with pytest.raises(NeuroglotError, match="unknown unit 'sentences'; did you mean 'sentence'"):
        tokenize(corpus(("some text",)), tokenizer, unit="sentences")
    with pytest.raises(NeuroglotError, match="max_tokens is 1"):
        tokenize(corpus(("some text",)), tokenizer, max_tokens=1)


def test_more_text_than_a_model_takes_is_no_surprise(tokenizer, capfd):
    tokenizer.model_max_length = 2
    tokenize(corpus(("some text",)), tokenizer)
    assert capfd.readouterr().err == ""
