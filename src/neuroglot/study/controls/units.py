"""Per token, per character, per byte: is it the tokenizer that a language's F1 speaks of?

A language whose words fall into many tokens has a higher likelihood a token and loses it otherwise. Per
character and per byte the same nats are divided by what no tokenizer decides.
"""

import pandas as pd

from neuroglot.evaluation.tables import tabulate
from neuroglot.study.controls.checks import CHECKS, Check, NoOptions
from neuroglot.study.controls.controlling import Controlling
from neuroglot.study.sections import Frames

UNITS = ("tokens", "characters", "bytes")


def units(controlling: Controlling, options: NoOptions) -> Frames:
    """Frame ``units``: a row a unit, recipe and language (see `tabulate`), controls included."""
    study = controlling.run.study
    parts = []
    for unit in UNITS:
        tables = tabulate(controlling.ablation, unit=unit, resamples=study.resamples, seed=study.seed)
        parts.append(tables.langspec.assign(unit=unit))
    frame = pd.concat(parts, ignore_index=True)
    return {"units": frame[frame["baseline"] == "zero"]}


CHECKS.register("units")(Check(units))
