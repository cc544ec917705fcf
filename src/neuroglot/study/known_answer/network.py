"""A Llama whose weights are written, not trained, so that what each neuron is for is known.

1. All embeddings have one length, which is large beside all that is written later, so that RMSNorm is nearly
   a constant factor: what a neuron reads is what was put there.
2. A neuron is an AND: its gate opens where all its codes are there, and stays far below 0 elsewhere.
3. Logits are `MARGIN` times the sum of what was said of the next language, kind and topic.
4. Writing where nobody reads still lengthens the stream, and RMSNorm sees it. An unread decoy therefore flips
   a coordinate from −δ/2 to +δ/2: silencing it changes no logit by more than rounding.
5. All remaining neurons, and the attention, have small random weights.
"""

from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from neuroglot.specificity.arrays import Mask
from neuroglot.study.known_answer.circuit import (
    BLOCKS,
    DECOYS,
    FLIP,
    HIDDEN,
    LAYERS,
    OPEN,
    SPECIAL,
    WIDTH,
    Neuron,
    neurons,
)
from neuroglot.study.known_answer.grammar import CLASSES, COMMA, LANGUAGES, TOPICS, Grammar, Word, vocabulary

CODE = 16.0
"""What a code is in the embedding: much more than the 1 that a neuron writes."""

LENGTH = 33.5
"""Of every embedding; four codes have 32."""

CONTEXT = 2.0
"""What the attention writes where everything so far is of one language."""

SHARP = 64.0
"""How steeply a gate opens."""

MARGIN = 3.5
"""Logits between what follows and what has one of language, kind and topic wrong: p is about 0.7."""

UNREAD = BLOCKS["unread"] + BLOCKS["slack"]


def build(
    grammar: Grammar, dice: np.random.Generator
) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast, dict[str, Mask], dict[str, Mask]]:
    """The model, its tokenizer, language → the neurons that only it needs, kind → its neurons."""
    words = tokenizer()
    network: Any = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words),
            hidden_size=HIDDEN,
            intermediate_size=WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            max_position_embeddings=128,
            rms_norm_eps=1e-6,
            tie_word_embeddings=False,
            pad_token_id=words.pad_token_id,
            eos_token_id=words.eos_token_id,
            bos_token_id=words.bos_token_id,
        )
    )
    truth = {language: np.zeros((LAYERS, WIDTH), dtype=bool) for language in LANGUAGES}
    kinds = {
        kind: np.zeros((LAYERS, WIDTH), dtype=bool)
        for kind in ("specific", "rare", "shared", "decoy", "filler")
    }
    with torch.no_grad():
        _embed(network, words)
        for layer, block in enumerate(network.model.layers):
            block.input_layernorm.weight.fill_(LENGTH / HIDDEN**0.5 / CODE)  # a code is read as 1
            block.post_attention_layernorm.weight.fill_(LENGTH / HIDDEN**0.5 / CODE)
            _attend(block.self_attn, layer, dice)
            _fill(block.mlp, dice)
        network.model.norm.weight.fill_(LENGTH / HIDDEN**0.5)  # the head reads what was written
        free = [iter(dice.permutation(WIDTH).tolist()) for _ in range(LAYERS)]
        for neuron in neurons(grammar, dice):
            index = next(free[neuron.layer])
            _plant(network.model.layers[neuron.layer].mlp, index, neuron)
            kinds[neuron.kind][neuron.layer, index] = True
            if neuron.kind in ("specific", "rare"):
                truth[neuron.language][neuron.layer, index] = True
    kinds["filler"] = ~np.any(list(kinds.values()), axis=0)
    return network, words, truth, kinds


def tokenizer() -> PreTrainedTokenizerFast:
    """A token a word."""
    index = {token: number for number, token in enumerate([*SPECIAL.values(), *vocabulary()])}
    words = Tokenizer(models.WordLevel(index, unk_token=SPECIAL["unk_token"]))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=words, **SPECIAL)


