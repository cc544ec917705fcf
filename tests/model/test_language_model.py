import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.model.language_model import LanguageModel, check_layers
from tiny import save_tiny, tiny_model

IDS = torch.arange(10).view(2, 5) + 3


def test_what_was_saved_loads_again(tmp_path):
    model = LanguageModel.load(save_tiny(tmp_path))
    original = tiny_model("gemma3_text")
    assert torch.equal(model.body(IDS), original.body(IDS))
    assert model.fingerprint == original.fingerprint
    assert repr(model) == f"LanguageModel('{tmp_path}', gemma3_text, 3 layers × 48 neurons)"
    assert (model.name, model.revision, model.device.type) == (str(tmp_path), None, "cpu")


def test_the_tokenizer_reads_any_script(gemma):
    text = "Neurons, 神经元, thần kinh, нейроны, عصبونات"
    ids = gemma.tokenizer(text, add_special_tokens=False).input_ids
    assert len(ids) == len(text.encode())
    assert gemma.tokenizer.decode(ids) == text


def test_is_frozen_and_in_evaluation_mode():
    model = tiny_model("gpt2")
    assert not model.network.training
    assert not any(weight.requires_grad for weight in model.network.parameters())


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_column_of_the_down_weight_is_a_neuron(family):
    model = tiny_model(family)
    weight = model.down_weight(2)
    assert weight.shape == (32, 48)
    one_hot = torch.zeros(1, 48)
    one_hot[0, 5] = 1.0
    down = model.down_projection(2)
    torch.testing.assert_close(down(one_hot)[0], weight[:, 5] + down.bias)


def test_the_fingerprint_sees_one_bit_and_every_name():
    first = tiny_model("llama")
    assert first.fingerprint == tiny_model("llama").fingerprint
    assert first.fingerprint != tiny_model("llama", seed=1).fingerprint
    other = tiny_model("llama")
    weight = other.down_weight(1)
    weight[3, 7] = torch.nextafter(weight[3, 7], torch.tensor(torch.inf))
    assert first.fingerprint != other.fingerprint
    swapped = tiny_model("llama")
    mlp = swapped.site("mlp").blocks[0].mlp
    mlp.gate_proj, mlp.up_proj = mlp.up_proj, mlp.gate_proj
    assert first.fingerprint != swapped.fingerprint


def test_the_signature_says_what_a_bank_must_know(gemma):
    signature = gemma.signature
    assert signature.pop("fingerprint") == gemma.fingerprint
    assert signature == {
        "name": "tiny gemma3_text",
        "revision": None,
        "type": "gemma3_text",
        "layers": 3,
        "width": {
            "mlp": 48,
            "mlp_gate": 48,
            "mlp_gate_pre": 48,
            "mlp_up": 48,
            "resid_pre": 32,
            "resid": 32,
            "attn_q": 32,
            "attn_k": 16,
            "attn_v": 16,
            "attn_out": 32,
        },
        "dtype": "float32",
        "precision": "float32",
    }


def test_an_unknown_site_is_named_with_the_nearest(gemma):
    with pytest.raises(NeuroglotError, match="unknown site 'mlp_gat'; did you mean 'mlp_gate'"):
        gemma.site("mlp_gat")


def test_layers_that_do_not_exist():
    check_layers([0, 2], 3)
    with pytest.raises(NeuroglotError, match=r"layers \[-1, 3\] do not exist: the model has layers 0 to 2"):
        check_layers([-1, 0, 3], 3)


def test_an_unknown_family_is_refused(monkeypatch):
    network = tiny_model("llama").network
    network.config.model_type = "mamba"
    with pytest.raises(NeuroglotError, match="'mamba' are not known yet"):
        LanguageModel(network, None, "a mamba")
