"""What several figures of a transfer draw."""

import altair as alt
import pandas as pd

from neuroglot.report.findings import KINDS
from neuroglot.report.theme import ACCENT, INK

_MODELS = [INK, ACCENT, "#d9772b", "#009e73", "#cc79a7", "#882255", "#999933", "#56b4e9"]


def in_order(frame: pd.DataFrame) -> list[str]:
    """The sets of a frame: recipes, their controls, everything off."""
    ranked = frame.sort_values("kind", key=lambda kinds: kinds.map(KINDS.index), kind="stable")
    return list(dict.fromkeys(ranked["set"]))


def model_colour(models: list[str], *, first: bool = True) -> alt.Color:
    """The same colour for a model in every chart; the one that the sets were found on is nearly black.

    Args:
        models: The one that the sets were found on first.
        first: Whether that one is in the chart.
    """
    colours = [_MODELS[i % len(_MODELS)] for i in range(len(models))]
    start = 0 if first else 1
    return alt.Color("model:N", title="model").scale(domain=models[start:], range=colours[start:])
