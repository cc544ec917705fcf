"""A model with a known answer: which neurons serve which language is not measured but built in.

A Llama of three layers of 96 neurons that reads four small languages (`grammar`). Its neurons are planned
(`circuit`) and its weights written, not trained (`network`), so that every recipe can be held against the
truth (`answer`):

========  ====================================================================================================
specific  word order and the voice of one language: they fire often, and only that language needs them
rare      idioms of one language: they fire at one word and decide what follows it
shared    topics: every language needs them
decoy     fire louder than all others, at every word of one language and of no other, and change nothing
filler    small random weights
========  ====================================================================================================

>>> from neuroglot.study.known_answer import known_answer, precision_recall        # doctest: +SKIP
>>> from neuroglot.study.steps import score, select                                # doctest: +SKIP
>>> answer = known_answer()                                                        # doctest: +SKIP
>>> bank = score(answer.model, answer.corpus, ["activation"])                      # doctest: +SKIP
>>> precision_recall(select(bank, "activation", answer.budget), answer)            # doctest: +SKIP
"""

import numpy as np
import torch

from neuroglot.model.language_model import LanguageModel
from neuroglot.study.known_answer.answer import KnownAnswer, Truth, precision_recall
from neuroglot.study.known_answer.grammar import Grammar
from neuroglot.study.known_answer.network import build

__all__ = ["KnownAnswer", "Truth", "known_answer", "precision_recall"]


def known_answer(seed: int = 0) -> KnownAnswer:
    """Builds the model and its text; takes well under a second.

    Args:
        seed: Of the languages' order and idioms, the text, where the neurons are, and all that is random.
    """
    dice = np.random.default_rng(seed)
    grammar = Grammar.drawn(dice)
    with torch.random.fork_rng(devices=[]):  # transformers draws weights before ours replace them
        network, tokenizer, truth, kinds = build(grammar, dice)
    model = LanguageModel(network, tokenizer, "known answer")
    return KnownAnswer(truth, kinds, model, grammar.corpus(seed))
