"""Benchmarks as lm-evaluation-harness knows them (extra ``harness``), on a live model with its hooks on."""

import logging
from importlib.util import find_spec

from neuroglot.errors import NeuroglotError


def check_harness() -> None:
    """Refuses a machine without the harness, and asks it to keep to warnings of weight.

    Raises:
        NeuroglotError: It is not installed.
    """
    if find_spec("lm_eval") is None:
        raise NeuroglotError("benchmarks need lm-evaluation-harness: pip install 'neuroglot[harness]'")
    logging.getLogger("lm_eval").setLevel(logging.ERROR)  # it warns of every model that is handed to it
