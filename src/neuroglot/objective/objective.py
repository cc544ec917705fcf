"""What an objective is: what the model reads, and the scalar s of it whose gradient scores the neurons.

An objective is a frozen dataclass whose fields are its options. It turns a corpus into a *task* (the samples
to read, and itself, fitted if need be), and gives s and its gradient at the last hidden states of a batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor

from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.model.head import Head
from neuroglot.model.language_model import LanguageModel
from neuroglot.registry import check_options
from neuroglot.text.corpus import Corpus
from neuroglot.text.masked import in_copies
from neuroglot.text.samples import Sample, Unit, tokenize

Hidden = Float[Tensor, "row position hidden"]


@dataclass(frozen=True)
class Task:
    """What is read for an objective.

    Attributes:
        samples: The text.
        objective: s of each.
        about: What a reader of the results should know, as JSON can say it.
    """

    samples: tuple[Sample, ...]
    objective: "Objective"
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Objective:
    """A scalar a row. Rows do not interact.

    Attributes:
        name: What it is called.
        sums: s is a sum over the units of the text, so that scores are divided by their number.
        plain: It reads the corpus as it is, so that other scores of the text can ride along.
    """

    name: ClassVar[str]
    sums: ClassVar[bool] = True
    plain: ClassVar[bool] = True

    def __call__(self, hidden: Hidden, batch: Batch, head: Head) -> tuple[Float[Tensor, " row"], Hidden]:
        """The value of s for each row, and ∂s/∂hidden."""
        raise NotImplementedError

    def check(self, corpus: Corpus) -> None:
        """Refuses a corpus that lacks what the objective needs, before any model is loaded."""

    def task(self, model: LanguageModel, corpus: Corpus, unit: Unit) -> Task:
        """What to read."""
        return Task(samples_of(model, corpus, unit), self)

    def configured(self, options: Mapping[str, Any]) -> "Objective":
        """The objective with other options.

        Raises:
            NeuroglotError: One that it does not have, or a value that it cannot take.
        """
        check_options(self, options, f"objective {self.name!r}")
        return replace(self, **options)


def samples_of(model: LanguageModel, corpus: Corpus, unit: Unit = "sentence") -> tuple[Sample, ...]:
    """The corpus as the model reads it, cut to the positions that it has."""
    return tuple(as_read(sample, model) for sample in texts_of(model, corpus, unit))


def texts_of(model: LanguageModel, corpus: Corpus, unit: Unit) -> tuple[Sample, ...]:
    """The corpus as BOS and text, whatever the model, cut to the positions that it has."""
    special = 2 if model.encoder else 1
    most = model.max_tokens and model.max_tokens - special
    return tokenize(corpus, model.tokenizer, unit=unit, max_tokens=most)


def as_read(sample: Sample, model: LanguageModel) -> Sample:
    """BOS and text as the model reads it: a masked one with each scored token hidden in turn."""
    if model.encoder is None:
        return sample
    return in_copies(sample, model.encoder.marks, range(sample.prompt, sample.tokens))


def checked_length(sample: Sample, model: LanguageModel) -> Sample:
    """BOS and text as the model reads it, if it has positions for it: what is made of parts cannot be cut."""
    needed = len(sample.ids) + (model.encoder is not None)
    if model.max_tokens is not None and needed > model.max_tokens:
        raise NeuroglotError(
            f"{needed} positions are needed for {sample.language}, document {sample.document!r}, "
            f"sentence {sample.sentence + 1}; the model has {model.max_tokens}"
        )
    return as_read(sample, model)
