"""GGUF files are written here by the format's own library, so that nothing depends on our reading of it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from neuroglot.model import gguf as gguf_module
from neuroglot.model.gguf import without_long_lists
from neuroglot.model.language_model import LanguageModel
from tiny import SHAPE, VOCABULARY, tiny_model, tiny_network, tiny_tokenizer

gguf = pytest.importorskip("gguf", reason="the extra `demo` is not installed")

TOKENS = tiny_tokenizer().convert_ids_to_tokens(range(VOCABULARY))


def write_gemma(path: Path) -> Path:
    """The tiny Gemma 3 as llama.cpp would write it."""
    network = tiny_network("gemma3_text")
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_block_count(3)
    writer.add_context_length(128)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(48)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_key_length(8)
    writer.add_layer_norm_rms_eps(network.config.rms_norm_eps)
    writer.add_rope_freq_base(network.config.rope_parameters["full_attention"]["rope_theta"])
    writer.add_sliding_window(8)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([0.0] * VOCABULARY)
    writer.add_token_types([gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.NORMAL] * 256)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(1)
    writer.add_pad_token_id(0)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GEMMA3, 3)
    for name, weight in network.named_parameters():
        # Gemma's norms multiply by 1 + weight, and llama.cpp stores the sum.
        stored = weight + 1 if weight.ndim == 1 else weight
        writer.add_tensor(names.get_name(name, (".weight",)), stored.detach().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def short_lists(monkeypatch):
    monkeypatch.setattr(gguf_module, "LONG", 200)


def test_leaves_out_long_lists_and_nothing_else(tmp_path, short_lists):
    source = write_gemma(tmp_path / "whole.gguf")
    without_long_lists(source, tmp_path / "short.gguf")
    whole, short = gguf.GGUFReader(source), gguf.GGUFReader(tmp_path / "short.gguf")
    lists = {"tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type"}
    assert set(whole.fields) - set(short.fields) == lists
    assert set(short.fields) - set(whole.fields) == {"gemma3.vocab_size"}
    assert short.fields["gemma3.vocab_size"].contents() == VOCABULARY
    for name in set(short.fields) & set(whole.fields) - {"GGUF.kv_count"}:
        assert short.fields[name].contents() == whole.fields[name].contents()
    assert [tensor.name for tensor in short.tensors] == [tensor.name for tensor in whole.tensors]
    for mine, theirs in zip(short.tensors, whole.tensors, strict=True):
        np.testing.assert_array_equal(mine.data, theirs.data)


def test_keeps_short_lists_and_a_size_that_is_there(tmp_path, monkeypatch):
    source = write_gemma(tmp_path / "whole.gguf")
    without_long_lists(source, tmp_path / "same.gguf")
    assert (tmp_path / "same.gguf").read_bytes() == source.read_bytes()
    monkeypatch.setattr(gguf_module, "LONG", 200)
    without_long_lists(source, tmp_path / "once.gguf")
    without_long_lists(tmp_path / "once.gguf", tmp_path / "twice.gguf")
    assert (tmp_path / "twice.gguf").read_bytes() == (tmp_path / "once.gguf").read_bytes()


def test_a_gguf_file_gives_the_model_that_it_holds(tmp_path, short_lists, monkeypatch):
    monkeypatch.setenv("NEUROGLOT_CACHE", str(tmp_path / "cache"))
    model = LanguageModel.load(write_gemma(tmp_path / "tiny.gguf"))
    ids = torch.arange(10).view(2, 5) + 3
    assert model.layers == SHAPE["num_hidden_layers"]
    # The format has no place for the scale of the queries; 256 is what readers take for granted.
    original = tiny_model("gemma3_text", query_pre_attn_scalar=256)
    torch.testing.assert_close(model.body(ids), original.body(ids))
    assert model.tokenizer.convert_ids_to_tokens([1, 2, 200]) == ["<eos>", "<bos>", TOKENS[200]]
    assert not list((tmp_path / "cache").rglob("*.gguf"))


@pytest.mark.parametrize("size", [3, 23, 60, 300])
def test_a_truncated_file_is_a_value_error(tmp_path, size):
    source = write_gemma(tmp_path / "whole.gguf")
    source.write_bytes(source.read_bytes()[:size])
    with pytest.raises(ValueError, match="GGUF header is damaged"):
        without_long_lists(source, tmp_path / "short.gguf")


def test_another_file_is_a_value_error(tmp_path):
    source = tmp_path / "other.gguf"
    source.write_bytes(b"PK" + bytes(100))
    with pytest.raises(ValueError, match="no GGUF file"):
        without_long_lists(source, tmp_path / "short.gguf")
