"""A loaded model as the harness asks for it: log-probabilities of continuations, without full logits.

The harness's own model makes the log-softmax of every position over the whole vocabulary. Here a batch's rows
are packed by length, the body reads them once, and the chunked head is asked for the continuations' positions
only. Requests that differ in the last token alone (the letters of a multiple choice) share a row, and the
head's one pass over the vocabulary: with z of the likeliest of them, c*,

    log p(c) = log p(c*) + z_c − z_c*

What the model is asked is what the harness asks, in its spelling and truncation; generation is the harness's
own. Hooks on the model act on all of it. This module imports the harness: see `check_harness`.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from lm_eval.models.huggingface import HFLM
from torch import Tensor

from neuroglot.model.batch import Batch, default_budget
from neuroglot.model.language_model import LanguageModel, check_causal
from neuroglot.model.memory import in_batches
from neuroglot.text.samples import Sample

TokenRequest = tuple[tuple[str, str] | None, list[int], list[int]]
"""What was asked in words, the context's tokens, the continuation's."""


class HarnessModel(HFLM):
    """A model that the harness can ask: pass it to ``lm_eval.evaluate`` or ``simple_evaluate``.

    >>> lm = HarnessModel(model)                                              # doctest: +SKIP
    >>> with intervene(model, Intervention(neurons)):                         # doctest: +SKIP
    ...     lm_eval.simple_evaluate(lm, tasks=["xnli_vi"])

    Attributes:
        reader: The model, whose hooks act while it is asked.
    """

    def __init__(self, model: LanguageModel, batch_size: int | str = 16) -> None:
        """Wraps a model.

        Args:
            model: As it is loaded.
            batch_size: Answers generated at the same time; what is read is packed by length instead.
        """
        check_causal(model, "the harness")
        super().__init__(
            pretrained=model.network,
            tokenizer=model.tokenizer,
            batch_size=batch_size,
        )
        self.reader = model

    def _loglikelihood_tokens(
        self, requests: Sequence[TokenRequest], disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[tuple[float, bool]]:
        """Σ log p of each continuation, in nats, and whether it is what greedy decoding would say."""
        rows = self._rows(requests)
        samples = [Sample("harness", "requests", number, ids, 0, 0) for number, ids in enumerate(rows)]
        asked = list(rows.values())
        found: list[tuple[float, bool]] = [(0.0, False)] * len(requests)

        def work(chosen: list[int]) -> None:
            batch = Batch.of([samples[row] for row in chosen], self.reader.device)
            hidden = self.reader.body(batch.ids)
            wanted = [
                (row, len(samples[number].ids), index)
                for row, number in enumerate(chosen)
                for index in asked[number]
            ]
            answers = self._read(hidden, wanted, [requests[index][2] for _, _, index in wanted])
            for (_, _, index), answer in zip(wanted, answers, strict=True):
                found[index] = answer

        with torch.inference_mode(), self.reader.products():
            in_batches(samples, default_budget(self.reader.device), work)
        for (words, _, _), answer in zip(requests, found, strict=True):
            if words is not None:  # a window of a rolling request has none of its own
                self.cache_hook.add_partial("loglikelihood", words, answer)
        return found

    def _rows(self, requests: Sequence[TokenRequest]) -> dict[tuple[int, ...], list[int]]:
        """What is read → the requests that it answers: all but the last token, cut where the harness cuts."""
        rows: dict[tuple[int, ...], list[int]] = {}
        for index, (_, context, continuation) in enumerate(requests):
            rows.setdefault(tuple((context + continuation)[-(self.max_length + 1) :][:-1]), []).append(index)
        return rows

    def _read(
        self,
        hidden: Float[Tensor, "row position hidden"],
        wanted: Sequence[tuple[int, int, int]],
        continuations: Sequence[list[int]],
    ) -> list[tuple[float, bool]]:
        """Each continuation's sum and greedy flag; ``wanted`` has its row and where the row ends."""
        places = [
            (row, end - len(tokens) + step)
            for (row, end, _), tokens in zip(wanted, continuations, strict=True)
            for step in range(len(tokens))
        ]
        once = list(dict.fromkeys(places))
        number = {place: index for index, place in enumerate(once)}
        at = torch.tensor([number[place] for place in places], device=hidden.device)
        tokens = torch.tensor([token for own in continuations for token in own], device=hidden.device)
        rows, positions = torch.tensor(once, device=hidden.device).T
        log_prob, correct = self._each(hidden[rows, positions], at, tokens)
        lengths = list(map(len, continuations))
        return [
            (float(own.double().sum()), bool(right.all()))
            for own, right in zip(log_prob.split(lengths), correct.split(lengths), strict=True)
        ]

    def _each(
        self,
        hidden: Float[Tensor, "place hidden"],
        at: Int[Tensor, " token"],
        tokens: Int[Tensor, " token"],
    ) -> tuple[Float[Tensor, " token"], Bool[Tensor, " token"]]:
        """The log p of tokens at places that they may share, and which of them are the likeliest of all."""
        logit, _ = self.reader.head.gold_logit(hidden[at], tokens)
        best = self._likeliest(logit, at, len(hidden))
        read = self.reader.head.read(hidden, tokens[best])
        log_prob = read.log_prob[at] + logit - logit[best][at]
        return log_prob, read.correct[at] & (tokens == tokens[best][at])

    @staticmethod
    def _likeliest(
        logit: Float[Tensor, " token"], at: Int[Tensor, " token"], places: int
    ) -> Int[Tensor, " place"]:
        """The token, by its index, with the highest logit at each place."""
        peak = logit.new_full((places,), -torch.inf).scatter_reduce(0, at, logit, "amax")
        first = torch.full((places,), len(at), device=at.device)
        own = torch.arange(len(at), device=at.device).masked_fill(logit < peak[at], len(at))
        return first.scatter_reduce(0, at, own, "amin").clamp_(max=len(at) - 1)
