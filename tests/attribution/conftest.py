"""Tiny models and samples, and a script that reads them the slow and obvious way."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch

from neuroglot.model.language_model import LanguageModel
from neuroglot.text.samples import Sample
from tiny import tiny_model

LLAMA = {
    "mlp": ("mlp.down_proj", "input"),
    "mlp_gate": ("mlp.act_fn", "output"),
    "mlp_gate_pre": ("mlp.gate_proj", "output"),
    "mlp_up": ("mlp.up_proj", "output"),
}
PLACES = {
    "gemma2": LLAMA,
    "gemma3_text": LLAMA,
    "phi3": {
        "mlp": ("mlp.down_proj", "input"),
        "mlp_gate": ("mlp.activation_fn", "output"),
        "mlp_gate_pre": ("mlp.gate_up_proj", "output", slice(0, 48)),
        "mlp_up": ("mlp.gate_up_proj", "output", slice(48, 96)),
    },
    "gpt2": {
        "mlp": ("mlp.c_proj", "input"),
        "mlp_gate": ("mlp.act", "output"),
        "mlp_gate_pre": ("mlp.c_fc", "output"),
        "mlp_up": ("mlp.c_fc", "output"),
    },
    "bloom": {
        "mlp": ("mlp.dense_4h_to_h", "input"),
        "mlp_gate": ("mlp.gelu_impl", "output"),
        "mlp_gate_pre": ("mlp.dense_h_to_4h", "output"),
        "mlp_up": ("mlp.dense_h_to_4h", "output"),
    },
    "opt": {
        "mlp": ("fc2", "input"),
        "mlp_gate": ("activation_fn", "output"),
        "mlp_gate_pre": ("fc1", "output"),
        "mlp_up": ("fc1", "output"),
    },
}
"""Where a person who has read the model's source would put a hook: nothing of our own table of families."""
BLOCKS = {"gpt2": "transformer.h", "bloom": "transformer.h", "opt": "model.decoder.layers"}
RESIDUAL = {"resid": ("", "output"), "resid_pre": ("", "input")}


@pytest.fixture(params=PLACES)
def family(request) -> str:
    return request.param


@pytest.fixture(scope="session")
def model_of() -> Callable[[str], LanguageModel]:
    """A tiny model in float64 a family, so that only a wrong formula can differ."""

    @cache
    def build(family: str) -> LanguageModel:
        model = tiny_model(family)
        model.network.double()
        return model

    return build


@pytest.fixture(scope="session")
def samples() -> list[Sample]:
    """Ragged samples, the shortest of two tokens, not sorted by length."""
    draw = np.random.default_rng(0)
    lengths = [5, 2, 9, 3, 7]
    rows = [tuple(draw.integers(3, 250, length).tolist()) for length in lengths]
    return [
        Sample(("en", "zh")[n % 2], f"d{n}", n, (2, *ids), 3 * len(ids), 4 * len(ids))
        for n, ids in enumerate(rows)
    ]


@pytest.fixture(scope="session")
def by_hand() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """(model, family, sample, site) → activation and gradient at the text's tokens, [layer, token, neuron].

    One sample alone, the whole table of logits, and autograd from the embeddings up.
    """

    def read(
        model: LanguageModel, family: str, sample: Sample, site: str, objective: str = "logprob"
    ) -> tuple[np.ndarray, np.ndarray]:
        path, end, *part = (PLACES[family] | RESIDUAL)[site]
        kept: list[torch.Tensor] = []

        def keep(tensor: torch.Tensor) -> None:
            tensor.retain_grad()
            kept.append(tensor)

        def before(_module, args, kwargs):
            keep(args[0] if args else kwargs["hidden_states"])

        def after(_module, _args, output):
            keep(output[0] if isinstance(output, tuple) else output)

        def grow_graph(_module, _args, output):
            return output.requires_grad_()

        network = model.network
        handles = [network.get_input_embeddings().register_forward_hook(grow_graph)]
        for block in network.get_submodule(BLOCKS.get(family, "model.layers")):
            module = block.get_submodule(path)
            handles.append(
                module.register_forward_hook(after)
                if end == "output"
                else module.register_forward_pre_hook(before, with_kwargs=True)
            )
        try:
            logits = network(input_ids=torch.tensor([sample.ids]), use_cache=False).logits[0]
        finally:
            for handle in handles:
                handle.remove()
        table = logits if objective == "gold_logit" else logits.log_softmax(-1)
        sum(table[place, token] for place, token in enumerate(sample.ids[1:])).backward()

        def tokens(tensor: torch.Tensor) -> np.ndarray:
            array = tensor.detach().numpy().reshape(len(sample.ids), -1)[1:]
            return array[:, part[0]] if part else array

        return np.stack([tokens(t) for t in kept]), np.stack([tokens(t.grad) for t in kept])

    return read