def _embed(network: Any, words: PreTrainedTokenizerFast) -> None:
    """Codes into the embedding; language, kind and topic of the next token into the head."""
    embedding, head = network.model.embed_tokens.weight, network.lm_head.weight
    embedding.zero_()
    head.zero_()
    embedding[:, BLOCKS["constant"][0]] = CODE
    for number in range(len(SPECIAL)):  # the tokenizer's first
        embedding[number, BLOCKS["special"][number]] = CODE
        head[number, BLOCKS["constant"][0]] = -2 * MARGIN / CODE
    comma = words.convert_tokens_to_ids(",")
    embedding[comma, BLOCKS["kind"][COMMA]] = CODE
    # The comma belongs to every language and topic, so that it depends on as much as a word does.
    head[comma, [BLOCKS["next_kind"][COMMA], *BLOCKS["next_language"], *BLOCKS["next_topic"]]] = MARGIN
    for number, language in enumerate(LANGUAGES):
        unread = BLOCKS["unread"][number * DECOYS // 2 : (number + 1) * DECOYS // 2]
        for kind in range(len(CLASSES)):
            for topic in range(len(TOPICS)):
                row = words.convert_tokens_to_ids(Word(kind, topic).written(language))
                for block, place in (("language", number), ("kind", kind), ("topic", topic)):
                    embedding[row, BLOCKS[block][place]] = CODE
                    head[row, BLOCKS[f"next_{block}"][place]] = MARGIN
                embedding[row, unread] = -FLIP / 2
    embedding[:, BLOCKS["slack"][0]] = (LENGTH**2 - embedding.square().sum(dim=1)).sqrt()


def _attend(attention: Any, layer: int, dice: np.random.Generator) -> None:
    """Nearly the mean of all positions so far. In layer 0 the first head carries the language."""
    for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
        _random(projection.weight, 0.3, dice)
        projection.weight[:, UNREAD] = 0
    _random(attention.o_proj.weight, 0.005, dice)
    attention.o_proj.weight[UNREAD + BLOCKS["context"]] = 0
    if layer == 0:
        carried = list(range(len(LANGUAGES)))
        attention.v_proj.weight[: len(LANGUAGES)] = 0
        attention.v_proj.weight[carried, BLOCKS["language"]] = 1.0
        attention.o_proj.weight[:, : len(LANGUAGES)] = 0
        attention.o_proj.weight[BLOCKS["context"], carried] = CONTEXT


def _fill(mlp: Any, dice: np.random.Generator) -> None:
    """Small random weights for every neuron; planted ones take the place of some."""
    for projection in (mlp.gate_proj, mlp.up_proj):
        _random(projection.weight, 0.5, dice)
        projection.weight[:, UNREAD] = 0
    mlp.gate_proj.weight[:, BLOCKS["constant"]] = -1.0  # as in trained models, most neurons fire seldom
    _random(mlp.down_proj.weight, 0.006, dice)
    mlp.down_proj.weight[UNREAD + BLOCKS["context"]] = 0


def _plant(mlp: Any, index: int, neuron: Neuron) -> None:
    gate, up, down = mlp.gate_proj.weight[index], mlp.up_proj.weight[index], mlp.down_proj.weight[:, index]
    for row in (gate, up, down):
        row.zero_()
    for (block, place), weight in neuron.gate.items():
        gate[BLOCKS[block][place]] = SHARP * weight * (CODE / CONTEXT if block == "context" else 1.0)
    gate[BLOCKS["constant"][0]] = -SHARP * neuron.bar
    block, place = neuron.up
    up[BLOCKS[block][place]] = neuron.strength / (SHARP * OPEN)
    for (block, place), amount in neuron.writes.items():
        down[BLOCKS[block][place]] += amount / neuron.strength


def _random(weight: Tensor, scale: float, dice: np.random.Generator) -> None:
    weight.copy_(torch.from_numpy(dice.normal(0.0, scale, tuple(weight.shape))))
