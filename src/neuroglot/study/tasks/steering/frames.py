"""What steering came to: shares, repetition, fluency and content, with paired intervals over questions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from neuroglot.evaluation.bootstrap import interval, whole_then_resamples

CONDITION = ["method", "control", "strength"]
PAIR = ["source", "target"]

WITH_INTERVAL = ("in_target", "repetition", "fluency", "chrf")
ALONE = ("in_source", "length")
COLUMNS = (
    *CONDITION, *PAIR, "questions", "in_target", "in_target_low", "in_target_high", "in_source",
    "repetition", "repetition_low", "repetition_high", "fluency", "fluency_low", "fluency_high",
    "chrf", "chrf_low", "chrf_high", "length",
    "gain", "gain_low", "gain_high", "beyond", "beyond_low", "beyond_high",
)  # fmt: skip


def tabulate(answers: pd.DataFrame, resamples: int, seed: int) -> pd.DataFrame:
    """A row a condition and pair, and behind them a row a condition over all pairs (source and target empty).

    The same questions are drawn for every condition and pair: they are the same in every language.

    Args:
        answers: A row an answer: what `CONDITION` and `PAIR` say, ``question``, and the measures; NaN where
            an answer has none (an empty one has no fluency).
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        Means with 95 % intervals; ``gain``, the share answered in the target minus that without steering, and
        ``beyond``, the same minus that of the matched control, both paired.
    """
    asked = list(dict.fromkeys(answers["question"]))
    weights = whole_then_resamples(len(asked), resamples, seed)
    measures = [*WITH_INTERVAL, *ALONE]
    tables: dict[Key, pd.DataFrame] = {
        key: group.set_index("question").loc[asked, measures].astype(float)
        for key, group in answers.groupby([*CONDITION, *PAIR], sort=False)
    }
    rows = [_row(tables, key[:3], [key[3:]], key[3:], weights) for key in tables]
    pairs = list(dict.fromkeys(key[3:] for key in tables))
    rows += [_row(tables, key, pairs, ("", ""), weights) for key in dict.fromkeys(key[:3] for key in tables)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


Key = tuple[Any, ...]
"""What `CONDITION` says, or `PAIR`, or both."""


def _row(
    tables: Mapping[Key, pd.DataFrame],
    condition: Key,
    pairs: Sequence[Key],
    named: Key,
    weights: Int[np.ndarray, "resample question"],
) -> dict[str, object]:
    def drawn(name: str, of: Key) -> Float[np.ndarray, " resample"]:
        return _mean([tables[*of, *pair][name].to_numpy() for pair in pairs], weights)

    method, control, strength = condition
    row: dict[str, object] = dict(zip([*CONDITION, *PAIR], [*condition, *named], strict=True))
    row["questions"] = sum(len(tables[*condition, *pair]) for pair in pairs)
    for name in WITH_INTERVAL:
        row |= _ends(name, drawn(name, condition))
    for name in ALONE:
        row[name] = drawn(name, condition)[0]
    inside = drawn("in_target", condition)
    row |= _ends("gain", inside - drawn("in_target", ("none", "", 0.0)))
    twin = (method, "matched", strength)
    if not control and (*twin, *pairs[0]) in tables:
        row |= _ends("beyond", inside - drawn("in_target", twin))
    return row


def _mean(
    values: list[Float[np.ndarray, " question"]], weights: Int[np.ndarray, "resample question"]
) -> Float[np.ndarray, " resample"]:
    """The mean over pairs and drawn questions, of those that have the measure; all questions first."""
    table = np.stack(values)
    known = np.isfinite(table)
    total = weights @ np.where(known, table, 0.0).sum(axis=0)
    count = (weights @ known.sum(axis=0)).astype(float)
    mean: Float[np.ndarray, " resample"] = total / np.where(count == 0, np.nan, count)
    return mean


def _ends(name: str, drawn: Float[np.ndarray, " resample"]) -> dict[str, float]:
    low, high = interval(drawn[1:])
    return {name: float(drawn[0]), f"{name}_low": float(low), f"{name}_high": float(high)}
