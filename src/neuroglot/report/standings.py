"""Who stands where: recipes first, the best on top, then their controls, then everything off.

Every chart, table and sentence starts from here, so that no two of them can disagree on a name or an order.
A *label* names what a mask is an example of: its recipe and baseline, or what kind of control it is. Seeds
share their label. Means over languages come from the study, with the interval of the mean; only seeds are
averaged here.
"""

import pandas as pd

from neuroglot.report.findings import COLUMNS, KINDS, Findings

_IDENTITY = ["kind", "recipe", "baseline", "label"]


def labels(frame: pd.DataFrame) -> pd.Series:
    """What each row's mask is called, from its ``kind``, ``recipe`` and ``baseline``."""
    prefixes = {"matched": "matched: ", "uniform": "uniform random", "everything_off": "everything off"}
    named = frame["kind"].map(prefixes).fillna("").astype(str)
    owned = frame["recipe"].where(frame["kind"].isin(["recipe", "matched"]), "").astype(str)
    return named + owned + " · " + frame["baseline"].astype(str).str.replace("_", " ")


def by_language(findings: Findings) -> pd.DataFrame:
    """One row a label and language: LangSpec-F1 and its interval, averaged over the seeds."""
    frame = findings.langspec.assign(label=labels(findings.langspec))
    scores = [name for name in COLUMNS["langspec"] if name.startswith("f1")]
    return frame.groupby([*_IDENTITY, "language"], sort=False, as_index=False)[scores].mean()


def standings(findings: Findings) -> pd.DataFrame:
    """The means, one row a label, in the order in which they are shown."""
    lines = findings.means.assign(label=labels(findings.means))
    best_first = lines.sort_values("f1_relative", ascending=False, kind="stable")
    found = best_first.loc[best_first["kind"] == "recipe"]
    rank = {pair: i for i, pair in enumerate(zip(found["recipe"], found["baseline"], strict=True))}
    # A control stands where the recipe that it controls stands, so that the eye can go from one to the other.
    places = [
        (KINDS.index(kind), rank.get((recipe, baseline), len(rank)))
        for kind, recipe, baseline in zip(
            best_first["kind"], best_first["recipe"], best_first["baseline"], strict=True
        )
    ]
    order = sorted(range(len(places)), key=places.__getitem__)
    return best_first.iloc[order].reset_index(drop=True)


def recipes(findings: Findings) -> list[str]:
    """The recipes, the best first, whatever the baseline; those that nobody evaluated come last."""
    lines = standings(findings)
    ranked = lines.loc[lines["kind"] == "recipe", "recipe"]
    frames = (findings.layers, findings.overlap, findings.quantiles, findings.scatter)
    return list(dict.fromkeys([*ranked, *(name for frame in frames for name in frame["recipe"].unique())]))
