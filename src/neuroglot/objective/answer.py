"""s = P(correct choice | prompt) of multiple-choice items (METHODS §1; CULNIG 2025).

From plain text the items are continuation choices: which of four is the true second half of a sentence? Two
controls take away what the answer rests on: ``options`` shows the choices alone, ``copy`` shows the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from neuroglot.errors import unknown
from neuroglot.model.batch import Batch
from neuroglot.model.head import Head
from neuroglot.model.language_model import LanguageModel
from neuroglot.objective import OBJECTIVES, templates
from neuroglot.objective.next_token import sum_over_targets
from neuroglot.objective.objective import Hidden, Objective, Task, checked_length
from neuroglot.text.continuations import Continuation, continuations
from neuroglot.text.corpus import Corpus
from neuroglot.text.samples import Sample, Unit, encode, first_token

PROMPTS: dict[str, Callable[[Continuation], str]] = {
    "none": templates.question,
    "options": templates.options_alone,
    "copy": templates.copied,
}
"""Control → how an item is put."""


@dataclass(frozen=True)
class Answer(Objective):
    """The probability of the right letter.

    Attributes:
        control: ``none``, ``options`` (the choices alone) or ``copy`` (the answer is shown).
    """

    control: str = "none"
    name: ClassVar[str] = "answer"
    sums: ClassVar[bool] = False
    plain: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.control not in PROMPTS:
            raise unknown("control", self.control, PROMPTS, "objective 'answer'")

    def __call__(self, hidden: Hidden, batch: Batch, head: Head) -> tuple[Float[Tensor, " row"], Hidden]:
        """P and ∂P/∂hidden = P·∂log P/∂hidden."""
        log_prob, slope = sum_over_targets(hidden, batch, head.log_prob)
        return log_prob.exp(), slope * log_prob.exp()[:, None, None].to(slope.dtype)

    def check(self, corpus: Corpus) -> None:
        """Four sentences a language."""
        continuations(corpus)

    def task(self, model: LanguageModel, corpus: Corpus, unit: Unit) -> Task:
        """An item a sentence."""
        items = continuations(corpus)
        prompts = encode(model.tokenizer, [PROMPTS[self.control](item) for item in items])
        letters = encode(model.tokenizer, [templates.letter(item) for item in items])
        bos = first_token(model.tokenizer)
        samples = [
            checked_length(
                Sample(
                    item.language,
                    item.document,
                    item.sentence,
                    (bos, *prompt, *own),
                    characters=1,
                    bytes=1,
                    prompt=len(prompt),
                ),
                model,
            )
            for item, prompt, own in zip(items, prompts, letters, strict=True)
        ]
        return Task(tuple(samples), self)


OBJECTIVES.register(Answer.name)(Answer())
