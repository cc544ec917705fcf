"""Checkpoints with an intervention in them: read by plain transformers, and whole or not there."""

import json

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from neuroglot.errors import NeuroglotError
from neuroglot.intervention import export as exporting
from neuroglot.intervention.export import export
from neuroglot.intervention.hooks import intervene
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.families import FAMILIES
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from tiny import save_tiny, tiny_model

IDS = torch.tensor([[2, 40, 90, 17, 200, 5, 61, 33]])


def act(model, kind="zero", share=0.3):
    shape = (model.layers, model.site("mlp").width)
    mask = np.random.default_rng(3).random(shape) < share
    return Intervention(NeuronSet("mlp", mask, "xx", {"recipe": "by hand"}), kind)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_plain_transformers_reads_what_the_hooks_do(family, tmp_path):
    model = tiny_model(family)
    one = act(model, "scale(0.5)")
    done = export(model, one, tmp_path / "new" / "folded")
    with intervene(model, one), torch.inference_mode():
        expected = model.network(input_ids=IDS).logits
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "new" / "folded", dtype=torch.float32)
    with torch.inference_mode():
        found = plain(input_ids=IDS).logits
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert 0 <= done.difference < 1e-5 * max(1, done.largest) and done.inert == ""
    assert AutoTokenizer.from_pretrained(done.folder).encode("é") == model.tokenizer.encode("é")
    assert [path.name for path in tmp_path.joinpath("new").iterdir()] == ["folded"]


def test_a_bias_that_was_added_is_read_too(tmp_path):
    model = tiny_model("llama", mlp_bias=False)
    one = act(model, "constant(0.3)")
    export(model, one, tmp_path / "folded")
    with intervene(model, one), torch.inference_mode():
        expected = model.network(input_ids=IDS).logits
        found = AutoModelForCausalLM.from_pretrained(tmp_path / "folded")(input_ids=IDS).logits
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_the_folder_says_what_was_done(tmp_path):
    model = tiny_model("gpt2")
    one = act(model, "constant(0.25)")
    done = export(model, one, tmp_path / "folded")
    about = json.loads((tmp_path / "folded" / "neuroglot.json").read_text("utf-8"))
    assert about["kind"] == "constant(0.25)" and about["model"] == json.loads(json.dumps(model.signature))
    assert about["neurons"] == one.neurons.document
    assert about["added"] == [0.25] * len(one.neurons)
    assert about["verified"] == {"largest_difference": done.difference, "largest_logit": done.largest}
    names = {path.name for path in (tmp_path / "folded").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "generation_config.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl"))]


def test_half_precision_stays_half(tmp_path):
    model = LanguageModel.load(save_tiny(tmp_path / "tiny", "qwen3"), dtype="bfloat16")
    done = export(model, act(model), tmp_path / "folded")
    assert done.difference == 0  # columns of zeros round nothing
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "folded", dtype="auto").dtype == torch.bfloat16
    assert export(model, act(model, "scale(0.3)"), tmp_path / "scaled").difference > 0


def test_one_that_changes_nothing_says_so(tmp_path):
    model = tiny_model("qwen3")
    assert export(model, act(model, share=0), tmp_path / "folded").inert == "the set is empty"


def test_a_folder_that_is_there_stays(tmp_path):
    (tmp_path / "there").mkdir()
    model = tiny_model("qwen3")
    with pytest.raises(NeuroglotError, match="there' is there already; a checkpoint needs a new folder"):
        export(model, act(model), tmp_path / "there")
    assert list((tmp_path / "there").iterdir()) == []


def test_what_does_not_fold_leaves_nothing(tmp_path):
    model = tiny_model("qwen3")
    with pytest.raises(NeuroglotError, match="a qwen3 checkpoint has none"):
        export(model, act(model, "constant(1)"), tmp_path / "folded")
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_that_is_another_model_is_not_kept(tmp_path, monkeypatch):
    model = tiny_model("qwen3")
    honest = exporting.fold

    def sloppy(model, one):
        folded = honest(model, one)
        folded.down_weight(2)[:, 0] += 0.5
        return folded

    monkeypatch.setattr(exporting, "fold", sloppy)
    with pytest.raises(NeuroglotError, match=r"differs from the hooked model by .* nothing is kept"):
        export(model, act(model), tmp_path / "folded")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full(tmp_path, monkeypatch):
    model = tiny_model("qwen3")

    def full(_folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model.tokenizer, "save_pretrained", full)
    with pytest.raises(
        NeuroglotError, match=r"cannot write 'folded' in the folder .*: No space left on device"
    ):
        export(model, act(model), tmp_path / "folded")
    assert list(tmp_path.iterdir()) == []


def test_settings_that_transformers_refuses_to_write(tmp_path):
    model = tiny_model("qwen3")
    model.network.generation_config.do_sample = False
    model.network.generation_config.temperature = 0.3
    with pytest.raises(NeuroglotError, match="tiny qwen3 cannot be saved: "):
        export(model, act(model), tmp_path / "folded")
    assert list(tmp_path.iterdir()) == []
