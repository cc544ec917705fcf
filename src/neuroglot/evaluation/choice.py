"""Continuation choice: which of four is the true second half of a sentence (METHODS §7)?

    score(c) = log p(c | beginning) / bytes(c)          the choice with the highest score is the answer

Each choice of each item is a sample whose beginning is a prompt, so that `likelihood` measures it under any
masks, and `neuroglot.study.ablating` in pieces. Chance is a quarter in every language.

Beginning and choice are one text to the tokenizer, which may join letters over the cut. What is scored begins
at the same token for all four: the first that is not wholly of the beginning in any of them. So all four are
conditioned on the same context, and every text is spelled as the model knows it.
"""

from collections.abc import Sequence
from itertools import takewhile

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from neuroglot.errors import NeuroglotError
from neuroglot.model.language_model import LanguageModel
from neuroglot.objective.objective import checked_length
from neuroglot.text.continuations import CHOICES, Continuation, continuations
from neuroglot.text.corpus import Corpus
from neuroglot.text.samples import Sample, encode, first_token

CHANCE = 1 / CHOICES


def choice_samples(
    model: LanguageModel, corpus: Corpus, seed: int = 0
) -> tuple[tuple[Continuation, ...], tuple[Sample, ...]]:
    """The items of a corpus, and four samples an item, in the order of its choices.

    Args:
        model: Its tokenizer reads them.
        corpus: The text: an item a sentence.
        seed: Of the draw of wrong choices.

    Raises:
        NeuroglotError: Too few sentences to choose from, or one longer than the model reads.
    """
    items, bos = continuations(corpus, seed), first_token(model.tokenizer)
    beginnings = encode(model.tokenizer, [item.beginning for item in items])
    texts = [item.beginning + item.joint + choice for item in items for choice in item.choices]
    whole = encode(model.tokenizer, texts)
    samples = []
    for number, item in enumerate(items):
        own = whole[CHOICES * number : CHOICES * (number + 1)]
        side_by_side = zip(beginnings[number], *own, strict=False)
        prompt = sum(1 for _ in takewhile(lambda tokens: len(set(tokens)) == 1, side_by_side))
        for ids, choice in zip(own, item.choices, strict=True):
            sample = Sample(
                item.language,
                item.document,
                item.sentence,
                (bos, *ids),
                characters=len(choice),
                bytes=len(choice.encode()),
                prompt=prompt,
            )
            samples.append(checked_length(sample, model))
    return items, tuple(samples)


def chosen(data: xr.Dataset, items: Sequence[Continuation]) -> xr.Dataset:
    """What was chosen under every mask.

    Args:
        data: `likelihood` of the samples of `choice_samples`.
        items: Their items.

    Returns:
        ``correct`` [mask, item], 1 where the true choice scores above the others (one that shares the first
        place does not), and ``correct_summed``, the same without dividing by the bytes; ``log_prob`` of the
        true choice, NaN where any of the four has no finite one. Labelled with language, document, sentence
        and ``trials`` (1), for `accuracies`.

    Raises:
        NeuroglotError: The data is not of these items.
    """
    labels = [(item.language, item.document, item.sentence) for item in items for _ in range(CHOICES)]
    measured = zip(
        *(data[name].values.tolist() for name in ("language", "document", "sentence")), strict=True
    )
    if labels != list(measured):
        raise NeuroglotError(
            f"continuation choice: the {data.sizes['sample']} samples measured are not the choices "
            f"of these {len(items)} items"
        )
    shape = (len(items), CHOICES)
    total = data["log_prob"].values.reshape(-1, *shape)
    answers = np.array([item.answer for item in items])
    true = np.take_along_axis(total, answers[None, :, None], axis=2)[..., 0]
    per_byte = total / data["bytes"].values.reshape(shape)
    return xr.Dataset(
        {
            "correct": (("mask", "item"), _right(per_byte, answers)),
            "correct_summed": (("mask", "item"), _right(total, answers)),
            "log_prob": (("mask", "item"), np.where(np.isfinite(total).all(axis=2), true, np.nan)),
            "moved": data["moved"].variable,
            "inert": data["inert"].variable,
        },
        coords={
            "mask": data["mask"].values,
            **{name: ("item", data[name].values[::CHOICES]) for name in ("language", "document", "sentence")},
            "trials": ("item", np.ones(len(items), dtype=np.int64)),
        },
    )


def _right(
    score: Float[np.ndarray, "mask item choice"], answers: Int[np.ndarray, " item"]
) -> Int[np.ndarray, "mask item"]:
    """1 where the true choice scores above the others, 0 elsewhere; NaN is above nothing."""
    own = score[:, np.arange(len(answers)), answers]
    others = score.copy()
    others[:, np.arange(len(answers)), answers] = -np.inf
    right: Int[np.ndarray, "mask item"] = (own > others.max(axis=2)).astype(np.int64)
    return right
