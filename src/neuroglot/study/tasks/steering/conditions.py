"""What is done to a model so that it answers in another language, from asking it to replacing neurons."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from neuroglot.intervention.kinds import Intervention
from neuroglot.neurons import NeuronSet
from neuroglot.study.tasks.settings import Steering

Sets = Mapping[str, NeuronSet]


@dataclass(frozen=True)
class Condition:
    """One way of steering, or none.

    Attributes:
        method: ``none``, ``own`` (nothing, asked in the target itself), ``prompt``, ``enhance``, ``add``,
            ``replace`` or ``diffmean``.
        control: ``matched`` where random neurons stand in for the found ones, else empty.
        strength: The method's number; 0 where it has none.
        acts: What is on while it answers.
    """

    method: str
    control: str = ""
    strength: float = 0.0
    acts: tuple[Intervention, ...] = ()


NONE, OWN, PROMPT = Condition("none"), Condition("own"), Condition("prompt")


@dataclass(frozen=True)
class Means:
    """What neurons are set to, or moved by.

    Attributes:
        neurons: Mean activations at the sets' site, [language, layer, neuron].
        stream: The same of the residual stream after each layer.
    """

    neurons: xr.DataArray
    stream: xr.DataArray


def with_neurons(
    settings: Steering, source: str, target: str, sets: Sets, means: Means, control: str
) -> Iterator[Condition]:
    """Every method that acts on neuron sets, at every strength.

    Args:
        settings: Which methods and strengths.
        source: The language of the question.
        target: The language to answer in.
        sets: Language → found set, or its control.
        means: What stands for each language's activations.
        control: What ``sets`` are: empty, or ``matched``.
    """
    own, activations = sets[target], means.neurons
    for strength in dict.fromkeys(settings.enhance):
        yield Condition("enhance", control, strength, (Intervention(own, f"scale({strength})"),))
    for strength in dict.fromkeys(settings.add):
        yield Condition("add", control, strength, (Intervention(own, f"add({strength})", activations),))
    if settings.replace:
        # The second acts inside the first: a neuron of both sets ends at the target's mean.
        acts = (Intervention(sets[source]), Intervention(own, "own_mean", activations))
        yield Condition("replace", control, 1.0, acts)


def diffmean(settings: Steering, target: str, layer: int, means: Means) -> Iterator[Condition]:
    """The residual stream after a layer moved towards the target, at every strength."""
    mask = np.zeros(means.stream.shape[1:], dtype=bool)
    mask[layer] = True
    whole = NeuronSet("resid", mask, target)
    for strength in dict.fromkeys(settings.diffmean):
        act = Intervention(whole, f"toward({strength})", means.stream)
        yield Condition("diffmean", "", strength, (act,))
