"""Who stands where: recipes first, the best on top, then their controls, then everything off.

Three steps from masks to one line a competitor; every chart, table and sentence starts from them, so that no two
of them can disagree on a mean or on an order:

1. a *label* names what a mask is an example of (recipe and baseline; seeds share it);
2. `by_language` averages the seeds;
3. `standings` summarises the languages: the mean of F1, the median of the two ratios (collateral and ρ have the drop
   of one language in the denominator, and one language that hardly moved would carry a mean away).

An interval of a mean over languages has the mean of the languages' ends: as if all of them erred together, hence
on the wide side.
"""

import pandas as pd

from neuroglot.report.findings import KINDS, Findings

F1 = [f"f1_{drop}{end}" for drop in ("relative", "absolute") for end in ("", "_low", "_high")]
RATIOS = ["collateral_mean", "collateral_max", "rho", "rho_low", "rho_high"]
_HOW = {**dict.fromkeys(F1, "mean"), **dict.fromkeys(RATIOS, "median"), "size": "mean"}
_IDENTITY = ["kind", "recipe", "baseline", "label"]


def labels(frame: pd.DataFrame) -> pd.Series:
    """What each row's mask is called, from its ``kind``, ``recipe`` and ``baseline``."""
    prefixes = {"matched": "matched random: ", "uniform": "uniform random", "everything_off": "everything off"}
    named = frame["kind"].map(prefixes).fillna("").astype(str)
    owned = frame["recipe"].where(frame["kind"].isin(["recipe", "matched"]), "").astype(str)
    return named + owned + " · " + frame["baseline"].astype(str).str.replace("_", " ")


def by_language(findings: Findings) -> pd.DataFrame:
    """One row a label and language: LangSpec-F1, collateral and ρ, over the seeds."""
    frame = findings.langspec.assign(label=labels(findings.langspec))
    return frame.groupby([*_IDENTITY, "language"], sort=False, as_index=False).agg(_HOW)


def standings(findings: Findings) -> pd.DataFrame:
    """One row a label, in the order in which they are shown: over the seeds, then over the languages."""
    lines = by_language(findings).groupby(_IDENTITY, sort=False, as_index=False).agg(_HOW)
    return (
        lines.assign(_kind=lines["kind"].map(KINDS.index), _best=-lines["f1_relative"])
        .sort_values(["_kind", "_best", "label"], ignore_index=True)
        .drop(columns=["_kind", "_best"])
    )


def recipes(findings: Findings) -> list[str]:
    """The recipes, the best first, whatever the baseline; those that nobody evaluated come last."""
    lines = standings(findings)
    ranked = lines.loc[lines["kind"] == "recipe", "recipe"]
    frames = (findings.layers, findings.overlap, findings.quantiles, findings.scatter)
    return list(dict.fromkeys([*ranked, *(name for frame in frames for name in frame["recipe"].unique())]))
