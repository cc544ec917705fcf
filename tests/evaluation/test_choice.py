"""Continuation choice, from text to accuracy, each step against a transcription."""

import numpy as np
import pytest
import torch
import xarray as xr

from columns import columns_zeroed, log_probs
from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.choice import choice_samples, chosen
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.batch import Batch
from neuroglot.neurons import NeuronSet
from neuroglot.text.continuations import Continuation
from neuroglot.text.corpus import Corpus, Document

TEXTS = {
    "en": [
        ("rain on the roof", "bread and salt"),
        ("a lamp in the hall", "cold river stones", "we went home"),
    ],
    "zh": [("屋顶上的雨声", "面包和盐"), ("大厅里的一盏灯", "冰冷的河石", "我们回家了")],
}
CORPUS = Corpus(
    "c",
    {name: [Document(f"d{n}", own) for n, own in enumerate(of)] for name, of in TEXTS.items()},
    parallel=True,
)


def test_each_choice_is_a_sample_that_begins_with_the_beginning(gemma):
    items, samples = choice_samples(gemma, CORPUS)
    assert len(samples) == 4 * len(items) == 40
    for number, sample in enumerate(samples):
        item, choice = items[number // 4], items[number // 4].choices[number % 4]
        text = f"{item.beginning} {choice}" if item.language == "en" else item.beginning + choice
        assert gemma.tokenizer.decode(sample.ids[1:]) == text
        assert gemma.tokenizer.decode(sample.ids[1 : 1 + sample.prompt]) == item.beginning
        assert (sample.language, sample.document, sample.sentence) == (
            item.language,
            item.document,
            item.sentence,
        )
        assert (sample.characters, sample.bytes) == (len(choice), len(choice.encode()))
    assert choice_samples(gemma, CORPUS, seed=1)[0] != items


class Pairs:
    """A tokenizer that joins two letters to a token, from the front, wherever it can."""

    bos_token_id, eos_token_id, cls_token_id = 2, None, None

    def __call__(self, texts, **_options):
        pairs = [[text[at : at + 2] for at in range(0, len(text), 2)] for text in texts]
        return {"input_ids": [[1000 * ord(pair[0]) + ord(pair[1:] or "\0") for pair in own] for own in pairs]}


def test_where_tokens_cross_the_cut_all_four_are_scored_from_the_same_token(gemma, monkeypatch):
    """'rain on' is three tokens and a half: the half, joined to each ending, is scored in all four."""
    monkeypatch.setattr(gemma, "tokenizer", Pairs())
    corpus = Corpus("c", {"en": CORPUS.documents["en"]}, parallel=False)
    items, samples = choice_samples(gemma, corpus)
    assert items[0].beginning == "rain on"
    assert [sample.prompt for sample in samples[:4]] == 4 * [3]
    assert len({sample.ids[:4] for sample in samples[:4]}) == 1
    assert items[1].beginning == "bread"  # two tokens, and a letter that the space follows in all four
    assert [sample.prompt for sample in samples[4:8]] == 4 * [2]


def test_what_is_chosen_equals_a_transcription(gemma):
    items, samples = choice_samples(gemma, CORPUS)
    off = np.random.default_rng(0).random((gemma.layers, gemma.site("mlp").width)) < 0.5
    masks = {"none": np.zeros_like(off), "off": off}
    acts = {name: Intervention(NeuronSet("mlp", mask)) for name, mask in masks.items()}
    found = chosen(likelihood(gemma, samples, acts, token_budget=300), items)
    right = {"correct": [], "correct_summed": [], "log_prob": []}
    for mask in masks.values():
        with columns_zeroed(gemma, mask):
            for item in items:
                score = []
                for choice in item.choices:
                    start = len(item.beginning.encode())  # a token a byte
                    joint = " " if item.language == "en" else ""
                    ids = gemma.tokenizer(item.beginning + joint + choice, add_special_tokens=False)[
                        "input_ids"
                    ]
                    whole = torch.tensor([[2, *ids]])
                    own = log_probs(gemma, whole)[0, :-1].gather(1, whole[0, 1:, None])
                    score.append(own[start:].sum().item())
                per_byte = [s / len(c.encode()) for s, c in zip(score, item.choices, strict=True)]
                right["correct"].append(int(np.argmax(per_byte) == item.answer))
                right["correct_summed"].append(int(np.argmax(score) == item.answer))
                right["log_prob"].append(score[item.answer])
    for name, values in right.items():
        np.testing.assert_allclose(found[name].values.ravel(), values, atol=1e-4)
    assert right["correct"] != right["correct_summed"], "or the test would not tell the two apart"
    assert found["language"].values.tolist() == 5 * ["en"] + 5 * ["zh"]
    assert found["trials"].values.tolist() == 10 * [1]


def measured(items, log_prob, lengths):
    """Data as `likelihood` gives it."""
    text = np.dtypes.StringDType()
    where = [(item.language, item.document, item.sentence) for item in items for _ in range(4)]
    language, document, sentence = zip(*where, strict=True)
    masks = len(log_prob)
    return xr.Dataset(
        {
            "log_prob": (("mask", "sample"), np.array(log_prob, dtype=float)),
            "moved": ("mask", np.zeros(masks)),
            "inert": ("mask", np.array([""] * masks, dtype=text)),
        },
        coords={
            "mask": np.array([f"m{n}" for n in range(masks)], dtype=text),
            "language": ("sample", np.array(language, dtype=text)),
            "document": ("sample", np.array(document, dtype=text)),
            "sentence": ("sample", np.array(sentence)),
            "bytes": ("sample", np.array(lengths)),
        },
    )


def test_lengths_ties_and_what_is_not_finite_by_hand():
    items = [
        Continuation("en", "d", n, "a", ("b", "c", "d", "e"), answer, " ") for n, answer in enumerate((0, 2))
    ]
    # Per byte: -1, -2, -3, -4 for the first; the second's true one is -2 beside a -1.
    lengths = [8, 2, 1, 1, 1, 1, 1, 1]
    plain = [-8, -4, -3, -4, -3, -1, -2, -3]
    tied = [-8, -2, -3, -4, -3, -4, -2, -3]  # the first's -8/8 = -2/2: shared first places count for nobody
    broken = [-8, -4, np.nan, -4, -3, -4, -2, -3]
    found = chosen(measured(items, [plain, tied, broken], lengths), items)
    assert found["correct"].values.tolist()[:2] == [[1, 0], [0, 1]]
    assert found["correct_summed"].values.tolist()[:2] == [[0, 0], [0, 1]]
    np.testing.assert_array_equal(found["log_prob"].values, [[-8, -2], [-8, -2], [np.nan, -2]])


def test_refuses_data_of_other_items(gemma):
    items, _ = choice_samples(gemma, CORPUS)
    data = measured(items[1:], [[-1.0] * 36], [1] * 36)
    with pytest.raises(NeuroglotError, match="the 36 samples measured are not the choices of these 10 items"):
        chosen(data, items)
    with pytest.raises(NeuroglotError, match="are not the choices of these 9 items"):
        chosen(data.isel(sample=slice(None, None, -1)), items[1:])


def test_a_sentence_longer_than_the_model_reads(gemma):
    many = [f"word{n} " * 30 for n in range(4)]
    corpus = Corpus("c", {"en": [Document("d", tuple(many))]}, parallel=False)
    with pytest.raises(NeuroglotError, match="positions are needed for en, document 'd', sentence 1"):
        choice_samples(gemma, corpus)


def test_prompts_are_not_scored(gemma):
    items, samples = choice_samples(gemma, CORPUS)
    scored = Batch.of(samples[:4]).predicting.sum(dim=1).tolist()
    assert scored == [1 + len(choice.encode()) for choice in items[0].choices], "the space and the choice"
