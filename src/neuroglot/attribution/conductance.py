"""Conductance: what flows through each neuron as a text's embeddings fade in (Dhamdhere et al. 2018).

    Σ_k g(α_k)·(a(α_{k+1}) − a(α_k)),  g = ∂s/∂a,  along  e(α) = e' + α·(e − e'),

with e what the embedding module gives (transformers' ``inputs_embeds``: positions that a family adds later do
not fade) and e' a baseline. Captum's `LayerConductance` takes the same sum, a layer at a time; here one sweep
serves all layers and sites: a forward for every α, a backward for all but the last.

Summed over the residual stream of any layer, conductance tends to s(α_last) − s(α_first). Near a baseline of
zeros norms blow small inputs up, and at α = 0 most layers' gradients are not finite: the path starts above.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuroglot.attribution.paths import LOWEST, Schedule, check_path
from neuroglot.attribution.scores import sweep
from neuroglot.attribution.sweeps import Activation, Swept, Value
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.model.language_model import LanguageModel, check_layers
from neuroglot.statistics.reductions import REDUCTIONS


def uniform(steps: int) -> tuple[float, ...]:
    """``steps`` + 1 evenly spaced values of α from 0 to 1, but the first is `LOWEST`.

    Which schedule errs less is the model's affair (`Conductance.missing`): Gemma 3 270M's s rises chiefly
    between α = 0.1 and 0.5, that of a model with small embeddings below 0.01. Either wants many steps: at 32
    the sum over Gemma's residual stream is still off by a third to a half of the change in s.

    Raises:
        NeuroglotError: There is no step.
    """
    check_path(steps)
    return (LOWEST, *(k / steps for k in range(1, steps + 1)))


def log_spaced(steps: int) -> tuple[float, ...]:
    """``steps`` + 1 values of α from `LOWEST` to 1, each the same factor above the one before.

    Raises:
        NeuroglotError: There is no step.
    """
    check_path(steps)
    return tuple(LOWEST ** (1 - k / steps) for k in range(steps + 1))


@dataclass(frozen=True)
class ConductancePath:
    """Options of the score.

    Attributes:
        steps: Steps from a baseline of zeros to the text's embeddings: a backward pass each.
        schedule: α spaced ``uniform`` or ``log``.
    """

    steps: int = 16
    schedule: Schedule = "uniform"

    def __post_init__(self) -> None:
        check_path(self.steps, self.schedule)


@dataclass(frozen=True)
class Conductance:
    """What one sweep found.

    Attributes:
        tokens: Site → layer → conductance of every neuron at every position, BOS and padding too.
        start: s of each row at the first α.
        end: s of each row at the last α.
    """

    tokens: Mapping[str, Mapping[int, Activation]]
    start: Float[Tensor, " row"]
    end: Float[Tensor, " row"]

    def missing(self, site: str, layer: int) -> Float[Tensor, " row"]:
        """What the sum over a layer lacks of s(α_last) − s(α_first): at ``resid``, the error of the steps."""
        return self.end - self.start - self.tokens[site][layer].sum(dim=(1, 2))

    def reduce(
        self, site: str, reduction: str, counted: Sequence[slice]
    ) -> Float[Tensor, "row layer neuron"]:
        """Tokens → sample (METHODS §3).

        Args:
            site: Where.
            reduction: The name of a token reduction.
            counted: For each row the positions that count: the text's own, neither BOS nor padding.
        """
        over = REDUCTIONS[reduction]
        return torch.stack(
            [
                torch.cat([over(scores[row : row + 1, part]) for row, part in enumerate(counted)])
                for scores in self.tokens[site].values()
            ],
            dim=1,
        )


def conductance(
    model: LanguageModel,
    ids: Int[Tensor, "row position"],
    value: Value,
    *,
    sites: Sequence[str] = ("mlp",),
    layers: Sequence[int] | None = None,
    alphas: Sequence[float] = uniform(16),
    baseline: Float[Tensor, "..."] | float = 0.0,
    finite: bool = True,
) -> Conductance:
    """All neurons' conductance for s, every layer and row in one sweep.

    >>> value = lambda hidden: OBJECTIVES["logprob"](hidden, batch, model.head)   # doctest: +SKIP
    >>> found = conductance(model, batch.ids, value)                              # doctest: +SKIP
    >>> found.reduce("mlp", "max", [slice(1, length) for length in batch.lengths])  # doctest: +SKIP

    Args:
        model: The model.
        ids: The text, as a batch has it.
        value: s and its gradient at the last hidden state.
        sites: Where the neurons are.
        layers: Default: all. Nothing below the lowest is back-propagated.
        alphas: The path, rising; a step lies between each two.
        baseline: The embeddings at α = 0; anything that can be spread over [row, position, hidden].
        finite: Refuse an s or a gradient that is not; otherwise the scores of that row will not be, either.

    Returns:
        Per-token scores in float32 or finer, and s at both ends.

    Raises:
        NeuroglotError: A path without a step or that does not rise, a layer or site that does not exist, an s
            or a gradient that is not finite.
    """
    if len(alphas) < 2 or not all(low < high for low, high in pairwise(alphas)):
        raise NeuroglotError(f"a path is at least two rising values of α, not {list(alphas)}")
    chosen = list(range(model.layers)) if layers is None else sorted(set(layers))
    check_layers(chosen, model.layers)
    path = _Sweep(finite)
    values = []
    with ExitStack() as stack:
        for site in sites:
            visitors = {layer: partial(path.visit, site, layer) for layer in chosen}
            stack.enter_context(model.site(site).visit(visitors))
        # Downwards, so that a gradient meets the activation of the step above as it arrives and is freed.
        for alpha in reversed(alphas):
            path.alpha, last = alpha, alpha == alphas[-1]
            with _faded(model, alpha, baseline), torch.set_grad_enabled(not last):
                hidden = model.body(ids)
            with torch.no_grad():
                s, slope = value(hidden.detach())
            if finite and not s.isfinite().all():
                raise NeuroglotError(f"s is not finite at α = {alpha:g} of the path")
            values.append(s)
            if not last:
                hidden.backward(slope)
    tokens = {site: {layer: path.total[site, layer] for layer in chosen} for site in sites}
    return Conductance(tokens, values[-1], values[0])


@sweep("conductance", options=ConductancePath, power=1)
def conductance_score(
    model: LanguageModel,
    batch: Batch,
    value: Value,
    sites: Sequence[str],
    layers: Sequence[int],
    options: ConductancePath,
) -> Swept:
    """Σ g(α)·Δa along the straight path of the embeddings from zeros.

    Only the residual stream carries all of s: `Swept.missing` is what the sum there lacks, whichever sites
    are asked for. Where a row's s or gradient is not finite, its scores are not.
    """
    alphas = (uniform if options.schedule == "uniform" else log_spaced)(options.steps)
    read = list(dict.fromkeys([*sites, "resid"]))
    found = conductance(model, batch.ids, value, sites=read, layers=layers, alphas=alphas, finite=False)
    whole = [("resid", layer) for layer in layers]
    return Swept(
        {site: found.tokens[site] for site in sites},
        missing={place: found.missing(*place) for place in whole},
        change=dict.fromkeys(whole, found.end - found.start),
    )


@contextmanager
def _faded(model: LanguageModel, alpha: float, baseline: Tensor | float) -> Iterator[None]:
    def fade(_module: object, _args: object, embeddings: Tensor) -> Tensor:
        return baseline + alpha * (embeddings - baseline)

    handle = model.network.get_input_embeddings().register_forward_hook(fade)
    try:
        yield
    finally:
        handle.remove()


@dataclass
class _Sweep:
    """The sums so far, and the activations one step up."""

    finite: bool
    alpha: float = 1.0
    total: dict[tuple[str, int], Activation] = field(default_factory=dict)
    above: dict[tuple[str, int], Activation] = field(default_factory=dict)

    def visit(self, site: str, layer: int, activation: Activation) -> Activation | None:
        value = activation.detach()
        if not torch.is_grad_enabled():
            precise = torch.promote_types(value.dtype, torch.float32)
            self.total[site, layer] = torch.zeros_like(value, dtype=precise)
            self.above[site, layer] = value
            return None
        if not activation.requires_grad:  # the lowest tensor wanted: the graph starts here
            activation = value.requires_grad_()
            value = activation.detach()
        activation.register_hook(partial(self._add, (site, layer), value))
        return activation

    def _add(self, place: tuple[str, int], value: Activation, slope: Activation) -> None:
        if self.finite and not slope.isfinite().all():
            site, layer = place
            raise NeuroglotError(
                f"the gradient at {site!r} of layer {layer} is not finite at α = {self.alpha:g}: "
                "start the path above it, or at another baseline"
            )
        total = self.total[place]
        total.addcmul_(slope.to(total.dtype), (self.above[place] - value).to(total.dtype))
        self.above[place] = value
