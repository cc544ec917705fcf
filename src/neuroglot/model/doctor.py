"""Proofs that the table of families tells the truth about a loaded model.

Each proof runs the model on random tokens and compares two ways to the same number: what `Site`, `Head` and
`Batch` give, against what the model itself computes. An error is relative to the size of what is compared, so
a proof cannot pass because nothing happened. Everything runs in float32: the norms of most families compute
in float32 whatever they are given, so a float64 copy would be no finer.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import inf, isnan

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.model.language_model import LanguageModel
from neuroglot.text.samples import Sample

Ids = Int[Tensor, "row position"]

MLP_SITES = ("mlp_gate_pre", "mlp_up", "mlp_gate", "mlp")

ROUNDING = 1e-3
"""The same products in another order: 1e-7 in float32, 1e-5 where they are summed over a large vocabulary."""

DIFFERENCE = 5e-2
"""A finite difference: 1e-4 to 1e-2 of rounding and curvature are in it; a wrong gradient is off by 1."""

NUDGE = 0.01
"""How far the finite difference should move s, in nats: far above its rounding, too little to bend."""


@dataclass(frozen=True)
class Check:
    """The outcome of one proof.

    Attributes:
        name: Which proof.
        what: What it compares.
        error: The largest relative difference found; infinite if the proof broke down.
        limit: The largest that passes.
        passed: Whether the error is a number within the limit.
        detail: Where the error was largest, or how the proof broke down.
    """

    name: str
    what: str
    error: float
    limit: float
    passed: bool
    detail: str


@dataclass(frozen=True)
class _Proof:
    name: str
    what: str
    limit: float
    errors: Callable[[LanguageModel, Ids], dict[str, float]]
    """Place → error found there."""

    def check(self, model: LanguageModel, ids: Ids) -> Check:
        try:
            with torch.no_grad():
                errors = self.errors(model, ids)
            # NaN compares with nothing; it must come out as the worst, not be lost on the way.
            place, error = max(
                errors.items(),
                key=lambda item: (isnan(item[1]), item[1]),
                default=("nothing to compare", 0.0),
            )
            detail = f"{place}, the largest of {len(errors)}"
        except Exception as failure:  # a wrong entry in the table can break a forward pass in any way
            error, detail = inf, f"{type(failure).__name__}: {str(failure).partition(chr(10))[0]}"
        return Check(self.name, self.what, error, self.limit, error <= self.limit, detail)


def diagnose(model: LanguageModel, tokens: int = 6) -> tuple[Check, ...]:
    """Proves sites, gradient, silencing, head and padding of a model on two rows of random tokens.

    Args:
        model: A model in float32. It is left exactly as it was, which is the last proof.
        tokens: Positions a row.

    Raises:
        NeuroglotError: The model is in half precision, where no proof could tell rounding from a mistake, or
            there are too few tokens to compare.
    """
    if model.network.dtype != torch.float32:
        raise NeuroglotError(f"the doctor needs float32, but {model.name} is in {model.signature['dtype']}")
    if tokens < 4:
        raise NeuroglotError(f"the doctor needs at least 4 tokens a row, not {tokens}")
    ids = _two_rows(model, tokens).to(model.device)
    with torch.no_grad():
        before = model.body(ids)
    checks = [proof.check(model, ids) for proof in PROOFS]
    unchanged = _Proof(
        "no trace",
        "outputs after these proofs = outputs before them, bitwise",
        0.0,
        lambda model, ids: {"last hidden state": _relative(model.body(ids), before)},
    )
    return (*checks, unchanged.check(model, ids))


def _two_rows(model: LanguageModel, tokens: int) -> Ids:
    """Random tokens; to a masked language model two texts, begun and ended, with no special token inside."""
    vocabulary = model.network.get_input_embeddings().weight.shape[0]
    ids = torch.randint(vocabulary, (2, tokens), generator=torch.Generator().manual_seed(0))
    if model.encoder:
        special = model.tokenizer.all_special_ids
        ids[torch.isin(ids, torch.tensor(special))] = min(set(range(vocabulary)) - set(special))
        ids[:, 0], ids[:, -1] = model.encoder.marks.begin, model.encoder.marks.end
    return ids


def _relative(found: Tensor, expected: Tensor, scale: Tensor | None = None) -> float:
    """Largest difference over the largest value of ``scale`` (default: of what is expected)."""
    return float((found - expected).abs().max() / (expected if scale is None else scale).abs().max())


def _read(
    model: LanguageModel, ids: Ids, sites: tuple[str, ...]
) -> tuple[dict[tuple[str, int], Tensor], Tensor]:
    """Each site's tensor in each layer, all of them in one autograd graph, and the last hidden state."""
    read: dict[tuple[str, int], Tensor] = {}

    def keep(place: tuple[str, int], activation: Tensor) -> Tensor:
        # The graph begins at the first tensor that passes: the weights are frozen.
        read[place] = activation if activation.requires_grad else activation.detach().requires_grad_()
        return read[place]

    with ExitStack() as stack:
        stack.enter_context(torch.enable_grad())
        for site in sites:
            visitors = {layer: partial(keep, (site, layer)) for layer in range(model.layers)}
            stack.enter_context(model.site(site).visit(visitors))
        hidden = model.body(ids)
    return read, hidden


