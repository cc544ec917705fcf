"""The rows of every table and heat map: nothing off, the recipes' sets, their controls, everything off."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from neuroglot.report.findings import KINDS
from neuroglot.report.tasks.columns import NONE, SET, Frames, languages, rows

ORG = "Org"
"""What the paper calls the model with nothing switched off."""

ALL_KINDS = (NONE, *KINDS)

_SHARED = {NONE: ORG, "uniform": "uniform random", "everything_off": "everything off"}


@dataclass(frozen=True)
class Line:
    """A row of a table.

    Attributes:
        mask: What is switched off.
        kind: ``none`` or one of `findings.KINDS`.
        recipe: That chose it, or whose set it controls.
        target: The language that it is for; of a mask that all languages share, the one that it is scored
            for; "" where nothing is.
        set: Its name without the language.
    """

    mask: str
    kind: str
    recipe: str
    target: str
    set: str

    @property
    def label(self) -> str:
        """All of it in words."""
        return f"{self.set} · {self.target}" if self.target else self.set


def lines(frames: Frames, subject: str, kinds: Sequence[str], *scored: pd.DataFrame) -> list[Line]:
    """A model's rows in the paper's order: recipes as the study has them, languages inside, then controls.

    Args:
        frames: Of the tasks.
        subject: The model.
        kinds: Those to show.
        scored: Frames of F1: a mask that all languages share has a row for each that it is scored for there.
    """
    masks = pd.concat([rows(frames, name)[list(SET)] for name in ("benchmark", "generation", "judge")])
    masks = masks[(masks["subject"] == subject) & masks["kind"].isin(kinds)].drop_duplicates("mask")
    f1 = pd.concat([pd.DataFrame(columns=list(SET)), *scored])
    f1 = f1[f1["subject"] == subject]
    found = []
    for mask, recipe, kind, target in masks[["mask", "recipe", "kind", "target"]].itertuples(index=False):
        aims = [target] if target else list(dict.fromkeys(f1.loc[f1["mask"] == mask, "target"])) or [""]
        name = set_name(mask, recipe, kind, target)
        found += [Line(mask, kind, recipe, each, name) for each in aims]
    sets = list(dict.fromkeys(line.set for line in found))
    order = ["", *languages(frames)]
    return sorted(
        found, key=lambda at: (ALL_KINDS.index(at.kind), sets.index(at.set), order.index(at.target))
    )


def set_name(mask: str, recipe: str, kind: str, target: str) -> str:
    """A mask without its language: its recipe, and how it acts if it does not just set to zero.

    A recipe's mask is called ``<recipe> <intervention> <language>`` (`study.plan.masks`).

    >>> set_name("crane zero vi", "crane", "recipe", "vi"), set_name("none", "", "none", "")
    ('crane', 'Org')
    >>> set_name("crane grand_mean vi", "crane", "recipe", "vi")
    'crane grand mean'
    >>> set_name("matched crane vi 0", "crane", "matched", "vi")
    'matched: crane'
    """
    if kind != "recipe":
        return _SHARED.get(kind, f"matched: {recipe}")
    act = mask.removeprefix(f"{recipe} ").removesuffix(f" {target}")
    return recipe if act in ("zero", mask) else f"{recipe} {act.replace('_', ' ')}"
