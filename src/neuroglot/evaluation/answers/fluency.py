"""How likely answers are to a model that nothing is done to."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from neuroglot.evaluation.ablation import BASE
from neuroglot.evaluation.likelihood import likelihood, untouched
from neuroglot.model.language_model import LanguageModel
from neuroglot.objective.objective import checked_length
from neuroglot.text.prompts import prompt_ids
from neuroglot.text.samples import Sample, encode


def log_probs(
    model: LanguageModel, prompts: Sequence[str], answers: Sequence[str]
) -> Float[np.ndarray, " answer"]:
    """Log p(answer | prompt) under the untouched model, in nats; NaN for an answer without a token.

    Args:
        model: The model.
        prompts: As they are rendered, one an answer.
        answers: Whoever wrote them, and however.

    Raises:
        NeuroglotError: The model has no positions for a prompt and its answer.
    """
    before = prompt_ids(model.tokenizer, list(prompts))
    after = encode(model.tokenizer, answers) if answers else []
    samples = [
        checked_length(
            Sample(
                "",
                repr(answer[:20]),
                number,
                (*prompt, *ids),
                characters=len(answer),
                bytes=len(answer.encode()),
                prompt=len(prompt) - 1,
            ),
            model,
        )
        for number, (prompt, ids, answer) in enumerate(zip(before, after, answers, strict=True))
        if ids
    ]
    found = np.full(len(answers), np.nan)
    if samples:
        data = likelihood(model, samples, {BASE: untouched(model)})
        found[data["sentence"].values] = data["log_prob"].values[0]
    return found
