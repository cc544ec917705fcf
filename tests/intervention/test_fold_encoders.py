"""Folding a masked language model: the checkpoint alone does what the hooks do."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM

from neuroglot.intervention.export import export
from neuroglot.intervention.hooks import intervene
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from tiny import ENCODERS, tiny_model

IDS = torch.tensor([[9, 10, 11, 12, 13]])


@pytest.mark.parametrize("kind", ["zero", "constant(0.5)"])
@pytest.mark.parametrize("family", ENCODERS)
def test_a_folded_checkpoint_does_what_the_hooks_do(family, kind, tmp_path):
    model = tiny_model(family)
    mask = np.random.default_rng(0).random((model.layers, 48)) < 0.4
    act = Intervention(NeuronSet("mlp", mask), kind)
    export(model, act, tmp_path / "folded")
    with intervene(model, act):
        hooked = model.network(input_ids=IDS).logits
    plain = AutoModelForMaskedLM.from_pretrained(tmp_path / "folded", dtype=torch.float32)
    torch.testing.assert_close(plain(input_ids=IDS).logits, hooked, rtol=1e-4, atol=1e-4)
    assert (hooked - model.network(input_ids=IDS).logits).abs().max() > 0.1
    assert LanguageModel.load(tmp_path / "folded").encoder
