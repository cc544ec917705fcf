"""The frames that a study's checks leave, and their columns, which are listed here and nowhere else."""

from collections.abc import Mapping

import pandas as pd

from neuroglot.report.findings import Findings, measured
from neuroglot.report.standings import recipes

_F1 = ("f1_relative", "f1_relative_low", "f1_relative_high")


def _ends(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"


_DOSE = ("recipe", "strength", "target", "drop", "low", "high", "others_drop", "others_low", "others_high")

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "matched": (
        "recipe", "target", "effect", "control", *_ends("rho"),
        "standardised", "seeds", "p", "p_holm", "p_least",
    ),
    "units": ("unit", "mask", "recipe", "kind", "language", *_F1, "collateral_mean"),
    "scripts": (
        "recipe", "target", "language", "target_script", "language_script", "same_script",
        "drop_relative", "target_drop_relative", "share", "low", "high",
    ),
    "script_pairs": ("recipe", "pairs_of", "share", "low", "high", "pairs"),
    "tokens_per_character": (
        "recipe", "language", "script", "tokens_per_character", "f1_relative", "jaccard", "loss_per_byte",
    ),
    "tokens_correlation": ("recipe", "of", "spearman", "languages"),
    "romanised": (
        "recipe", "target", "script", "survives", "jaccard", "chance",
        "native_drop", "native_low", "native_high",
        "romanised_drop", "romanised_low", "romanised_high",
        "control_drop", "control_low", "control_high",
        "found_drop", "found_low", "found_high",
    ),
    "parallel": (
        "recipe", "target", "identified_on", "f1_relative", "low", "high",
        "collateral_mean", "drop", "jaccard",
    ),
    "superficial": (
        "recipe", "target", "part", "size", "share", "f1_relative", "low", "high",
        "drop", "drop_low", "drop_high",
    ),
    "baselines": ("recipe", "kind", "target", "f1_relative", "low", "high", "collateral_mean", "drop"),
    "stability": ("recipe", "kind", "language", "jaccard", "chance"),
    "dose": _DOSE,
    "dose_control": _DOSE,
    "direct": ("recipe", "target", *_ends("total"), *_ends("direct"), *_ends("share")),
    "choice": (
        "recipe", "kind", "target", "language", "items", "accuracy_before", "before_low", "before_high",
        "accuracy_after", *_ends("lost"), "at_chance",
    ),
    "choice_f1": ("recipe", "kind", "target", "f1", "low", "high"),
    "agreement": ("recipe", "target", "likelihood_drop", "accuracy_lost", "verdict"),
}  # fmt: skip
"""The columns that each frame must have; more are welcome and ignored.

``low`` and ``high`` end 95 % intervals over documents. A drop is what a language lost, in nats: positive is a
loss. ``recipe`` and ``target`` say whose set was switched off, ``language`` what was read then.
"""


def rows(findings: Findings, name: str) -> pd.DataFrame:
    """A check's frame; an empty one if it was not asked for.

    Raises:
        NeuroglotError: It lacks a column.
    """
    return measured(findings.controls, COLUMNS, name, "controls")


def recipes_of(findings: Findings, frame: pd.DataFrame) -> list[str]:
    """The recipes in a frame, the best first."""
    named = set(frame["recipe"])
    return [name for name in recipes(findings) if name in named]


def ordered(findings: Findings, frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with the best recipe first; inside a recipe as it was."""
    order = recipes_of(findings, frame)
    return frame.sort_values("recipe", key=lambda names: names.map(order.index), kind="stable")
