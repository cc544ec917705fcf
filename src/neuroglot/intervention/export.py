"""A folded model as a checkpoint folder that plain transformers, vLLM and others read.

The folder appears in one rename, after what was written has been read back and agrees with the hooked model.
"""

import json
import os
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from neuroglot.errors import NeuroglotError
from neuroglot.files import write_text, writing
from neuroglot.intervention.fold import fold
from neuroglot.intervention.hooks import intervene, probe, prove
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.language_model import LanguageModel

ABOUT = "neuroglot.json"
"""What was done to the checkpoint, in its folder."""

FULL, HALF = 1e-4, 5e-2
"""How far logits may differ, as a share of the largest: in float32, and in types of half its width."""


@dataclass(frozen=True)
class Exported:
    """A checkpoint that was written, read back and compared.

    Attributes:
        folder: Where it is.
        difference: Largest difference of a logit from the hooked model's, on the probe.
        largest: The largest logit there.
        inert: Why the intervention changes nothing; empty if it does.
    """

    folder: Path
    difference: float
    largest: float
    inert: str


def export(model: LanguageModel, intervention: Intervention, folder: Path | str) -> Exported:
    """Writes a model with an intervention in its weights: safetensors, tokenizer, generation settings.

    Args:
        model: The model.
        intervention: What is folded into it (`fold`).
        folder: A new folder.

    Raises:
        NeuroglotError: The folder is there already or cannot be written, the intervention does not fold, or
            the checkpoint, read back, is not the hooked model.
    """
    folder = Path(folder)
    check_new(folder)
    (proof,) = prove(model, [intervention])
    folded = fold(model, intervention)
    working = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        with writing(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            _save(folded, working)
        del folded  # before it is there a third time
        difference, largest = _compared(model, intervention, working)
        about = _about(model, intervention) | {
            "verified": {"largest_difference": difference, "largest_logit": largest}
        }
        write_text(working / ABOUT, json.dumps(about, ensure_ascii=False, sort_keys=True))
        with writing(folder):
            working.rename(folder)
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return Exported(folder, difference, largest, proof.inert)


def check_new(folder: Path) -> None:
    """Refuses a folder that is there: a checkpoint is never mixed with another.

    Raises:
        NeuroglotError: It is.
    """
    if folder.exists():
        raise NeuroglotError(f"{str(folder)!r} is there already; a checkpoint needs a new folder")


def _save(model: LanguageModel, folder: Path) -> None:
    try:
        model.network.save_pretrained(folder)
        model.tokenizer.save_pretrained(folder)
    except ValueError as error:  # settings that transformers refuses to write
        raise NeuroglotError(f"{model.name} cannot be saved: {str(error).splitlines()[0]}") from error


def _compared(model: LanguageModel, intervention: Intervention, folder: Path) -> tuple[float, float]:
    """The largest difference of a logit between a checkpoint and the hooked model, and the largest logit.

    Raises:
        NeuroglotError: They are not the same model.
    """
    dtype = str(model.network.dtype).removeprefix("torch.")
    found = LanguageModel.load(folder, dtype=dtype, precision=model.precision, device=str(model.device))
    ids = probe(model)
    with torch.inference_mode():
        with intervene(model, intervention):
            hooked = model.network(input_ids=ids).logits.float()
        difference = (found.network(input_ids=ids).logits.float() - hooked).abs().max().item()
    largest = hooked.abs().max().item()
    limit = (FULL if model.network.dtype == torch.float32 else HALF) * largest
    if not difference <= limit:
        raise NeuroglotError(
            f"the checkpoint, read back, differs from the hooked model by {difference:.1e}, and rounding "
            f"makes {limit:.1e} at most; nothing is kept"
        )
    return difference, largest


def _about(model: LanguageModel, intervention: Intervention) -> dict[str, Any]:
    neurons, shift = intervention.neurons, intervention.shift
    return {
        "format": "neuroglot/folded",
        "version": 1,
        "model": model.signature,
        "kind": intervention.kind,
        "added": None if shift is None else [float(each) for each in shift[neurons.mask]],
        "neurons": neurons.document,
        "versions": {name: version(name) for name in ("neuroglot", "torch", "transformers")},
    }
