"""A model that accelerate has spread: its hooks stand on every module, ours beside them.

There is one device here, so what moves between devices is not seen; that every part goes on working under
accelerate's hooks is.
"""

import numpy as np
import pytest
from accelerate import dispatch_model

from neuroglot.attribution.engine import score_samples
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from neuroglot.statistics.quantity import Quantity
from neuroglot.text.samples import Sample
from tiny import save_tiny, tiny_model

SAMPLES = [Sample("en", "d", n, (2, *range(5 + n, 14 + 2 * n)), 9, 9) for n in range(4)]
WANTED = [Quantity("mlp", "grad_act", "max", 1, "logprob"), Quantity("mlp_gate", "active", "sum")]


def results(model):
    draw = np.random.default_rng(0)
    masks = {}
    for name, first in (("low", 0), ("high", 1), ("higher", 2), ("none", 3)):
        mask = draw.random((model.layers, model.site("mlp").width)) < 0.3
        mask[:first] = False
        masks[name] = Intervention(NeuronSet("mlp", mask))
    scores = [
        score_samples(model, SAMPLES, WANTED, checkpointing=checkpointing) for checkpointing in (False, True)
    ]
    arrays = [tree[one.site][one.variable].values for tree in scores for one in WANTED]
    return [*arrays, likelihood(model, SAMPLES, masks)["log_prob"].values]


@pytest.mark.parametrize("family", ["gemma3_text", "bloom", "opt"])
def test_everything_works_under_accelerate_s_hooks(family):
    plain, spread = tiny_model(family), tiny_model(family)
    leaves = [name for name, module in spread.network.named_modules() if not list(module.children())]
    blocks = [f"{spread.family.blocks}.{layer}" for layer in range(spread.layers)]
    outside = [name for name in leaves if not name.startswith(tuple(blocks))]
    parts = dict.fromkeys([*blocks, *outside], "cpu")
    dispatch_model(spread.network, parts, force_hooks=True)
    assert all(hasattr(block, "_hf_hook") for block in spread.site("resid").blocks)
    for found, expected in zip(results(spread), results(plain), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_auto_takes_what_there_is(tmp_path):
    model = LanguageModel.load(save_tiny(tmp_path), device="auto")
    assert model.device.type in ("cpu", "cuda")
    assert model.fingerprint == LanguageModel.load(tmp_path, device="cpu").fingerprint
