"""s = log p(y_L | x)/n_L − log p(y_L0 | x)/n_L0: how much rather the model goes on in L (METHODS §1).

x is a sentence of the reference language L0 and a line break, y_L the same sentence in L: parallel text is
needed. Either term is a run of its own, and a neuron's score is that of the first minus that of the second.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.model.batch import Batch
from neuroglot.model.head import Head
from neuroglot.model.language_model import LanguageModel, check_causal
from neuroglot.objective import OBJECTIVES
from neuroglot.objective.next_token import sum_over_targets
from neuroglot.objective.objective import Hidden, Objective, Task, checked_length
from neuroglot.text.corpus import Corpus
from neuroglot.text.samples import Sample, Unit, encode, first_token


@dataclass(frozen=True)
class Contrastive(Objective):
    """The mean log-probability of a translation, against that of the original again.

    Attributes:
        reference: L0; empty: the corpus's first language.
    """

    reference: str = ""
    name: ClassVar[str] = "contrastive"
    sums: ClassVar[bool] = False
    plain: ClassVar[bool] = False

    def __call__(self, hidden: Hidden, batch: Batch, head: Head) -> tuple[Float[Tensor, " row"], Hidden]:
        """The mean over the scored tokens of one run."""
        total, slope = sum_over_targets(hidden, batch, head.log_prob)
        scored = [sample.tokens - sample.prompt for sample in batch.samples]
        n = torch.tensor(scored, device=total.device, dtype=total.dtype)
        return total / n, slope / n[:, None, None].to(slope.dtype)

    def check(self, corpus: Corpus) -> None:
        """Parallel text, with the reference in it."""
        if not corpus.parallel:
            raise NeuroglotError(
                f"objective 'contrastive' needs parallel text, and {corpus.name!r} is not parallel"
            )
        if self.reference and self.reference not in corpus.languages:
            raise unknown("language", self.reference, corpus.languages, "objective 'contrastive': reference")

    def task(self, model: LanguageModel, corpus: Corpus, unit: Unit) -> Task:
        """Each sentence after its original; what is subtracted is the original after itself."""
        check_causal(model, "objective 'contrastive'")
        self.check(corpus)
        own = self.reference or corpus.languages[0]
        places = [
            (document.id, index)
            for document in corpus.documents[own]
            for index in range(len(document.sentences))
        ]
        originals = _texts(corpus, own)
        prompts = encode(model.tokenizer, [text + "\n" for text in originals])
        again = encode(model.tokenizer, originals)
        bos = first_token(model.tokenizer)
        samples = []
        for language in corpus.languages:
            texts = _texts(corpus, language)
            for place, prompt, text, original, target in zip(
                places, prompts, texts, again, encode(model.tokenizer, texts), strict=True
            ):
                run = Sample(
                    language,
                    *place,
                    (bos, *prompt, *target),
                    characters=len(text),
                    bytes=len(text.encode()),
                    prompt=len(prompt),
                )
                other = replace(run, ids=(bos, *prompt, *original))
                samples.append(replace(checked_length(run, model), against=checked_length(other, model)))
        return Task(tuple(samples), self, {"reference": own})


def _texts(corpus: Corpus, language: str) -> list[str]:
    return [sentence for document in corpus.documents[language] for sentence in document.sentences]


OBJECTIVES.register(Contrastive.name)(Contrastive())
