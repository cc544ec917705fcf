"""Mixed precision: on only inside its context, float32 to the eye, faster only where the processor has it."""

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.model import precision
from neuroglot.model.precision import products, resolve
from tiny import tiny_model

LEVELS = {"float32": "highest", "mixed": "medium"}


@pytest.mark.parametrize("kind", LEVELS)
def test_the_switch_is_on_inside_and_back_outside_also_after_an_exception(kind):
    before = torch.get_float32_matmul_precision()
    with pytest.raises(ZeroDivisionError), products(kind):
        assert torch.get_float32_matmul_precision() == LEVELS[kind]
        with products("float32"):
            assert torch.get_float32_matmul_precision() == "highest"
        assert torch.get_float32_matmul_precision() == LEVELS[kind]
        _ = 1 / 0
    assert torch.get_float32_matmul_precision() == before


def test_auto_takes_what_the_processor_has(monkeypatch):
    monkeypatch.setattr(precision, "_bfloat16_products", lambda: True)
    assert resolve("auto", "cpu") == "mixed"
    assert resolve("auto", "cuda") == "float32"
    assert resolve("float32", "cpu") == "float32"
    monkeypatch.setattr(precision, "_bfloat16_products", lambda: False)
    assert resolve("auto", "cpu") == "float32"
    assert resolve("mixed", "cpu") == "mixed"


def test_unknown_precision_names_the_nearest():
    with pytest.raises(NeuroglotError, match=r"unknown precision 'mixd'; did you mean 'mixed'\?"):
        resolve("mixd", "cpu")


def test_a_model_computes_exactly_unless_told_otherwise():
    """Bulk work opts in; whoever calls the body directly gets float32."""
    model = tiny_model("llama")
    model.precision = "mixed"
    ids = torch.arange(3, 12)[None]
    with torch.inference_mode():
        outside = model.body(ids)
        with model.products():
            assert torch.get_float32_matmul_precision() == "medium"
        with products("float32"):
            exact = model.body(ids)
    assert torch.equal(outside, exact)
