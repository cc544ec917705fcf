"""Where each family of models keeps its neurons: a declarative table, proven by `neuroglot doctor`.

A family is one `Family(...)` entry: the paths of the block list, of the MLP's activation function, of its
projections up and down, and those of attention's projections. Every site of METHODS §0
follows from these, and where the rules of relevance act. To add a family, add an entry here and its tiny
configuration to ``tests/tiny.py``; the doctor's proofs then run on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from neuroglot.errors import NeuroglotError


@dataclass(frozen=True)
class Tap:
    """One end of one module of a block, where a site's tensor passes.

    Attributes:
        module: Path inside the block; the empty path is the block itself.
        end: Whether the tensor goes into the module or comes out of it.
        after: The sites whose tensors lie before this one's in the last axis of a fused projection.
    """

    module: str
    end: Literal["input", "output"]
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attention:
    """The paths of one family's attention, inside a block.

    Attributes:
        out: The output projection.
        qkv: The projections to queries, keys and values; one path where one projection makes [q | k | v];
            None where it lays them side by side head by head, so that none of them is a part of the axis.
    """

    out: str
    qkv: tuple[str, str, str] | str | None = None

    @property
    def taps(self) -> Mapping[str, Tap]:
        """Site → where its tensor passes."""
        taps, names = {"attn_out": Tap(self.out, "input")}, ("attn_q", "attn_k", "attn_v")
        if isinstance(self.qkv, str):
            taps |= {name: Tap(self.qkv, "output", names[:place]) for place, name in enumerate(names)}
        elif self.qkv is not None:
            taps |= {name: Tap(path, "output") for name, path in zip(names, self.qkv, strict=True)}
        return taps


@dataclass(frozen=True)
class Family:
    """The paths of one family of models.

    Attributes:
        blocks: Path of the list of blocks, from the causal language model.
        down: The MLP's output projection, inside a block.
        act: The MLP's activation function, inside a block.
        into: The projection that makes what enters ``act``: the gate's, or a plain MLP's only one.
        up: Where ``up(x)`` passes in a gated MLP; None in a plain one.
        transposed: Projections keep their weights as [input, output] (GPT-2's Conv1D).
        attention: The paths of its attention.
    """

    blocks: str
    down: str
    act: str
    into: str
    up: Tap | None = None
    transposed: bool = False
    attention: Attention | None = None

    @property
    def projections(self) -> tuple[Tap, ...]:
        """Where the MLP's neurons begin: row j of each of these projections belongs to neuron j."""
        return (Tap(self.into, "output"), *([self.up] if self.up else []))

    @property
    def taps(self) -> Mapping[str, Tap]:
        """Site → where its tensor passes (METHODS §0)."""
        before_act = Tap(self.act, "input")
        return {
            "mlp": Tap(self.down, "input"),
            "mlp_gate": Tap(self.act, "output"),
            "mlp_gate_pre": before_act,
            "mlp_up": self.up or before_act,
            "resid_pre": Tap("", "input"),
            "resid": Tap("", "output"),
            **(self.attention.taps if self.attention else {}),
        }


SEPARATE = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")

LLAMA = Family(
    "model.layers",
    "mlp.down_proj",
    "mlp.act_fn",
    "mlp.gate_proj",
    Tap("mlp.up_proj", "output"),
    attention=Attention("self_attn.o_proj", SEPARATE),
)
"""The layout that most families follow."""

FAMILIES: dict[str, Family] = {
    "bloom": Family(
        "transformer.h",
        "mlp.dense_4h_to_h",
        "mlp.gelu_impl",
        "mlp.dense_h_to_4h",
        attention=Attention("self_attention.dense"),
    ),
    "cohere": LLAMA,
    "gemma2": LLAMA,
    # The larger Gemma 3 models read images too; their text model lies one level deeper.
    "gemma3": replace(LLAMA, blocks="model.language_model.layers"),
    "gemma3_text": LLAMA,
    "gpt2": Family(
        "transformer.h",
        "mlp.c_proj",
        "mlp.act",
        "mlp.c_fc",
        transposed=True,
        attention=Attention("attn.c_proj", "attn.c_attn"),
    ),
    "gpt_neox": Family(
        "gpt_neox.layers",
        "mlp.dense_4h_to_h",
        "mlp.act",
        "mlp.dense_h_to_4h",
        attention=Attention("attention.dense"),
    ),
    "granite": LLAMA,
    "llama": LLAMA,
    "mistral": LLAMA,
    "olmo2": LLAMA,
    # OPT keeps its MLP in the block itself and flattens [batch, token] before it.
    "opt": Family(
        "model.decoder.layers",
        "fc2",
        "activation_fn",
        "fc1",
        attention=Attention("self_attn.out_proj", SEPARATE),
    ),
    # Phi-3 fuses gate and up in one projection: [gate | up].
    "phi3": Family(
        "model.layers",
        "mlp.down_proj",
        "mlp.activation_fn",
        "mlp.gate_up_proj",
        Tap("mlp.gate_up_proj", "output", after=("mlp_gate_pre",)),
        attention=Attention("self_attn.o_proj", "self_attn.qkv_proj"),
    ),
    "qwen2": LLAMA,
    "qwen3": LLAMA,
}


def family_of(model_type: str) -> Family:
    """The table's entry for a transformers ``model_type``."""
    if model_type not in FAMILIES:
        raise NeuroglotError(
            f"models of type {model_type!r} are not known yet. Known: {', '.join(sorted(FAMILIES))}. "
            "To add one, write its Family entry in neuroglot/model/families.py (masked: encoders.py) and "
            "let `neuroglot doctor` prove it"
        )
    return FAMILIES[model_type]
