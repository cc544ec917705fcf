"""What is timed: the floor's parts, our pass, and the ways in which others do the same.

Every workload sees the same batch, the same frozen weights in float32 and the same scalar, s = Σ log p of a
row's tokens. Those that give grad_act, largest token, return it as [layer, row, neuron], to be compared.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from neuroglot.attribution.engine import score_samples
from neuroglot.attribution.scores import SCORES
from neuroglot.model.batch import Batch, pack
from neuroglot.model.language_model import LanguageModel
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.recipe import load_recipe, recipe_names
from neuroglot.study.steps import matched_on, mean_activation
from neuroglot.text.corpus import Corpus
from neuroglot.text.samples import tokenize

GradAct = Float[Tensor, "layer row neuron"]

HEAD_POSITIONS = 512
"""Positions in one of the floor's head products: more do not run faster, and the buffer is 0.5 GB already."""

GRAD_ACT = Quantity("mlp", "grad_act", "max", SCORES["grad_act"].power, "logprob")


@dataclass(frozen=True)
class Bench:
    """A model and the one batch that every workload sees.

    Attributes:
        model: On the processor, in float32; `mixed` turns on bfloat16 products for a while.
        batch: Sentences of commons in several languages, side by side.
    """

    model: LanguageModel
    batch: Batch

    @classmethod
    def of(cls, name: str, tokens: int) -> "Bench":
        """The middle batch of all of commons, packed as a study packs it to ``tokens`` positions."""
        model = LanguageModel.load(name, device="cpu", precision="float32")
        samples = tokenize(Corpus.commons(), model.tokenizer)
        batches = pack(samples, tokens)
        return cls(model, Batch.of([samples[index] for index in batches[len(batches) // 2]]))


@contextmanager
def mixed(model: LanguageModel) -> Iterator[None]:
    """Inside, the model's bulk work uses bfloat16 products."""
    model.precision = "mixed"
    try:
        yield
    finally:
        model.precision = "float32"


def body_forward(bench: Bench) -> None:
    """The body alone, without a graph."""
    with torch.inference_mode():
        bench.model.body(bench.batch.ids)


def body_backward(bench: Bench) -> None:
    """The body there and back: from the last hidden state to the neurons of layer 0, not a step further."""
    first = {0: lambda activation: activation.detach().requires_grad_()}
    with bench.model.site("mlp").visit(first):
        hidden = bench.model.body(bench.batch.ids)
    hidden.backward(torch.ones_like(hidden))


def head_product(bench: Bench, *, back: bool) -> Callable[[], None]:
    """One product with the vocabulary, in a buffer that is there already: no softmax, copy or page fault."""
    weight = bench.model.head.weight
    positions = int(bench.batch.predicting.sum())
    hidden = torch.ones(min(positions, HEAD_POSITIONS), weight.shape[1])
    logits = torch.ones(len(hidden), weight.shape[0])

    def product() -> None:
        with torch.inference_mode():
            for start in range(0, positions, HEAD_POSITIONS):
                count = min(HEAD_POSITIONS, positions - start)
                if back:
                    torch.mm(logits[:count], weight, out=hidden[:count])
                else:
                    torch.mm(hidden[:count], weight.T, out=logits[:count])

    return product


def all_quantities() -> list[Quantity]:
    """Every token score, and what the shipped recipes, their controls and mean interventions ask for."""
    asked = [load_recipe(name).quantity for name in recipe_names()]
    every = [
        Quantity(
            "mlp",
            name,
            "sum" if name == "active" else "max",  # a rate is a sum
            score.power,
            "logprob" if score.gradient else "",
        )
        for name, score in SCORES.items()
    ]
    return list(dict.fromkeys([*asked, mean_activation("mlp"), matched_on("rate", "mlp"), *every]))


def forward_quantities() -> list[Quantity]:
    """Those of them that need no backward pass."""
    return [quantity for quantity in all_quantities() if not SCORES[quantity.score].gradient]


def our_pass(bench: Bench, quantities: Sequence[Quantity]) -> GradAct | None:
    """The pass of `neuroglot score`, from samples to a labelled shard."""
    shard = score_samples(bench.model, bench.batch.samples, quantities, token_budget=bench.batch.ids.numel())
    if GRAD_ACT not in quantities:
        return None
    return torch.from_numpy(shard[GRAD_ACT.site][GRAD_ACT.variable].values).transpose(0, 1)


def our_mixed_pass(bench: Bench, quantities: Sequence[Quantity]) -> None:
    """The same with bfloat16 products."""
    with mixed(bench.model):
        our_pass(bench, quantities)


def captum_layers(layers: int) -> tuple[int, ...]:
    """First, middle and last: a layer's cost falls linearly with its depth, so they cost the mean of all."""
    return tuple(dict.fromkeys((0, (layers - 1) // 2, layers - 1)))


def captum(bench: Bench) -> GradAct:
    """Captum's gradient × activation, called once a layer, as its interface has it."""
    from captum.attr import LayerGradientXActivation  # here: its 60 MB are nobody else's memory

    found = []
    for layer in captum_layers(bench.model.layers):
        method = LayerGradientXActivation(partial(_full_log_prob, bench), bench.model.down_projection(layer))
        scores = method.attribute(bench.batch.ids, attribute_to_layer_input=True)
        found.append(_largest(bench, scores))
    return torch.stack(found)


def full_logits(bench: Bench) -> GradAct:
    """What one writes first: hooks on all layers, one forward with logits, log_softmax, backward."""
    kept: list[Tensor] = []

    def keep(activation: Tensor) -> Tensor:
        leaf = activation if activation.requires_grad else activation.detach().requires_grad_()
        leaf.retain_grad()
        kept.append(leaf)
        return leaf

    with ExitStack() as stack:
        stack.enter_context(bench.model.site("mlp").visit(dict.fromkeys(range(bench.model.layers), keep)))
        _full_log_prob(bench, bench.batch.ids).sum().backward()
    return torch.stack([_largest(bench, leaf.detach() * leaf.grad) for leaf in kept if leaf.grad is not None])


def one_by_one(bench: Bench) -> None:
    """The plain script: the same hooks, a sentence at a time."""
    for sample in bench.batch.samples:
        full_logits(Bench(bench.model, Batch.of([sample])))


def _full_log_prob(bench: Bench, ids: Tensor) -> Float[Tensor, " row"]:
    log_prob: Tensor = bench.model.network(input_ids=ids, use_cache=False).logits[:, :-1].log_softmax(-1)
    chosen = log_prob.gather(2, ids[:, 1:, None])[..., 0]
    return (chosen * bench.batch.predicting[:, :-1]).sum(dim=1)


def _largest(bench: Bench, scores: Float[Tensor, "row position neuron"]) -> Float[Tensor, "row neuron"]:
    return scores.detach().masked_fill(~bench.batch.real[..., None], -torch.inf).amax(dim=1)


Workload = Callable[[], GradAct | None]

WORKLOADS: Mapping[str, Callable[[Bench], Workload]] = {
    "body forward": lambda bench: partial(body_forward, bench),
    "body there and back": lambda bench: partial(body_backward, bench),
    "head product": lambda bench: head_product(bench, back=False),
    "head product back": lambda bench: head_product(bench, back=True),
    "pass, forward scores": lambda bench: partial(our_pass, bench, forward_quantities()),
    "pass, one score": lambda bench: partial(our_pass, bench, [GRAD_ACT]),
    "pass, all scores": lambda bench: partial(our_pass, bench, all_quantities()),
    "mixed pass, forward scores": lambda bench: partial(our_mixed_pass, bench, forward_quantities()),
    "mixed pass, all scores": lambda bench: partial(our_mixed_pass, bench, all_quantities()),
    "full-logits autograd": lambda bench: partial(full_logits, bench),
    "plain script, a sentence at a time": lambda bench: partial(one_by_one, bench),
    "captum, all layers": lambda bench: partial(captum, bench),
}
"""Name → what prepares it; in the order of the table and of every round."""
