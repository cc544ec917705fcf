"""Masked language models: their sites and head are proven, copies of a text do not see each other."""

import json
from dataclasses import replace

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.answers.live import Ask, Writing, write
from neuroglot.model import encoders
from neuroglot.model.doctor import diagnose
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.last_position import LastPosition
from neuroglot.model.relevance import conservation
from neuroglot.model.suffix import entering, from_layer
from tiny import ENCODERS, save_tiny, tiny_model


@pytest.fixture(scope="module", params=ENCODERS)
def model(request) -> LanguageModel:
    return tiny_model(request.param)


def test_every_encoder_of_the_table_has_a_tiny_model():
    assert set(ENCODERS) == set(encoders.ENCODERS)


def test_the_doctor_passes(model):
    assert [check for check in diagnose(model) if not check.passed] == []


def test_the_doctor_sees_positions_that_begin_at_the_wrong_number(monkeypatch):
    family, bend = encoders.ENCODERS["roberta"]
    wrong = family, replace(bend, after_padding=False)
    monkeypatch.setattr(encoders, "ENCODERS", {**encoders.ENCODERS, "roberta": wrong})
    failed = [check.name for check in diagnose(tiny_model("roberta")) if not check.passed]
    assert failed == ["head", "padding"]


def test_the_sites_are_those_of_a_plain_mlp_and_of_separate_projections(model):
    assert {name: site.width for name, site in model.sites.items()} == {
        **dict.fromkeys(("mlp", "mlp_gate", "mlp_gate_pre", "mlp_up"), 48),
        **dict.fromkeys(("resid_pre", "resid", "attn_out", "attn_q", "attn_k", "attn_v"), 32),
    }
    ids = torch.tensor([[model.encoder.marks.begin, 9, 10, 11, model.encoder.marks.end]])
    seen, expected = {}, {}
    layer = model.network.base_model.encoder.layer[1]
    modules = {
        "attn_q": layer.attention.self.query,
        "attn_v": layer.attention.self.value,
        "mlp_up": layer.intermediate.dense,
        "resid": layer,
    }
    handles = [
        module.register_forward_hook(lambda _m, _a, output, name=name: expected.update({name: output}))
        for name, module in modules.items()
    ]
    for name in modules:
        with model.site(name).visit({1: lambda tensor, name=name: seen.update({name: tensor})}):
            model.body(ids)
    for handle in handles:
        handle.remove()
    for name in modules:
        assert torch.equal(seen[name], expected[name]), name


def test_what_is_loaded_from_a_folder_is_the_masked_model(tmp_path):
    folder = save_tiny(tmp_path / "bert", "bert")
    loaded = LanguageModel.load(folder, precision="float32")
    assert type(loaded.network).__name__ == "BertForMaskedLM"
    own = tiny_model("bert")
    assert loaded.encoder.marks == own.encoder.marks
    ids = torch.tensor([[1, 9, 10, 11, 2]])
    assert torch.equal(loaded.body(ids), own.body(ids))


def test_weights_without_a_head_are_refused(tmp_path):
    folder = save_tiny(tmp_path / "bert", "bert")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["BertModel"]}))
    with pytest.raises(NeuroglotError, match="bert model is a BertModel, which has no language-model head"):
        LanguageModel.load(folder)


def test_a_decoder_and_a_tokenizer_without_a_mask_are_refused():
    with pytest.raises(NeuroglotError, match="bert model set up as a decoder"):
        tiny_model("bert", is_decoder=True)
    model = tiny_model("bert")
    model.tokenizer.mask_token = None
    with pytest.raises(NeuroglotError, match="needs a mask_token"):
        LanguageModel(model.network, model.tokenizer, "no mask")


def test_positions_that_are_counted_after_the_padding_are_not_all_there():
    assert tiny_model("bert").max_tokens == tiny_model("roberta").max_tokens == 128


def test_blocks_from_a_layer_up_are_the_same_for_copies(model):
    marks = model.encoder.marks
    ids = torch.tensor([[marks.begin, 9, marks.gap, marks.end, marks.begin, marks.gap, 8, marks.end]])
    with entering(model, [1]) as kept:
        whole = model.body(ids)
    with from_layer(model, 1, kept[1]):
        assert torch.equal(model.body(ids), whole)


def test_relevance_is_conserved_without_biases(model):
    bare = tiny_model(model.model_type, seed=3)
    with torch.no_grad():
        for name, weight in bare.network.named_parameters():
            if name.endswith("bias"):
                weight.zero_()
    ids = torch.randint(5, 250, (2, 6), generator=torch.Generator().manual_seed(0))
    assert conservation(bare, ids) == pytest.approx([1] * 3, rel=1e-4)


def test_what_needs_a_causal_model_says_so(model):
    with pytest.raises(NeuroglotError, match=r"writing answers needs a causal language model; .* masked one"):
        write(model, [Ask("?", ())], Writing())


@torch.no_grad()
@pytest.mark.parametrize("gaps", [1, 3])
def test_the_last_position_is_the_first_gap_behind_the_prompt(model, gaps):
    marks, text = model.encoder.marks, [9, 10, 11, 12]
    last = LastPosition.of(model, [marks.begin, *text], [20] * (gaps - 1))
    whole = model.body(torch.tensor([[marks.begin, *text, *[marks.gap] * gaps, marks.end]]))[0, 5 : 5 + gaps]
    torch.testing.assert_close(last.hidden, whole, rtol=1e-4, atol=1e-5)
    for layer in range(model.layers):
        torch.testing.assert_close(last.run(layer, 2), whole.expand(2, -1, -1), rtol=1e-4, atol=1e-5)
