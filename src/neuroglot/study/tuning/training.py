"""Learning to predict the next token, for any part of a model.

The loss is the mean over a step's tokens of −log p(x_t | x_<t). Its gradient at the last hidden states comes
from the head in blocks and in closed form; the body does the rest, down to what learns and no further.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, inf, isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch, default_budget
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.memory import in_batches
from neuroglot.objective.next_token import sum_over_targets
from neuroglot.study.tuning.arms import Arm
from neuroglot.text.samples import Sample

LOOKS = 10
"""How often the loss on validation is looked at on the way."""

Steps = Sequence[Sequence[int]]
"""The samples of each step."""

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Fitted:
    """An arm that has learned.

    Attributes:
        weights: What was learned, in the order in which the arm yields its tensors.
        rate: The step size that was kept.
        curve: A row a rate, part of the text and step: ``rate``, ``part`` (train, validation), ``step`` (so
            many were done before), ``loss`` in nats a token.
    """

    weights: list[Tensor]
    rate: float
    curve: list[dict[str, Any]]


def steps_of(samples: Sequence[Sample], steps: int, tokens: int, seed: int) -> list[list[int]]:
    """Which samples each step reads: all of them in random order, again and again.

    Args:
        samples: The text to learn from.
        steps: How many steps.
        tokens: Positions a step, at most; a longer sample has a step to itself.
        seed: Of the order.
    """
    dice = np.random.default_rng(seed)
    queue: list[int] = []
    plan: list[list[int]] = []
    while len(plan) < steps:
        step: list[int] = []
        while not step or sum(len(samples[one].ids) for one in [*step, queue[0]]) <= tokens:
            step += queue[:1]
            queue = queue[1:] or dice.permutation(len(samples)).tolist()
        plan.append(step)
    return plan


def fit(
    arm: Arm,
    model: LanguageModel,
    train: Sequence[Sample],
    validation: Sequence[Sample],
    steps: Steps,
    rates: Sequence[float],
    advance: Advance = lambda tokens: None,
) -> Fitted:
    """Tunes an arm at every step size, and keeps what leaves the least loss on validation.

    Args:
        arm: What may learn.
        model: Left as it was.
        train: The text to learn from.
        validation: The text to choose the step size on.
        steps: The samples of ``train`` that each step reads.
        rates: The step sizes.
        advance: Told the number of tokens read.

    Raises:
        NeuroglotError: The loss is not finite at any of the step sizes.
    """
    best, weights, kept, curve = inf, [], 0.0, []
    for rate in rates:
        with arm.attach(model) as parameters:
            rows = _descend(model, parameters, train, validation, steps, rate, advance)
            curve += [{"rate": rate, **row} for row in rows]
            if rows[-1]["loss"] < best:  # false for NaN
                best, kept = rows[-1]["loss"], rate
                weights = [weight.detach().clone() for weight in parameters]
    if not isfinite(best):
        raise NeuroglotError(
            f"tuning {arm.name!r}: the loss is not finite at any of the rates "
            f"{', '.join(f'{rate:g}' for rate in rates)}; try smaller ones, or dtype float32"
        )
    return Fitted(weights, kept, curve)


def tokens_to_fit(
    train: Sequence[Sample], validation: Sequence[Sample], steps: Steps, rates: Sequence[float]
) -> int:
    """What `fit` will tell ``advance`` altogether."""
    read = sum(train[one].tokens for step in steps for one in step)
    looks = len(_looks(len(steps))) * sum(sample.tokens for sample in validation)
    return len(rates) * (read + looks)


def loss_and_gradient(
    model: LanguageModel, parameters: Sequence[nn.Parameter], samples: Sequence[Sample]
) -> tuple[float, list[Tensor]]:
    """The mean of −log p over all tokens of the samples, and its gradient at the parameters."""
    total, sums = 0.0, [torch.zeros_like(weight) for weight in parameters]

    def work(chosen: list[int]) -> None:
        nonlocal total
        batch = Batch.of([samples[one] for one in chosen], model.device)
        with torch.enable_grad(), model.products():
            hidden = model.body(batch.ids)
            values, slope = sum_over_targets(hidden.detach(), batch, model.head.log_prob)
            # All or nothing: where memory runs out half-way, the batch is done again in halves.
            found = torch.autograd.grad(hidden, parameters, slope)
        total += float(values.double().sum())
        for one, gradient in zip(sums, found, strict=True):
            one.add_(gradient)

    in_batches(samples, default_budget(model.device), work)
    tokens = sum(sample.tokens for sample in samples)
    return -total / tokens, [one.div_(-tokens) for one in sums]


def mean_loss(model: LanguageModel, samples: Sequence[Sample]) -> float:
    """The mean of −log p over all tokens of the samples."""
    total = 0.0

    def work(chosen: list[int]) -> None:
        nonlocal total
        batch = Batch.of([samples[one] for one in chosen], model.device)
        row, position, token = batch.scored
        with torch.inference_mode(), model.products():
            hidden = model.body(batch.ids)[row, position]
            values, _ = model.head.log_prob(hidden, token)
        total += float(values.double().sum())

    in_batches(samples, default_budget(model.device), work)
    return -total / sum(sample.tokens for sample in samples)


def _descend(
    model: LanguageModel,
    parameters: Sequence[nn.Parameter],
    train: Sequence[Sample],
    validation: Sequence[Sample],
    steps: Steps,
    rate: float,
    advance: Advance,
) -> list[dict[str, Any]]:
    """Adam without decay, which would pull towards the untuned model. The last row is where it ended."""
    optimiser = torch.optim.Adam(parameters, lr=rate)
    rows: list[dict[str, Any]] = []
    looks = _looks(len(steps))
    left = tokens_to_fit(train, validation, steps, [rate])
    for step in range(len(steps) + 1):
        if step in looks:
            rows.append({"part": "validation", "step": step, "loss": mean_loss(model, validation)})
            left -= (read := sum(sample.tokens for sample in validation))
            advance(read)
        if step == len(steps):
            break
        chosen = [train[one] for one in steps[step]]
        loss, gradients = loss_and_gradient(model, parameters, chosen)
        rows.append({"part": "train", "step": step, "loss": loss})
        if not isfinite(loss):
            advance(left)
            break
        for weight, gradient in zip(parameters, gradients, strict=True):
            weight.grad = gradient
        optimiser.param_groups[0]["lr"] = rate * (1 - step / len(steps))
        optimiser.step()
        left -= (read := sum(sample.tokens for sample in chosen))
        advance(read)
    return rows


def _looks(steps: int) -> set[int]:
    """The steps before which the loss on validation is looked at, the end included."""
    return {*range(0, steps, ceil(steps / LOOKS)), steps}
