"""Interventions in the weights: the model as it is for good, for any engine (METHODS §5).

A projection that reads ``gain·a + shift`` of a neuron does what one does that reads ``a``, has that neuron's
column multiplied with the gain, and has ``shift`` times the column in its bias. So an intervention folds
where its neurons go straight into a projection, or where what stands between comes to the same.
"""

from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import nn

from neuroglot.errors import NeuroglotError
from neuroglot.intervention.hooks import check_fits
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.gguf import forget_quantisation
from neuroglot.model.language_model import LanguageModel


def fold(model: LanguageModel, intervention: Intervention) -> LanguageModel:
    """A copy of a model with an intervention in its weights; the model itself stays as it is.

    Args:
        model: Any loaded model on one device.
        intervention: At ``mlp`` and ``attn_out`` every kind folds; one that adds something needs a bias on
            the projection. In a gated MLP ``mlp_gate`` and ``mlp_up`` take zero and scale; before the
            activation function it is zero alone.

    Returns:
        The copy, its weights rounded to the model's own precision.

    Raises:
        NeuroglotError: The set does not fit the model, or the intervention does not fold; saying why.
    """
    check_fits(model, intervention.neurons)
    site = _folds_at(model, intervention)
    network = deepcopy(model.network)
    forget_quantisation(network)
    folded = LanguageModel(network, model.tokenizer, model.name, model.revision, model.precision)
    shift = intervention.shift
    if shift is not None and folded.site(site).module(0).bias is None:
        _give_biases(folded, intervention)
    for layer in np.flatnonzero(intervention.neurons.mask.any(axis=1)).tolist():
        chosen = np.flatnonzero(intervention.neurons.mask[layer])
        weight = folded.down_weight(layer) if site == "mlp" else folded.output_projection_weight(layer)
        own = weight[:, chosen].double()
        weight[:, chosen] = (intervention.gain * own).to(weight.dtype)
        if shift is not None:
            projection: Any = folded.site(site).module(layer)
            added = own @ torch.from_numpy(shift[layer, chosen]).to(own)
            projection.bias.copy_(projection.bias.double() + added)
    return folded


def _folds_at(model: LanguageModel, intervention: Intervention) -> str:
    """The site whose projection takes the intervention: ``mlp`` or ``attn_out``."""
    site, shift = intervention.neurons.site, intervention.shift
    refused = f"intervention {intervention.kind!r} at {site!r} does not fold into the weights: "
    if site in ("mlp", "attn_out"):
        return site
    if not site.startswith("mlp"):
        raise NeuroglotError(
            f"{refused}its neurons do not go straight into one projection; 'mlp' and 'attn_out' do"
        )
    gated = model.family.up is not None
    if site == "mlp_gate_pre" or (site == "mlp_up" and not gated):
        activation = model.site("mlp_gate").module(0)
        nothing = torch.zeros(1, dtype=model.network.dtype, device=model.device)
        if intervention.gain == 0 and shift is None and not activation(nothing).any():
            return "mlp"  # the activation function makes 0 of 0
        raise NeuroglotError(
            f"{refused}the activation function comes after it, and only zero passes that unchanged; "
            "every kind folds at 'mlp'"
        )
    if gated and shift is not None:
        raise NeuroglotError(
            f"{refused}what it adds is multiplied with the other half of the gated MLP; zero and scale fold "
            "there, and every kind at 'mlp'"
        )
    return "mlp"


def _give_biases(model: LanguageModel, intervention: Intervention) -> None:
    """Biases of 0 for the projections of every MLP, where the family's configuration has a word for them."""
    config = model.network.config
    if intervention.neurons.site == "attn_out" or not hasattr(type(config), "mlp_bias"):
        raise NeuroglotError(
            f"intervention {intervention.kind!r} at {intervention.neurons.site!r} does not fold into the "
            f"weights: it needs a bias on the projection, and a {model.model_type} checkpoint has none; "
            "zero and scale fold"
        )
    config.mlp_bias = True
    inside, _, _ = model.family.down.rpartition(".")
    for block in model.site("mlp").blocks:
        for projection in block.get_submodule(inside).children():
            if isinstance(projection, nn.Linear):
                weight = projection.weight
                projection.bias = nn.Parameter(weight.new_zeros(len(weight)), requires_grad=False)
