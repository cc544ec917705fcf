"""What a tuning's page is made of: tidy frames by name, whose columns are listed here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from neuroglot.errors import NeuroglotError
from neuroglot.report.findings import COLUMNS as FINDINGS
from neuroglot.report.findings import Findings
from neuroglot.report.words import figure, interval

DIGITS = 3
"""Decimals of a change in nats a token."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "arms": ("arm", "kind", "parameters", "rate", "rate_at_edge", "loss_before", "loss_after", "seconds"),
    "changes": ("arm", "kind", "language", "log_prob", "change", "low", "high"),
    "differences": ("rival", "language", "difference", "low", "high"),
    "curves": ("arm", "kind", "rate", "part", "step", "loss"),
    "base": FINDINGS["base"],
}

NAMES = {
    "selected": "selected neurons",
    "matched": "matched random, mean",
    "lora": "LoRA",
    "others": "others, mean",
}
"""What arms are called to a reader; in place of a language, the mean over all but the target."""


@dataclass(frozen=True)
class Tuned:
    """A tuning's frames.

    Attributes:
        frames: By name; see `COLUMNS`. In ``changes`` the arm ``matched`` is the mean over the random sets
            ``matched 0``, ``matched 1``, …, and the language ``others`` the mean over all but the target.
        language: The language that was tuned on.
        about: How it was made (see `Findings.about`).

    Raises:
        NeuroglotError: A frame is missing or lacks a column.
    """

    frames: Mapping[str, pd.DataFrame]
    language: str
    about: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name, columns in COLUMNS.items():
            found = self.frames[name].columns if name in self.frames else ()
            lacking = [column for column in columns if column not in found]
            if lacking:
                raise NeuroglotError(f"lacks the column {', '.join(lacking)}", f"tuning.{name}")

    @property
    def languages(self) -> list[str]:
        """The evaluated languages, the target first."""
        rest = [name for name in self.frames["base"]["language"] if name != self.language]
        return [self.language, *rest]

    @property
    def order(self) -> list[str]:
        """The arms as they are shown: selected, the mean of its controls, each of them, LoRA."""
        single = [name for name in self.frames["arms"]["arm"] if name not in ("selected", "lora")]
        return ["selected", "matched", *single, "lora"]

    def change(self, arm: str, language: str) -> pd.Series:
        """One row of ``changes``."""
        rows = self.frames["changes"]
        return rows[(rows["arm"] == arm) & (rows["language"] == language)].iloc[0]

    def difference(self, rival: str, language: str) -> pd.Series:
        """One row of ``differences``."""
        rows = self.frames["differences"]
        return rows[(rows["rival"] == rival) & (rows["language"] == language)].iloc[0]

    @property
    def headings(self) -> list[str]:
        """The columns of the table: target and mean of the others with intervals, then each of them."""
        others = self.languages[1:]
        return [
            "arm",
            "parameters",
            "step size",
            self.language,
            *([NAMES["others"], *others] if others else []),
        ]

    @property
    def lines(self) -> list[list[str]]:
        """A line an arm under `headings`, every figure already in words."""
        return [self._line(arm) for arm in self.order]

    def _line(self, arm: str) -> list[str]:
        arms = self.frames["arms"].set_index("arm")
        own = arm in arms.index  # the mean over the random sets is no arm, and as large as each of them
        parameters = arms["parameters"][arm if own else f"{arm} 0"]
        others = self.languages[1:]
        cells = [named(arm), f"{parameters:,}", f"{arms['rate'][arm]:g}" if own else "–"]
        for language in (self.language, *(["others"] if others else [])):
            row = self.change(arm, language)
            cells.append(interval(row["change"], row["low"], row["high"], DIGITS))
        return [*cells, *(figure(self.change(arm, each)["change"], DIGITS) for each in others)]

    @property
    def findings(self) -> Findings:
        """What the page of a study shows of it, too: the untuned model, and how it was made."""
        empty = {name: pd.DataFrame(columns=list(FINDINGS[name])) for name in FINDINGS}
        return Findings(
            about=self.about,
            langspec=empty["langspec"],
            means=empty["means"],
            drops=empty["drops"],
            base=self.frames["base"],
            differences=empty["differences"],
            layers=empty["layers"],
            quantiles=empty["quantiles"],
            overlap=empty["overlap"],
            scatter=empty["scatter"],
        )


def named(arm: str) -> str:
    """What an arm is called to a reader."""
    return NAMES.get(arm, arm.replace("matched ", "matched random "))
