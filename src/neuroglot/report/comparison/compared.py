"""What a comparison's page is made of: tidy frames by name, whose columns are listed here and nowhere else.

A frame that is missing or has no rows is a thing that was not measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from neuroglot.errors import NeuroglotError
from neuroglot.report.findings import COLUMNS as FINDINGS
from neuroglot.report.findings import Findings

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "standings": (*FINDINGS["langspec"], "budget"),
    "means": (*FINDINGS["means"], "budget"),
    "differences": (*FINDINGS["differences"], "budget"),
    "area": ("recipe", "area"),
    "crossed": ("score", "contrast", "f1_relative", "f1_absolute", "collateral_mean", "size"),
    "faithfulness": ("score", "signed", "spearman", "low", "high", "neurons"),
    "effects": ("score", "language", "layer", "neuron", "value", "effect"),
    "predicted": ("recipe", "language", "predicted", "measured"),
    "recipe_overlap": ("recipe_a", "recipe_b", "jaccard"),
    "language_overlap": ("recipe", "language_a", "language_b", "shared", "jaccard"),
    "density": FINDINGS["density"],
    "stability": ("recipe", "kind", "language", "jaccard"),
    "thresholds": ("threshold", "language", "size", "f1_relative", "collateral_mean", "jaccard"),
    "cost": ("recipe", "seconds", "passes", "peak_mb"),
    "known_answer": ("recipe", "language", "precision", "recall", "decoys", "size"),
    "completeness": ("score", "layer", "share"),
    "base": FINDINGS["base"],
}


@dataclass(frozen=True)
class Compared:
    """A comparison's frames.

    Attributes:
        frames: By name; see `COLUMNS`.
        about: How it was made (see `Findings.about`).
        budget: The budget of the main table; the others are a sweep.

    Raises:
        NeuroglotError: A frame lacks a column.
    """

    frames: Mapping[str, pd.DataFrame]
    about: Mapping[str, Any]
    budget: float

    def __post_init__(self) -> None:
        for name, frame in self.frames.items():
            lacking = [column for column in COLUMNS.get(name, ()) if column not in frame.columns]
            if lacking and len(frame):
                raise NeuroglotError(f"lacks the column {', '.join(lacking)}", f"comparison.{name}")

    def rows(self, name: str) -> pd.DataFrame:
        """A frame; an empty one if it was not measured."""
        found = self.frames.get(name)
        if found is None or not len(found):
            return pd.DataFrame(columns=list(COLUMNS[name]))
        return found.fillna({"recipe": ""}) if "recipe" in found else found  # everything off has none

    def at_budget(self, name: str) -> pd.DataFrame:
        """The rows of a frame at the main budget and baseline zero."""
        rows = self.rows(name)
        return rows[(rows["budget"] == self.budget) & (rows["baseline"] == "zero")].reset_index(drop=True)

    @cached_property
    def findings(self) -> Findings:
        """The main table as a study's page knows it."""
        empty = {name: pd.DataFrame(columns=list(FINDINGS[name])) for name in FINDINGS}
        pairs = self.at_budget("differences")
        best = self.recipes[:1]  # all pairs of twenty recipes are a table that nobody reads; the CSV has them
        with_best = pairs["recipe_a"].isin(best) | pairs["recipe_b"].isin(best)
        return Findings(
            about=self.about,
            langspec=self.at_budget("standings"),
            means=self.at_budget("means"),
            drops=empty["drops"],
            base=self.rows("base"),
            differences=pairs[(pairs["drop"] == "relative") & with_best],
            layers=empty["layers"],
            quantiles=empty["quantiles"],
            overlap=empty["overlap"],
            scatter=empty["scatter"],
        )

    @property
    def recipes(self) -> list[str]:
        """The recipes, the best first."""
        means = self.at_budget("means")
        own = means[means["kind"] == "recipe"].sort_values("f1_relative", ascending=False, kind="stable")
        return list(own["recipe"])

    @property
    def everything_off(self) -> float | None:
        """Mean relative F1 of the sledgehammer; None if it was not measured."""
        means = self.at_budget("means")
        off = means.loc[means["kind"] == "everything_off", "f1_relative"]
        return float(off.iloc[0]) if len(off) else None
