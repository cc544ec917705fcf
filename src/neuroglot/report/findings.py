"""What a report is made of: tidy frames, whose columns are listed here and nowhere else.

* The report computes no result. The study fills these frames; charts and tables only arrange them.
* *Tidy*: one row an observation. A frame without rows is a thing that the run did not measure.
* A set found for one language and a set shared by all are told apart by ``kind``, never by a name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import pandas as pd

from neuroglot.errors import NeuroglotError, unknown

KINDS = ("recipe", "matched", "uniform", "everything_off")
"""Kinds of mask, in the order in which they are shown: what was found, its controls, the sledgehammer."""

_SCORES = (
    "f1_relative", "f1_relative_low", "f1_relative_high",
    "f1_absolute", "f1_absolute_low", "f1_absolute_high",
    "collateral_mean", "collateral_max", "rho", "rho_low", "rho_high", "size",
)  # fmt: skip

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "langspec": ("mask", "recipe", "baseline", "kind", "language", *_SCORES),
    "means": ("recipe", "baseline", "kind", *_SCORES),
    "drops": (
        "mask", "recipe", "baseline", "kind", "target", "language",
        "log_likelihood", "perplexity", "drop_relative", "drop_absolute", "delta_log_prob",
    ),
    "base": (
        "language", "log_likelihood", "perplexity", "tokens", "characters", "bytes", "sentences", "documents",
    ),
    "differences": ("recipe_a", "recipe_b", "baseline", "drop", "difference", "low", "high"),
    "layers": ("recipe", "language", "layer", "neurons"),
    "quantiles": ("recipe", "language", "layer", "quantile", "raw", "scaled"),
    "overlap": ("recipe", "language_a", "language_b", "shared", "jaccard"),
    "scatter": ("recipe", "language", "layer", "neuron", "target", "others", "chosen"),
    "density": ("recipe", "target", "language", "layer", "neuron", "value"),
}  # fmt: skip
"""The columns that each frame must have; more are welcome and ignored."""


def _no_density() -> pd.DataFrame:
    return pd.DataFrame(columns=list(COLUMNS["density"]))


def measured(
    frames: Mapping[str, pd.DataFrame], columns: Mapping[str, Sequence[str]], name: str, where: str
) -> pd.DataFrame:
    """One of several frames; an empty one if nobody measured it.

    Args:
        frames: By name.
        columns: What each must have.
        name: Which.
        where: What they are part of, for the error.

    Raises:
        NeuroglotError: It lacks a column.
    """
    found = frames.get(name)
    if found is None or not len(found):
        return pd.DataFrame(columns=list(columns[name]))
    lacking = [column for column in columns[name] if column not in found.columns]
    if lacking:
        raise NeuroglotError(f"lacks the column {', '.join(lacking)}", f"{where}.{name}")
    return found


@dataclass(frozen=True)
class Findings:
    """All that one run found out, ready to be shown.

    Attributes:
        about: How it was made, in the order in which it is to be read. ``title`` heads the page and
            ``commands`` (a list) repeats the run; every other entry (model, revision, fingerprint, corpus,
            sites, languages, tokens, versions, seed, started, finished, seconds, …) is a text, a number, a
            list or a mapping.
        langspec: One row a mask and target language. F1 in [0, 1] on the relative and on the absolute drop,
            the ends of their bootstrap intervals, collateral (mean and largest drop of the other languages
            over the target's drop), ρ (the target's loss of log-probability over that of the matched
            controls; an infinite upper end makes it a lower bound) and ``size`` (neurons in the set).
            ``kind`` is one of `KINDS`; of a matched control, ``recipe`` is the one that it controls.
            Several seeds are several masks.
        means: One row a kind, recipe and baseline: the same over its languages and seeds, with the interval
            of the mean.
        drops: One row a mask and evaluated language. ``target`` is the language that the set was found for,
            "" for a set shared by all; log-likelihood per token; perplexity; ``drop_relative`` = 1 −
            S_masked/S and ``drop_absolute`` = S − S_masked, with S = exp(log-likelihood);
            ``delta_log_prob`` = log-likelihood − unmasked, in nats per token.
        base: One row a language: the same measures with nothing switched off, and how much text they rest
            on.
        differences: Mean LangSpec-F1 of ``recipe_a`` minus that of ``recipe_b`` (``drop``: relative or
            absolute), with the interval of a paired bootstrap over documents.
        layers: Neurons of each language's set in each layer.
        quantiles: Quantiles over a layer's neurons of the score, as collected (``raw``) and after
            ``scaled``.
        overlap: Neurons that two languages' sets share, as a count and as Jaccard index in [0, 1].
        scatter: A point a neuron: its normalised score in the language (``target``), the largest over the
            other languages (``others``), and whether it was chosen. A sample of the neurons, with all the
            chosen ones.
        density: A row a sentence: the score there of each language's most specific neurons, the most
            specific first.
        summary: Sentences in words. Empty: the page writes its own.
        controls: What the study's checks measured, by name of the frame (see `report/controls`).
        tasks: What tasks under every mask gave, by name of the frame (see `report/tasks`).

    Raises:
        NeuroglotError: A frame lacks a column, or a mask is of an unknown kind.
    """

    about: Mapping[str, Any]
    langspec: pd.DataFrame
    means: pd.DataFrame
    drops: pd.DataFrame
    base: pd.DataFrame
    differences: pd.DataFrame
    layers: pd.DataFrame
    quantiles: pd.DataFrame
    overlap: pd.DataFrame
    scatter: pd.DataFrame
    density: pd.DataFrame = field(default_factory=_no_density)
    summary: tuple[str, ...] | list[str] = ()
    controls: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    tasks: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in fields(self):
            frame = getattr(self, one.name)
            lacking = [name for name in COLUMNS.get(one.name, ()) if name not in frame.columns]
            if lacking:
                raise NeuroglotError(f"lacks the column {', '.join(lacking)}", f"findings.{one.name}")
        for name in ("langspec", "means", "drops"):
            for kind in set(getattr(self, name)["kind"]) - set(KINDS):
                raise unknown("kind", kind, KINDS, f"findings.{name}")

    @property
    def languages(self) -> list[str]:
        """The evaluated languages, in the study's own order, which every chart and table keeps."""
        return list(self.base["language"])
