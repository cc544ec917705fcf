"""What is compared: parts of a model that may learn, about as many numbers in each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

from torch import nn

from neuroglot.evaluation.ablation import BASE
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from neuroglot.study.digest import digest
from neuroglot.study.tuning.lora import lora, lora_count, lora_ranks
from neuroglot.study.tuning.neurons import own_weights, weight_count

Attach = Callable[[LanguageModel], AbstractContextManager[list[nn.Parameter]]]
"""Inside the context, the tensors that it yields are part of the model."""


@dataclass(frozen=True)
class Arm:
    """One part that may learn.

    Attributes:
        name: Unique in its tuning.
        kind: ``none``, ``selected``, ``matched`` or ``lora``.
        parameters: How many numbers learn.
        rests_on: A checksum of all that decides what learns.
        attach: Makes it part of the model, as it is before the first step.
    """

    name: str
    kind: str
    parameters: int
    rests_on: str
    attach: Attach


def arms(
    model: LanguageModel, selected: NeuronSet, matched: Sequence[NeuronSet], seed: int
) -> tuple[Arm, ...]:
    """Nothing, the selected neurons, as many matched random ones for each seed, and LoRA of their size."""
    ranks = lora_ranks(model, weight_count(model, selected))
    return (
        Arm(BASE, BASE, 0, "", _nothing),
        _neurons("selected", "selected", model, selected),
        *(_neurons(f"matched {seed}", "matched", model, each) for seed, each in enumerate(matched)),
        _lora(model, ranks, seed),
    )


def _neurons(name: str, kind: str, model: LanguageModel, neurons: NeuronSet) -> Arm:
    rests_on = digest("own weights", neurons.indices.tolist())
    return Arm(name, kind, weight_count(model, neurons), rests_on, partial(own_weights, neurons=neurons))


def _lora(model: LanguageModel, ranks: Mapping[str, int], seed: int) -> Arm:
    rests_on = digest("lora", ranks, seed, version("peft"))
    attach = partial(lora, ranks=ranks, seed=seed)
    return Arm("lora", "lora", lora_count(model, ranks), rests_on, attach)


@contextmanager
def _nothing(_model: LanguageModel) -> Iterator[list[nn.Parameter]]:
    yield []
