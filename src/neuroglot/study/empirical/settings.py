"""What a measurement of empirical gradients may be told."""

from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float64
from pydantic import Field, model_validator

from neuroglot.attribution.lines import symmetric_grid
from neuroglot.objective.target import Measure
from neuroglot.study.named import Strict
from neuroglot.study.validation import validated, yaml_document

Shift = Literal["sign", "plain"]

MEASURES: dict[str, Measure] = {"prob": "probability", "logprob": "log_prob", "logit": "logit"}


class NegSettings(Strict):
    """How neurons are shifted, and what is compared with what comes of it.

    Attributes:
        neurons: How many, drawn evenly from all layers by the seed; all of a set, if there is one.
        set: A neuron set's file.
        sites: Where the neurons are.
        reach: The largest shift.
        step: From one shift to the next.
        shift: ``sign`` (along the activation's sign), ``plain``, or ``both``: one measurement gives both.
        relative: Shifts are in standard deviations of the neuron over the prompts' last positions.
        measure: Of the target: ``prob``, ``logprob`` or ``logit``.
        steps: Points of integrated gradients.
        resamples: Of the bootstrap over prompts.
        seed: Of the neurons, the groups of them and the bootstrap.
    """

    neurons: int = Field(1000, ge=1)
    set: str | None = None
    sites: list[str] = Field(["mlp"], min_length=1)
    reach: float = Field(2.0, gt=0)
    step: float = Field(0.2, gt=0)
    shift: Literal["sign", "plain", "both"] = "both"
    relative: bool = False
    measure: Literal["prob", "logprob", "logit"] = "prob"
    steps: int = Field(20, ge=1)
    resamples: int = Field(1000, ge=1)
    seed: int = 0

    @model_validator(mode="after")
    def _a_line(self) -> "NegSettings":
        _ = self.grid  # says so if that is one point
        return self

    @property
    def grid(self) -> Float64[np.ndarray, " point"]:
        """The shifts."""
        return symmetric_grid(self.reach, self.step)

    @property
    def shifts(self) -> tuple[Shift, ...]:
        """The kinds of shift that tables tell of."""
        return ("sign", "plain") if self.shift == "both" else (self.shift,)


class NegFile(NegSettings):
    """The same in a YAML file, which also says on what.

    Attributes:
        model: Anything that `LanguageModel.load` takes.
        prompts: A JSONL file.
    """

    model: str
    prompts: str


def load_settings(path: Path) -> NegFile:
    """Reads a YAML file.

    Raises:
        NeuroglotError: It is not there, or something in it is wrong.
    """
    return validated(NegFile, yaml_document(path), str(path))