def _down_projection(model: LanguageModel, ids: Ids) -> dict[str, float]:
    outputs: dict[int, Tensor] = {}

    def keep(layer: int, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        outputs[layer] = output.detach()

    with ExitStack() as stack:
        for layer in range(model.layers):
            handle = model.down_projection(layer).register_forward_hook(partial(keep, layer))
            stack.callback(handle.remove)
        read, _ = _read(model, ids, ("mlp",))
    errors = {}
    for layer, output in outputs.items():
        bias = model.down_projection(layer).bias
        again = nn.functional.linear(read["mlp", layer], model.down_weight(layer), bias)
        errors[f"layer {layer}"] = _relative(again.view_as(output), output)
    return errors


def _product(model: LanguageModel, ids: Ids) -> dict[str, float]:
    read, _ = _read(model, ids, MLP_SITES)
    errors = {}
    for layer in range(model.layers):
        before_act, up, gate, mlp = (read[site, layer] for site in MLP_SITES)
        act = model.site("mlp_gate").module(layer)
        errors[f"mlp_gate, layer {layer}"] = _relative(act(before_act), gate)
        errors[f"mlp, layer {layer}"] = _relative(gate * up if model.family.up else gate, mlp)
    return errors


def _residual_stream(model: LanguageModel, ids: Ids) -> dict[str, float]:
    read, _ = _read(model, ids, ("resid_pre", "resid"))
    return {
        f"between layers {below} and {above}": _relative(read["resid_pre", above], read["resid", below])
        for below, above in pairwise(range(model.layers))
    }


def _gradient(model: LanguageModel, ids: Ids) -> dict[str, float]:
    # s is the log-probability of the last token: one position goes through the head, all through the body.
    context, last, sites = ids[:1, :-1], ids[:1, -1], ("resid_pre", *MLP_SITES, "resid")
    read, hidden = _read(model, context, sites)
    arriving = torch.zeros_like(hidden)
    _, slope = model.head.log_prob(hidden[:, -1], last, gradient=True)
    assert slope is not None  # it was asked for
    arriving[:, -1] = slope
    gradients = dict(zip(read, torch.autograd.grad(hidden, list(read.values()), arriving), strict=True))
    errors: dict[str, float] = {}
    for site in sites:
        steps = [_step(gradients[site, layer][0]) for layer in range(model.layers)]
        moved = _moved(model, context, last, site, steps)
        errors |= {f"{site}, layer {layer}": abs(moved[layer] / NUDGE - 1) for layer in range(model.layers)}
    return errors


def _step(gradient: Float[Tensor, "token neuron"]) -> Float[Tensor, "token neuron"]:
    """A step along which the gradient promises that s moves by `NUDGE`.

    Near the gradient s moves most, so rounding spoils least; a random factor for each neuron makes it a
    direction that a wrong gradient could not have made up.
    """
    factor = 0.5 + torch.rand(gradient.shape, generator=torch.Generator().manual_seed(0)).to(gradient.device)
    direction = gradient * factor
    return direction * (NUDGE / (gradient * direction).sum())


def _moved(
    model: LanguageModel, context: Ids, last: Int[Tensor, "1"], site: str, steps: Sequence[Tensor]
) -> list[float]:
    """(s(a + step) − s(a − step)) / 2 for each layer's step, which has two rows of one batch to itself."""

    def shift(layer: int, activation: Tensor) -> Tensor:
        shifted = activation.clone()
        shifted[2 * layer] += steps[layer]
        shifted[2 * layer + 1] -= steps[layer]
        return shifted

    visitors = {layer: partial(shift, layer) for layer in range(model.layers)}
    rows = 2 * model.layers
    with model.site(site).visit(visitors):
        hidden = model.body(context.expand(rows, -1))
    values, _ = model.head.log_prob(hidden[:, -1], last.expand(rows))
    moved: list[float] = ((values[0::2] - values[1::2]) / 2).tolist()
    return moved


def _silencing(model: LanguageModel, ids: Ids) -> dict[str, float]:
    site = model.site("mlp")
    dice = torch.Generator().manual_seed(0)
    chosen = [
        torch.randperm(site.width, generator=dice)[: max(1, site.width // 8)] for _ in range(model.layers)
    ]

    def silence(layer: int, activation: Tensor) -> Tensor:
        silenced = activation.clone()
        silenced[..., chosen[layer]] = 0
        return silenced

    base, folded = model.body(ids), _without_columns(model, ids, chosen)
    errors = {}
    for name in ("mlp", "mlp_gate", "mlp_up"):
        with model.site(name).visit({layer: partial(silence, layer) for layer in range(model.layers)}):
            errors[name] = _relative(model.body(ids), folded, scale=folded - base)
    return errors


def _without_columns(model: LanguageModel, ids: Ids, chosen: Sequence[Tensor]) -> Tensor:
    """The last hidden state with chosen columns of the down projections at zero; they come back bitwise."""
    weights = [model.down_weight(layer) for layer in range(model.layers)]
    kept = [weight[:, columns].clone() for weight, columns in zip(weights, chosen, strict=True)]
    try:
        for weight, columns in zip(weights, chosen, strict=True):
            weight[:, columns] = 0
        return model.body(ids)
    finally:
        for weight, columns, values in zip(weights, chosen, kept, strict=True):
            weight[:, columns] = values


def _head(model: LanguageModel, ids: Ids) -> dict[str, float]:
    leaves: list[Tensor] = []

    def begin(_module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        leaves.append(inputs[0].detach().requires_grad_())
        return tuple(leaves)

    handle = model.network.get_output_embeddings().register_forward_pre_hook(begin)
    try:
        with torch.enable_grad():
            logits = model.network(input_ids=ids, use_cache=False).logits.float()
            log_prob = logits.log_softmax(-1).gather(-1, ids[..., None])
            gold_logit = logits.gather(-1, ids[..., None])
    finally:
        handle.remove()
    hidden = model.body(ids)
    errors = {"last hidden state": _relative(hidden, leaves[0])}
    for name, expected in {"log_prob": log_prob, "gold_logit": gold_logit}.items():
        (slope,) = torch.autograd.grad(expected, leaves, torch.ones_like(expected), retain_graph=True)
        value, gradient = getattr(model.head, name)(hidden.flatten(0, 1), ids.flatten(), gradient=True)
        errors[name] = _relative(value, expected.flatten())
        errors[f"gradient of {name}"] = _relative(gradient, slope.flatten(0, 1))
    return errors


def _padding(model: LanguageModel, ids: Ids) -> dict[str, float]:
    rows = [ids[0, : ids.shape[1] // 2].clone(), ids[1]]
    if model.encoder:
        rows[0][-1] = model.encoder.marks.end
    batch = Batch.of([Sample("", "", 0, tuple(row.tolist()), 0, 0) for row in rows], model.device)
    together, alone = model.body(batch.ids), [_alone(model, row) for row in rows]
    errors = {
        f"row of {len(row)} tokens": _relative(padded[: len(row)], own)
        for row, padded, own in zip(rows, together, alone, strict=True)
    }
    if model.encoder:
        side_by_side = model.body(torch.cat(rows)[None])[0]
        errors["texts side by side"] = _relative(side_by_side, torch.cat(alone))
    return errors


def _alone(model: LanguageModel, row: Int[Tensor, " position"]) -> Float[Tensor, "position hidden"]:
    """One row's last hidden state; of a masked language model by its own masks and positions."""
    if model.encoder is None:
        return model.body(row[None])[0]
    return model.encoder.bend(model.network.base_model(input_ids=row[None]).last_hidden_state)[0]


PROOFS = (
    _Proof("down projection", "W·mlp + b = the MLP's own output", ROUNDING, _down_projection),
    _Proof("product", "act(mlp_gate_pre) = mlp_gate; mlp_gate × mlp_up = mlp", ROUNDING, _product),
    _Proof("residual stream", "resid = resid_pre of the next layer", 0.0, _residual_stream),
    _Proof("gradient", "autograd at every site = central finite difference", DIFFERENCE, _gradient),
    _Proof("silencing", "neurons at zero = weight columns at zero", ROUNDING, _silencing),
    _Proof("head", "chunked head and gradient = autograd of the full logits", ROUNDING, _head),
    _Proof("padding", "padded rows = the same rows alone", ROUNDING, _padding),
)
