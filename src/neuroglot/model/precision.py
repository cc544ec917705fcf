"""Mixed precision: products in bfloat16, all else in float32.

The products of a model and of its head are nearly all of its cost, and processors with AVX512-BF16 or AMX run
them several times as fast in bfloat16. Weights and activations stay float32: a product rounds its factors on
the way in and adds up in float32, so residual stream, norms, log-sum-exp, scores and statistics keep every
digit.
PyTorch has a switch for that (`torch.set_float32_matmul_precision`); on a GPU the same switch means TF32.

The switch is the process's, so it is on only inside `products`: bulk work opts in; proofs and statistics are
exact.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from neuroglot.errors import unknown

PRECISIONS = ("auto", "float32", "mixed")

_SWITCH = {"float32": "highest", "mixed": "medium"}


def resolve(precision: str, device: torch.device | str) -> str:
    """``float32`` or ``mixed``: what ``auto`` comes to on a device.

    Raises:
        NeuroglotError: An unknown name.
    """
    if precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    if precision != "auto":
        return precision
    # On a GPU float32 stays exact unless asked for: who wants speed there loads half precision.
    fast = torch.device(device).type == "cpu" and _bfloat16_products()
    return "mixed" if fast else "float32"


@contextmanager
def products(precision: str) -> Iterator[None]:
    """Inside, products of float32 matrices run in ``precision`` (``float32`` or ``mixed``)."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(_SWITCH[precision])
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _bfloat16_products() -> bool:
    """Whether the processor multiplies bfloat16 in hardware; elsewhere it would be emulated, and slower."""
    has = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(has.get("avx512_bf16") or has.get("amx_bf16") or has.get("bf16"))
