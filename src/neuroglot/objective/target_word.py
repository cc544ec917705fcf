"""s of the last word of a text after all before it: ``target`` from plain text (METHODS §1).

The target is the first token of the last word (in scripts without spaces, the last token). ``joint`` takes
all its tokens. Knowledge Neurons (Dai et al. 2022) take the probability, NEG (Zhao et al. 2024) too.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, get_args

from jaxtyping import Float
from torch import Tensor

from neuroglot.errors import unknown
from neuroglot.model.batch import Batch
from neuroglot.model.head import Head
from neuroglot.model.language_model import LanguageModel
from neuroglot.objective import OBJECTIVES
from neuroglot.objective.next_token import sum_over_targets
from neuroglot.objective.objective import Hidden, Objective, Task, texts_of
from neuroglot.objective.target import Measure
from neuroglot.text.corpus import Corpus
from neuroglot.text.masked import in_copies
from neuroglot.text.samples import Sample, Unit, encode


@dataclass(frozen=True)
class TargetWord(Objective):
    """Logit, log-probability or probability of the last word's first token.

    Attributes:
        measure: ``logit``, ``log_prob`` or ``probability``; of several tokens the sum, or the product.
        joint: All tokens of the word.
    """

    measure: Measure = "log_prob"
    joint: bool = False
    name: ClassVar[str] = "target"
    sums: ClassVar[bool] = False
    plain: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.measure not in get_args(Measure):
            raise unknown("measure", self.measure, get_args(Measure), "objective 'target'")

    def __call__(self, hidden: Hidden, batch: Batch, head: Head) -> tuple[Float[Tensor, " row"], Hidden]:
        """Value and gradient; ∂p/∂h = p·∂log p/∂h."""
        if self.measure == "logit":
            return sum_over_targets(hidden, batch, head.gold_logit)
        log_prob, slope = sum_over_targets(hidden, batch, head.log_prob)
        if self.measure == "log_prob":
            return log_prob, slope
        return log_prob.exp(), slope * log_prob.exp()[:, None, None].to(slope.dtype)

    def task(self, model: LanguageModel, corpus: Corpus, unit: Unit) -> Task:
        """Every text up to its target."""
        texts = {
            (language, document.id, index): sentence
            for language in corpus.languages
            for document in corpus.documents[language]
            for index, sentence in enumerate(document.sentences)
        }
        whole = [sample for sample in texts_of(model, corpus, unit) if sample.tokens > 1]
        if unit == "document":
            texts = {
                (language, document.id, -1): "\n".join(document.sentences)
                for language in corpus.languages
                for document in corpus.documents[language]
            }
        before = [
            _before_last_word(texts[sample.language, sample.document, sample.sentence]) for sample in whole
        ]
        prompts = encode(model.tokenizer, before)
        cut = [
            self._cut(sample, prompt if text else None, model)
            for sample, prompt, text in zip(whole, prompts, before, strict=True)
        ]
        return Task(tuple(cut), self)

    def _cut(self, sample: Sample, prompt: list[int] | None, model: LanguageModel) -> Sample:
        """Up to the target; the prompt is what text and text without its last word begin with alike.

        A masked model reads all of the text, the target hidden.
        """
        own = sample.ids[1:]
        shared = len(own) - 1
        if prompt is not None:
            shared = next(
                (place for place, (a, b) in enumerate(zip(own, prompt, strict=False)) if a != b),
                min(len(own), len(prompt)),
            )
        shared = min(max(shared, 1), len(own) - 1)
        end = len(own) if self.joint else shared + 1
        if model.encoder:
            return in_copies(sample, model.encoder.marks, range(shared, end))
        return replace(sample, ids=sample.ids[: 1 + end], prompt=shared)


def _before_last_word(text: str) -> str:
    """The text without its last word; empty in scripts without spaces."""
    return text.rstrip().rpartition(" ")[0]


OBJECTIVES.register(TargetWord.name)(TargetWord())
