"""Tiny random models of the real transformers classes, one a family, and a tokenizer for any script.

A new family in ``neuroglot/model/families.py`` needs its configuration here; the doctor then proves it.
"""

from collections.abc import Callable
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PretrainedConfig, PreTrainedTokenizerFast

from neuroglot.model.language_model import LanguageModel
from neuroglot.model.loading import auto_class

SPECIAL = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>"}
VOCABULARY = 256 + len(SPECIAL)
"""One token a byte, so that every script can be written."""

COMMON = {"vocab_size": VOCABULARY, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}
SHAPE = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 128}
GATED = COMMON | SHAPE | {"intermediate_size": 48, "num_key_value_heads": 2, "head_dim": 8}
OPT = COMMON | SHAPE | {"ffn_dim": 48, "word_embed_proj_dim": 32}
GEMMA3 = GATED | {"sliding_window": 8, "query_pre_attn_scalar": 8}
VISION = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 8,
    "patch_size": 4,
}

CONFIGURATIONS: dict[str, Callable[..., PretrainedConfig]] = {
    "bloom": lambda **more: transformers.BloomConfig(
        **COMMON | {"hidden_size": 32, "n_layer": 3, "n_head": 4} | more
    ),
    "cohere": lambda **more: transformers.CohereConfig(**GATED | {"logit_scale": 0.25} | more),
    "gemma2": lambda **more: transformers.Gemma2Config(
        # The usual cap of 30 hardly bends logits as small as these.
        **GATED | {"final_logit_softcapping": 3.0, "query_pre_attn_scalar": 8, "sliding_window": 8} | more
    ),
    "gemma3": lambda **more: transformers.Gemma3Config(
        text_config=GEMMA3 | more, vision_config=VISION, mm_tokens_per_image=4
    ),
    "gemma3_text": lambda **more: transformers.Gemma3TextConfig(**GEMMA3 | more),
    "gpt2": lambda **more: transformers.GPT2Config(
        **COMMON | {"n_embd": 32, "n_inner": 48, "n_layer": 3, "n_head": 4, "n_positions": 128} | more
    ),
    "gpt_neox": lambda **more: transformers.GPTNeoXConfig(
        **COMMON | SHAPE | {"intermediate_size": 48} | more
    ),
    "granite": lambda **more: transformers.GraniteConfig(
        **GATED | {"logits_scaling": 4.0, "mlp_bias": True} | more
    ),
    "llama": lambda **more: transformers.LlamaConfig(**GATED | {"mlp_bias": True} | more),
    "mistral": lambda **more: transformers.MistralConfig(**GATED | {"sliding_window": 8} | more),
    "olmo2": lambda **more: transformers.Olmo2Config(**GATED | more),
    "opt": lambda **more: transformers.OPTConfig(**OPT | more),
    "phi3": lambda **more: transformers.Phi3Config(**GATED | more),
    "qwen2": lambda **more: transformers.Qwen2Config(**GATED | more),
    "qwen3": lambda **more: transformers.Qwen3Config(**GATED | more),
}


MASKED = {"cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "mask_token": "<mask>"}
ROBERTA = SHAPE | {"vocab_size": 256 + len(MASKED), "pad_token_id": 1, "intermediate_size": 48}

ENCODERS: dict[str, Callable[..., PretrainedConfig]] = {
    # As in the real ones, BERT pads with token 0, and RoBERTa, whose padding is 1, begins a text with it.
    "bert": lambda **more: transformers.BertConfig(**ROBERTA | {"pad_token_id": 0} | more),
    "roberta": lambda **more: transformers.RobertaConfig(**ROBERTA | {"max_position_embeddings": 130} | more),
    "xlm-roberta": lambda **more: transformers.XLMRobertaConfig(
        **ROBERTA | {"max_position_embeddings": 130} | more
    ),
}
"""Masked language models."""


def tiny_tokenizer(special: dict[str, str] = SPECIAL) -> PreTrainedTokenizerFast:
    """One token a UTF-8 byte, after the special ones: by default PAD, EOS and BOS."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*special.values(), *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


def tokenizer_of(family: str) -> PreTrainedTokenizerFast:
    """What goes with a family's tiny network."""
    if family not in ENCODERS:
        return tiny_tokenizer()
    names = [*MASKED] if family != "bert" else ["pad_token", "cls_token", "sep_token", "mask_token"]
    return tiny_tokenizer({name: MASKED[name] for name in names})


def tiny_network(family: str, seed: int = 0, **overrides: object) -> torch.nn.Module:
    """A random transformers model whose biases, norms and logits are all far from their trivial values."""
    config = (CONFIGURATIONS | ENCODERS)[family](**overrides)
    torch.manual_seed(seed)
    network = auto_class(config).from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim == 1:
                weight.add_(torch.randn_like(weight), alpha=0.2)
            else:
                weight.copy_(torch.randn_like(weight) * 1.5 / weight.shape[-1] ** 0.5)
    return network


def tiny_model(family: str, seed: int = 0, **overrides: object) -> LanguageModel:
    """A random `LanguageModel` of three layers of 48 neurons (128 in BLOOM, which fixes the ratio)."""
    return LanguageModel(tiny_network(family, seed, **overrides), tokenizer_of(family), f"tiny {family}")


def save_tiny(folder: Path, family: str = "gemma3_text", **overrides: object) -> Path:
    """Writes a tiny model and its tokenizer where `LanguageModel.load` can read them."""
    tiny_network(family, **overrides).save_pretrained(folder)
    tokenizer_of(family).save_pretrained(folder)
    return folder
