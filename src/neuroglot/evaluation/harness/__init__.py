"""Benchmarks as lm-evaluation-harness knows them (extra ``harness``), on a live model with its hooks on."""

import logging
import sys
from importlib.util import find_spec

from neuroglot.errors import NeuroglotError

MODEL = "neuroglot"
"""What ``lm_eval --model`` calls ours."""


def check_harness() -> None:
    """Refuses a machine without the harness, and asks it to keep to its errors.

    Raises:
        NeuroglotError: It is not installed.
    """
    if find_spec("lm_eval") is None:
        raise NeuroglotError("benchmarks need lm-evaluation-harness: pip install 'neuroglot[harness]'")
    logging.getLogger("lm_eval").setLevel(logging.ERROR)  # it warns of every model that is handed to it


def register() -> None:
    """Tells the harness, if it is at work in this process, of our model; nothing is loaded yet."""
    if "lm_eval" in sys.modules:
        import lm_eval.models  # noqa: F401  else the registry takes ours for all there is
        from lm_eval.api.registry import model_registry

        if MODEL not in model_registry:
            model_registry.register(MODEL, target=f"{__name__}.registered:RegisteredModel")


register()  # task files that name our functions bring us into the harness's own process
