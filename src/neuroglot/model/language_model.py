"""A language model with named sites and a chunked head; weights frozen, nothing about it patched."""

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.model.encoders import ENCODERS, Encoder
from neuroglot.model.families import Family, family_of
from neuroglot.model.head import Head
from neuroglot.model.loading import load_pretrained
from neuroglot.model.precision import products, resolve
from neuroglot.model.sites import Site


@dataclass(frozen=True)
class Heads:
    """The heads of attention in every layer.

    Attributes:
        query: How many heads ask; ``attn_q`` and ``attn_out`` hold one after the other.
        key_value: How many heads of keys and values they share (``attn_k``, ``attn_v``), in equal groups.
        dim: Neurons a head.
    """

    query: int
    key_value: int
    dim: int

    @classmethod
    def of(cls, config: Any) -> "Heads":
        """Reads them from a transformers configuration."""
        query: int = config.num_attention_heads
        return cls(
            query,
            getattr(config, "num_key_value_heads", None) or query,
            getattr(config, "head_dim", None) or config.hidden_size // query,
        )


class LanguageModel:
    """A transformers language model, causal or masked, seen through its sites.

    Load one with `LanguageModel.load`, or wrap a model that you already have:

    >>> model = LanguageModel.load("gemma3-270m")   # doctest: +SKIP
    >>> model.sites["mlp"].width                    # doctest: +SKIP
    2048

    Attributes:
        network: The transformers model; frozen, in evaluation mode.
        tokenizer: Its tokenizer.
        name: What it was loaded from.
        revision: Commit or checksum of what was loaded, where there is one.
        precision: ``float32`` or ``mixed``: how bulk work computes products (`LanguageModel.products`).
        family: Its entry in the table of families.
        sites: Site name → `Site`.
        head: The chunked language-model head.
        heads: The heads of attention.
        encoder: What only a masked language model has (BERT kin); None: it is causal.
        max_tokens: Positions that it has, if it says so.
    """

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        name: str,
        revision: str | None = None,
        precision: str = "float32",
    ) -> None:
        config = network.config.get_text_config()
        self.network = network.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.name = name
        self.revision = revision
        self.precision = resolve(precision, network.device)
        self.model_type: str = network.config.model_type  # a wrapper's own: it says where the text model lies
        self.encoder = Encoder.of(network, tokenizer) if self.model_type in ENCODERS else None
        self.family: Family = ENCODERS[self.model_type][0] if self.encoder else family_of(self.model_type)
        self.max_tokens: int | None = getattr(config, "max_position_embeddings", None)
        if self.encoder and self.max_tokens is not None:
            self.max_tokens -= self.encoder.first
        self.hidden_size: int = config.hidden_size
        self.head = Head.of(network.get_output_embeddings(), config)
        self.heads = Heads.of(config)
        blocks = list(network.get_submodule(self.family.blocks))
        width = {site: self._width(site, blocks[0]) for site in self.family.taps}
        self.sites = {
            site: Site(site, blocks, tap, width[site], sum(width[before] for before in tap.after))
            for site, tap in self.family.taps.items()
        }
        self.layers = len(blocks)

    @classmethod
    def load(
        cls,
        name: str | Path,
        *,
        revision: str | None = None,
        dtype: str = "float32",
        precision: str = "auto",
        device: str | None = None,
        trust_remote_code: bool = False,
    ) -> "LanguageModel":
        """Loads a model from the bundle, a folder, a GGUF file or the hub. Only safetensors weights are read.

        Args:
            name: ``gemma3-270m`` (extra ``demo``), a folder, a ``.gguf`` file, or a hub id.
            revision: Branch, tag or commit, for hub ids.
            dtype: Precision of weights and activations.
            precision: Products of float32 weights: ``float32``, ``mixed`` (bfloat16, added up in float32), or
                ``auto``: mixed where the processor has bfloat16 products.
            device: A device, or ``auto``: spread over all GPUs by accelerate. Default: the first GPU, else
                the processor.
            trust_remote_code: Run code that a hub repository brings along.

        Raises:
            NeuroglotError: The model does not exist, cannot be reached, or is of an unknown family.
        """
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        spread = device == "auto"
        network, tokenizer, found = load_pretrained(
            str(name), revision=revision, dtype=dtype, spread=spread, trust_remote_code=trust_remote_code
        )
        if not spread:
            network = network.to(device)
        return cls(network, tokenizer, str(name), found, precision)

    def __repr__(self) -> str:
        size = f"{self.layers} layers × {self.sites['mlp'].width} neurons"
        return f"LanguageModel({self.name!r}, {self.model_type}, {size})"

    @property
    def device(self) -> torch.device:
        """Where input goes and output comes: the head's. A model that is spread moves things itself."""
        return self.head.weight.device

    def site(self, name: str) -> Site:
        """The site called ``name``; an unknown name says which one was meant."""
        if name not in self.sites:
            raise unknown("site", name, self.sites)
        return self.sites[name]

    def body(self, ids: Int[Tensor, "row position"]) -> Float[Tensor, "row position hidden"]:
        """The last hidden state, after the final norm: what the head multiplies."""
        if self.encoder is None:
            hidden: Tensor = self.network.base_model(input_ids=ids, use_cache=False).last_hidden_state
        else:
            more = self.encoder.inputs(ids, self.network.dtype)
            hidden = self.encoder.bend(self.network.base_model(input_ids=ids, **more).last_hidden_state)
        return hidden.to(ids.device)

    def products(self) -> AbstractContextManager[None]:
        """Inside, products run in the model's `precision`; outside, and for proofs, in float32."""
        return products(self.precision)

    def down_projection(self, layer: int) -> Any:
        """The MLP's output projection of a layer: a Linear, or GPT-2's Conv1D, which stores it transposed."""
        return self.sites["mlp"].module(layer)

    def down_weight(self, layer: int) -> Float[Tensor, "hidden neuron"]:
        """Its weight as [hidden, neuron], a column a neuron, however the family stores it."""
        weight: Tensor = self.down_projection(layer).weight
        return weight.T if self.family.transposed else weight

    def output_projection_weight(self, layer: int) -> Float[Tensor, "hidden neuron"]:
        """The weight of attention's output projection, a column a neuron of ``attn_out``."""
        projection: Any = self.site("attn_out").module(layer)
        weight: Tensor = projection.weight
        return weight.T if self.family.transposed else weight

    @cached_property
    def fingerprint(self) -> str:
        """A checksum of all weights: names, shapes, types, the exact sum of their bits, a sample of them."""
        digest = hashlib.sha256()
        for name, weight in sorted([*self.network.named_parameters(), *self.network.named_buffers()]):
            octets = weight.detach().cpu().contiguous().view(-1).view(torch.uint8)
            whole = len(octets) // 8 * 8
            total = int(octets[:whole].view(torch.int64).sum())  # wraps around, so the order does not matter
            digest.update(f"{name} {tuple(weight.shape)} {weight.dtype} {total}".encode())
            digest.update(octets[:: max(1, len(octets) // 4096)].numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def signature(self) -> dict[str, Any]:
        """What a bank or a neuron set must know to be matched with a model again."""
        return {
            "name": self.name,
            "revision": self.revision,
            "type": self.model_type,
            "layers": self.layers,
            "width": {name: site.width for name, site in self.sites.items()},
            "dtype": str(self.network.dtype).removeprefix("torch."),
            "precision": self.precision,
            "fingerprint": self.fingerprint,
        }

    def _width(self, site: str, block: Any) -> int:
        if site.startswith("resid"):
            return self.hidden_size
        if site.startswith("attn"):
            heads = self.heads.query if site in ("attn_q", "attn_out") else self.heads.key_value
            return heads * self.heads.dim
        weight: Tensor = block.get_submodule(self.family.down).weight
        return weight.shape[0 if self.family.transposed else 1]


def check_causal(model: LanguageModel, what: str) -> None:
    """Refuses a masked language model where only one that reads from left to right will do.

    Raises:
        NeuroglotError: Saying what it cannot do.
    """
    if model.encoder:
        raise NeuroglotError(
            f"{what} needs a causal language model; {model.name} is a masked one ({model.model_type})"
        )


def check_layers(layers: list[int], count: int) -> None:
    """Refuses layers that a model of ``count`` layers does not have."""
    wrong = [layer for layer in layers if not 0 <= layer < count]
    if wrong:
        raise NeuroglotError(f"layers {wrong} do not exist: the model has layers 0 to {count - 1}")
