"""What a transfer's page is made of: tidy frames by name, whose columns are listed here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from neuroglot.errors import NeuroglotError
from neuroglot.report.findings import COLUMNS as FINDINGS
from neuroglot.report.findings import Findings

_GROUP = ("model", "kind", "recipe", "baseline", "language")

COLUMNS: Mapping[str, tuple[str, ...]] = {
    **{name: ("model", *FINDINGS[name]) for name in ("base", "drops", "langspec", "means")},
    "raw": (*_GROUP, "score", "score_low", "score_high"),
    "survival": (
        *_GROUP, "measure", "before", "before_low", "before_high", "after", "after_low", "after_high",
        "share", "share_low", "share_high", "ahead", "ahead_low", "ahead_high",
    ),
    "f1": (
        *_GROUP, "drop", "before", "before_low", "before_high", "after", "after_low", "after_high",
        "change", "change_low", "change_high",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Moved:
    """A transfer's frames.

    Attributes:
        frames: By name; see `COLUMNS`.
        about: How it was made (see `Findings.about`).

    Raises:
        NeuroglotError: A frame is missing, or lacks a column.
    """

    frames: Mapping[str, pd.DataFrame]
    about: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name, columns in COLUMNS.items():
            frame = self.frames.get(name, pd.DataFrame())
            lacking = [column for column in columns if column not in frame.columns]
            if lacking:
                raise NeuroglotError(f"lacks the column {', '.join(lacking)}", f"transfer.{name}")

    def rows(self, name: str) -> pd.DataFrame:
        """A frame."""
        return self.frames[name]

    @property
    def models(self) -> list[str]:
        """The model that the sets were found on, then those that they were applied to."""
        return list(dict.fromkeys(self.frames["base"]["model"]))

    @cached_property
    def findings(self) -> Findings:
        """All models in one table, as a study's page knows it: a set's baseline says on which model."""
        empty = {name: pd.DataFrame(columns=list(FINDINGS[name])) for name in FINDINGS}
        base = self.frames["base"]
        return Findings(
            about=self.about,
            langspec=self._by_model("langspec"),
            means=self._by_model("means"),
            drops=self._by_model("drops"),
            base=base[base["model"] == self.models[0]],
            differences=self._pairs(),
            layers=empty["layers"],
            quantiles=empty["quantiles"],
            overlap=empty["overlap"],
            scatter=empty["scatter"],
        )

    def _by_model(self, name: str) -> pd.DataFrame:
        frame = self.frames[name]
        return frame.assign(baseline=frame["baseline"] + " · on " + frame["model"])

    def _pairs(self) -> pd.DataFrame:
        """Each recipe's mean F1 on the other models against that where its sets were found."""
        rows = self.frames["f1"]
        rows = rows[(rows["kind"] == "recipe") & (rows["language"] == "") & (rows["drop"] == "relative")]
        pairs = rows.assign(
            recipe_a=rows["recipe"] + " on " + rows["model"],
            recipe_b=rows["recipe"] + " on " + self.models[0],
            difference=rows["change"],
            low=rows["change_low"],
            high=rows["change_high"],
        )
        return pairs[list(FINDINGS["differences"])]
