"""How far a neuron can move the output at all, whatever the text's next words: ‖∂o/∂a_{t,j}‖_F.

o is the last hidden state at every position of the row, or the logits there. With v of independent signs,
E (∂(v·o)/∂a)² = ‖∂o/∂a‖² (Hutchinson 1990): n backward passes on one forward pass give every neuron's

    √ mean_n (∂(v_n·o)/∂a)²,

whose relative error falls as about 1/√(2n). For logits z = scale·(W h + b), v's gradient at h is scale·vᵀW,
summed a part of the vocabulary at a time: no [position × vocabulary] tensor is made. Known weakness: it knows
no direction; a neuron that moves every logit alike scores high and changes nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from neuroglot.attribution.backward import hearing
from neuroglot.attribution.dice import dice
from neuroglot.attribution.scores import sweep
from neuroglot.attribution.sweeps import Activation, Hidden, Place, Swept, Value
from neuroglot.errors import NeuroglotError, unknown
from neuroglot.model.batch import Batch
from neuroglot.model.head import Head
from neuroglot.model.language_model import LanguageModel

Output = Literal["hidden", "logits"]

PART = 8192
"""Tokens of the vocabulary at a time; signs are drawn in these parts, so it is not a knob."""


@dataclass(frozen=True)
class Jacobian:
    """Options.

    Attributes:
        probes: Backward passes.
        of: The output: the last ``hidden`` state, or the ``logits``.
        seed: Another seed, other probes.
    """

    probes: int = 4
    of: Output = "hidden"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.probes < 1:
            raise NeuroglotError(f"jacobian needs at least 1 probe, not {self.probes}")
        if self.of not in get_args(Output):
            raise unknown("output", self.of, get_args(Output))


@sweep("jacobian", options=Jacobian, power=0, gradient=False)
def jacobian(
    model: LanguageModel,
    batch: Batch,
    value: Value,
    sites: Sequence[str],
    layers: Sequence[int],
    options: Jacobian,
) -> Swept:
    """The norm of the output's derivative by the activation, from random probes of ±1.

    Raises:
        NeuroglotError: Logits are asked for of a model that caps them (Gemma 2): they are not linear in the
            hidden state.
    """
    if options.of == "logits" and model.head.softcap is not None:
        raise NeuroglotError(
            f"jacobian of 'logits': {model.name} caps its logits (softcap {model.head.softcap:g}); "
            "take of: hidden"
        )
    squares = squared(model, batch, sites, layers, _probes(model, batch, options))
    return Swept(
        {site: {layer: (squares[site, layer] / options.probes).sqrt() for layer in layers} for site in sites}
    )


def squared(
    model: LanguageModel, batch: Batch, sites: Sequence[str], layers: Sequence[int], probes: Iterable[Hidden]
) -> dict[Place, Activation]:
    """Σ over probes of (∂(p·h)/∂a)², h the last hidden state and p a probe's gradient there.

    With the unit vectors of h as probes this is ‖∂h/∂a‖² itself.
    """
    total: dict[Place, Activation] = {}

    def add(place: Place, _a: Activation, g: Activation) -> None:
        total[place] = total[place].addcmul_(g, g) if place in total else g.square()

    with hearing(model, sites, layers, add):
        hidden = model.body(batch.ids)
        for probe in probes:
            hidden.backward(probe, retain_graph=True)
    return total


def _probes(model: LanguageModel, batch: Batch, options: Jacobian) -> Iterator[Hidden]:
    """Each row's from its own ids, nothing at its padding."""
    head = model.head
    shape = (*batch.ids.shape, model.hidden_size)
    for number in range(options.probes):
        probe = torch.zeros(shape, dtype=head.weight.dtype, device=batch.ids.device)
        for row, sample in enumerate(batch.samples):
            draw, length = dice(sample, options.seed, number), len(sample.ids)
            probe[row, :length] = (
                _signs((length, model.hidden_size), draw).to(probe)
                if options.of == "hidden"
                else _through(head, length, draw)
            )
        yield probe


def _through(head: Head, positions: int, draw: torch.Generator) -> Float[Tensor, "position hidden"]:
    """scale·vᵀW for signs v over the vocabulary at every position."""
    total = torch.zeros(positions, head.weight.shape[1], dtype=torch.float32, device=head.weight.device)
    for part in head.weight.split(PART):
        total += _signs((positions, len(part)), draw).to(part) @ part
    return total * head.scale


def _signs(shape: tuple[int, int], draw: torch.Generator) -> Tensor:
    return torch.randint(0, 2, shape, generator=draw, dtype=torch.int8).mul_(2).sub_(1)
