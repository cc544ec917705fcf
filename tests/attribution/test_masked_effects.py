"""Effects of single neurons on a gap of a masked language model, against a hook and a forward a point."""

import numpy as np
import pytest
import torch

from neuroglot.attribution.exact import move_at_last, plain_shift, shift_along_sign
from neuroglot.objective.target import Target
from tiny import tiny_model

TEXT = (70, 71, 90, 17, 40)
NEURONS = np.array([[0, 3], [0, 17], [1, 40], [2, 5]])
GRID = np.linspace(-2, 2, 9)


@pytest.mark.parametrize("tokens", [(33,), (33, 71)])
@pytest.mark.parametrize("way", [shift_along_sign, plain_shift])
def test_slopes_equal_a_loop_of_hooks_and_polyfit(way, tokens):
    model = tiny_model("bert")
    tokenizer, layers = model.tokenizer, model.network.base_model.encoder.layer
    ids = [tokenizer.cls_token_id, *TEXT, *[tokenizer.mask_token_id] * len(tokens), tokenizer.sep_token_id]
    gap = 1 + len(TEXT)
    target = Target((tokenizer.cls_token_id, *TEXT), tokens, "probability")
    found = move_at_last(model, target, NEURONS, way(GRID))
    slopes = np.polyfit(GRID, found.s.numpy().T, 1)[0]
    for number, (layer, index) in enumerate(NEURONS.tolist()):
        values = []
        for delta in GRID:

            def shift(_module, args, delta=delta, index=index):
                changed = args[0].clone()
                own = changed[0, gap, index]
                changed[0, gap, index] += delta * (own.sign() if way is shift_along_sign else 1)
                return (changed,)

            handle = layers[layer].output.dense.register_forward_pre_hook(shift)
            with torch.no_grad():
                table = model.network(input_ids=torch.tensor([ids])).logits[0].softmax(-1)
            handle.remove()
            values.append(float(np.prod([table[gap + n, token] for n, token in enumerate(tokens)])))
        assert slopes[number] == pytest.approx(np.polyfit(GRID, values, 1)[0], rel=1e-4, abs=1e-9)
