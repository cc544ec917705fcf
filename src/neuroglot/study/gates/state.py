"""A search on disk: one safetensors file, arrays beside a JSON header, whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from neuroglot.errors import NeuroglotError
from neuroglot.files import write_bytes, writing

SUFFIX = ".safetensors"


def write_state(path: Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> None:
    """Writes arrays and what JSON can say of the rest."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, save(dict(arrays), {"state": json.dumps(about)}))


def read_state(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
    """What was written; None if nothing was.

    Raises:
        NeuroglotError: The file is damaged.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads(file.metadata()["state"])
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise NeuroglotError(
            f"the search in {path.name!r} is damaged: {error}; remove it to begin anew"
        ) from error
