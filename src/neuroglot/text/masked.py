"""What a masked language model (BERT kin) reads: a text in copies, one token hidden in each.

Such a model says nothing of the next token; it fills gaps. So the log-probability of a text is its
*pseudo-log-likelihood* (Salazar et al. 2020): each token is hidden in turn, all others seen,

    s = Σ_t log p(x_t | x without x_t).

A sample holds its copies side by side, each of them [begin, text, end], so that whatever reads rows of
positions (hooks, interventions, batches) reads them as it reads any row. The model keeps the copies apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from neuroglot.errors import NeuroglotError
from neuroglot.text.samples import Sample

NAMES = {"begin": "cls_token_id", "end": "sep_token_id", "gap": "mask_token_id"}


@dataclass(frozen=True)
class Marks:
    """The special tokens of a masked language model.

    Attributes:
        begin: Begins a text (CLS).
        end: Ends it (SEP).
        gap: Stands where a token is hidden (MASK).
    """

    begin: int
    end: int
    gap: int

    @classmethod
    def of(cls, tokenizer: Any) -> "Marks":
        """Those of a tokenizer.

        Raises:
            NeuroglotError: It lacks one.
        """
        found = {name: getattr(tokenizer, attribute) for name, attribute in NAMES.items()}
        lacking = [NAMES[name].removesuffix("_id") for name, token in found.items() if token is None]
        if lacking:
            raise NeuroglotError(
                f"the tokenizer of a masked language model needs a {lacking[0]}; it has none"
            )
        return cls(**found)


def in_copies(sample: Sample, marks: Marks, hidden: Sequence[int]) -> Sample:
    """A sample of BOS and text as a masked language model reads it.

    Args:
        sample: BOS and text.
        marks: The model's special tokens.
        hidden: Which tokens of the text are hidden, counted from 0 in rising order, a copy each. None: one
            copy, nothing hidden and nothing scored.
    """
    text = sample.ids[1:]
    length = len(text) + 2
    ids = [marks.begin, *text, marks.end] * max(1, len(hidden))
    gaps = [(copy * length + 1 + place, text[place]) for copy, place in enumerate(hidden)]
    for position, _ in gaps:
        ids[position] = marks.gap
    return replace(sample, ids=tuple(ids), gaps=tuple(gaps), prompt=len(text) - len(hidden))
