"""Interventions on a live model: any number of them, a different one for each row of a batch.

`intervene` puts hooks on the layers that any set touches and takes them off again. `prove` shows that they
did what they say: every hook fired, the tensor read back is the patch at the set and the original elsewhere,
and after leaving the outputs are bitwise what they were. At least three published projects measured masks
that silently did nothing.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neuroglot.errors import NeuroglotError
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet

logger = logging.getLogger(__name__)

PROBE_TOKENS = 8
"""Length of the text on which an intervention is proven."""


@dataclass
class Applied:
    """Interventions while they are on a model.

    Attributes:
        count: How many there are.
        rows: Which of them acts on each row of the coming batch; the only one, until `assign` says otherwise.
        fired: The (site, layer) hooks that have acted.
    """

    count: int
    rows: Int[Tensor, " row"] | None = None
    fired: set[tuple[str, int]] = field(default_factory=set)

    def assign(self, rows: Sequence[int]) -> None:
        """Row i of the coming batches gets intervention ``rows[i]``.

        Raises:
            NeuroglotError: There is no such intervention.
        """
        wrong = [number for number in rows if not 0 <= number < self.count]
        if wrong:
            raise NeuroglotError(f"there is no intervention {wrong[0]}: {self.count} are on, counted from 0")
        self.rows = torch.tensor(list(rows))

    def _of_rows(self, table: Tensor, batch: int) -> Tensor:
        if self.rows is None:
            if self.count != 1:
                raise NeuroglotError("several interventions are on: assign one to each row first")
            return table.expand(batch, *table.shape[1:])
        if len(self.rows) != batch:
            raise NeuroglotError(
                f"{len(self.rows)} rows were assigned an intervention, but the batch has {batch}"
            )
        return table[self.rows.to(table.device)]


@dataclass(frozen=True)
class _LayerPatch:
    """What happens to one layer under each intervention: a ← gain·a + shift; 1 and 0 where nothing does."""

    gain: Float[Tensor, "intervention neuron"]
    shift: Float[Tensor, "intervention neuron"] | None

    def __call__(self, applied: Applied, activation: Float[Tensor, "row token neuron"]) -> Tensor:
        rows = len(activation)
        value = activation * applied._of_rows(self.gain, rows)[:, None].to(activation.dtype)
        if self.shift is not None:
            value += applied._of_rows(self.shift, rows)[:, None].to(activation.dtype)
        return value


def check_fits(model: LanguageModel, neurons: NeuronSet) -> None:
    """Refuses a set that was made for another site, shape or architecture.

    Raises:
        NeuroglotError: Saying what differs.
    """
    site = model.site(neurons.site)
    if neurons.shape != (model.layers, site.width):
        raise NeuroglotError(
            f"the set has {neurons.shape[0]} × {neurons.shape[1]} neurons at {neurons.site!r}, "
            f"but {model.name} has {model.layers} × {site.width}: it was made for another model or site"
        )
    made_for = neurons.provenance.get("model")
    if not isinstance(made_for, Mapping):
        return  # a set made by hand
    if made_for.get("type", model.model_type) != model.model_type:
        raise NeuroglotError(
            f"the set was made for a {made_for['type']} model, but {model.name} is {model.model_type}"
        )
    if "fingerprint" in made_for and made_for["fingerprint"] != model.fingerprint:
        _warn_of_transfer(made_for.get("name"), model.name)


@lru_cache
def _warn_of_transfer(found_on: str | None, applied_to: str) -> None:
    """Once a pair of models: a study asks again for every mask."""
    logger.warning(
        "sets found on the weights of %s act on those of %s: this is transfer", found_on, applied_to
    )


@contextmanager
def intervene(
    model: LanguageModel, interventions: Intervention | Sequence[Intervention]
) -> Iterator[Applied]:
    """Puts interventions on a model, at all positions, for every forward pass inside the context.

    >>> with intervene(model, Intervention(neurons)):            # doctest: +SKIP
    ...     hidden = model.body(ids)

    Contexts nest: the inner one sees what the outer one has already replaced.

    Args:
        model: Any loaded model; calls of ``model.network`` are intervened on too.
        interventions: One for all rows, or several with `Applied.assign`.

    Raises:
        NeuroglotError: A set does not fit the model; on leaving, a hook that a forward pass did not reach.
    """
    several = [interventions] if isinstance(interventions, Intervention) else list(interventions)
    for intervention in several:
        check_fits(model, intervention.neurons)
    applied = Applied(len(several))
    forwards = 0

    def count_forward(_module: object, _args: object) -> None:
        nonlocal forwards
        forwards += 1

    expected = set()
    with ExitStack() as stack:
        stack.callback(model.network.base_model.register_forward_pre_hook(count_forward).remove)
        for site, patches in _compiled(model, several).items():
            expected |= {(site, layer) for layer in patches}
            visitors = {
                layer: partial(_visit, applied, site, layer, patch) for layer, patch in patches.items()
            }
            stack.enter_context(model.site(site).visit(visitors))
        yield applied
    if forwards and applied.fired != expected:
        raise NeuroglotError(
            f"the hooks at {sorted(expected - applied.fired)} never fired: nothing was switched off there"
        )


def _visit(applied: Applied, site: str, layer: int, patch: _LayerPatch, activation: Tensor) -> Tensor:
    applied.fired.add((site, layer))
    return patch(applied, activation)


def _compiled(
    model: LanguageModel, interventions: Sequence[Intervention]
) -> dict[str, dict[int, _LayerPatch]]:
    """Site → layer → patch, for the layers that any set touches."""
    plans: dict[str, dict[int, _LayerPatch]] = {}
    for site in dict.fromkeys(intervention.neurons.site for intervention in interventions):
        own = [intervention if intervention.neurons.site == site else None for intervention in interventions]
        nobody = np.zeros((model.layers, model.site(site).width), dtype=bool)
        masks = np.stack([nobody if one is None else one.neurons.mask for one in own])
        plans[site] = {
            layer: _layer_patch(own, masks[:, layer], layer, model.site(site).device(layer))
            for layer in np.flatnonzero(masks.any(axis=(0, 2))).tolist()
        }
    return plans


def _layer_patch(
    own: Sequence[Intervention | None],
    chosen: Bool[np.ndarray, "intervention neuron"],
    layer: int,
    device: torch.device,
) -> _LayerPatch:
    gain, shift = np.ones(chosen.shape, dtype=np.float32), np.zeros(chosen.shape, dtype=np.float32)
    for row, one in enumerate(own):
        if one is not None:
            gain[row, chosen[row]] = one.gain
            if one.shift is not None:
                shift[row, chosen[row]] = one.shift[layer, chosen[row]]
    moved = torch.from_numpy(shift).to(device) if shift.any() else None
    return _LayerPatch(torch.from_numpy(gain).to(device), moved)


@dataclass(frozen=True)
class Proof:
    """What an intervention was seen to do on a probe text.

    Attributes:
        inert: Why the output did not move; empty if it did.
        moved: Largest change of the last hidden state.
        hooks: Hooks that fired.
    """

    inert: str
    moved: float
    hooks: int


def probe(model: LanguageModel) -> Int[Tensor, "1 position"]:
    """Tokens from all over the vocabulary: a text that any model can read."""
    step = model.head.weight.shape[0] // (PROBE_TOKENS + 2)
    return torch.arange(1, PROBE_TOKENS + 1, device=model.device)[None] * step


def prove(model: LanguageModel, interventions: Sequence[Intervention]) -> list[Proof]:
    """Runs a probe with and without the interventions and checks what the model itself saw.

    Raises:
        NeuroglotError: A hook never fired, the tensor read back differs from the patch at the set or from the
            original elsewhere, or leaving the intervention did not restore the model bitwise.
    """
    ids = probe(model).expand(len(interventions), -1)
    sites = list(dict.fromkeys(intervention.neurons.site for intervention in interventions))
    before: dict[tuple[str, int], Tensor] = {}
    after: dict[tuple[str, int], Tensor] = {}
    with torch.inference_mode():
        plain = model.body(ids)
        with ExitStack() as stack:
            # Hooks run in the order they were put on: one witness before the intervention, one behind it.
            _watch(stack, model, sites, before)
            applied = stack.enter_context(intervene(model, interventions))
            _watch(stack, model, sites, after)
            applied.assign(range(len(interventions)))
            patched = model.body(ids)
            fired = set(applied.fired)
        restored = model.body(ids)
    if not torch.equal(plain, restored):
        raise NeuroglotError("the model is not what it was after the intervention was taken off")
    return [
        _one_proof(row, intervention, before, after, (patched[row] - plain[row]).abs().max().item(), fired)
        for row, intervention in enumerate(interventions)
    ]


def _watch(
    stack: ExitStack, model: LanguageModel, sites: Sequence[str], seen: dict[tuple[str, int], Tensor]
) -> None:
    def note(site: str, layer: int, activation: Tensor) -> None:
        seen[site, layer] = activation.clone()

    for site in sites:
        visitors = {layer: partial(note, site, layer) for layer in range(model.layers)}
        stack.enter_context(model.site(site).visit(visitors))


def _one_proof(
    row: int,
    intervention: Intervention,
    before: dict[tuple[str, int], Tensor],
    after: dict[tuple[str, int], Tensor],
    moved: float,
    fired: set[tuple[str, int]],
) -> Proof:
    neurons, shift = intervention.neurons, intervention.shift
    changed = False
    for site, layer in before:
        if site != neurons.site:
            continue
        original, seen = before[site, layer][row], after[site, layer][row]
        expected = original.clone()
        chosen = np.flatnonzero(neurons.mask[layer])
        if len(chosen):
            added = 0.0 if shift is None else torch.from_numpy(shift[layer, chosen]).to(original)
            expected[:, chosen] = original[:, chosen] * original.new_tensor(intervention.gain) + added
        if not torch.equal(seen, expected):
            raise NeuroglotError(f"layer {layer}: the tensor read back at {neurons.site!r} is not the patch")
        changed = changed or not torch.equal(seen, original)
    hooks = sum(
        neurons.mask[layer].any() and (neurons.site, layer) in fired for layer in range(neurons.shape[0])
    )
    if moved:
        return Proof("", moved, int(hooks))
    if not len(neurons):
        return Proof("the set is empty", 0.0, 0)
    reason = "the change does not reach the output" if changed else "the activations already had these values"
    return Proof(reason, 0.0, int(hooks))
