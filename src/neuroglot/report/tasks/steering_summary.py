"""What steering says, in sentences decided by intervals; every strength is named, none is picked."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from neuroglot.report.words import figure, interval, listing

Line = Mapping[Any, Any]
"""A row of ``steering``."""

WAYS = {
    "enhance": "Multiplying the target's neurons",
    "add": "Adding multiples of their mean to the target's neurons",
    "replace": "Setting the target's neurons to their mean and silencing those of the question's language",
    "diffmean": "Moving the residual stream by the difference of means (DiffMean)",
}


def summarise_steering(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """The sentences, over all pairs of languages; empty without the frame ``steering``.

    Args:
        frames: ``steering``, and ``steering_layer`` where the layer of DiffMean was chosen.
    """
    rows = frames.get("steering", pd.DataFrame())
    if not len(rows):
        return []
    rows = rows[rows["source"] == ""]
    lines: dict[Any, Sequence[Line]] = {
        name: list(group.to_dict("records")) for name, group in rows[rows["control"] == ""].groupby("method")
    }
    randoms: dict[tuple[str, float], Line] = {
        (row["method"], row["strength"]): row for row in rows[rows["control"] != ""].to_dict("records")
    }
    none, asked, own = (lines[name][0] for name in ("none", "prompt", "own"))
    said = [
        f"Asked in one language, the untouched model answers in the other in {_percent(none)} of "
        f"{none['questions']} answers; when the question ends with the request, in {_percent(asked)}; asked "
        f"in that language itself, in {_percent(own)}."
    ]
    for method, words in WAYS.items():
        if method in lines:
            said.append(f"{words} brings {_shares(lines[method])}. {_verdict(lines[method], randoms)}")
            said.append(_cost(lines[method], none, own))
    return [*said, *_layer(frames.get("steering_layer", pd.DataFrame()))]


def _percent(row: Line) -> str:
    value, low, high = (100 * row[f"in_target{end}"] for end in ("", "_low", "_high"))
    return f"{interval(value, low, high, digits=0)} %"


def _times(row: Line) -> str:
    return "" if row["method"] == "replace" else f" at {row['strength']:g}"


def _shares(rows: Sequence[Line]) -> str:
    return listing([f"{_percent(row)}{_times(row)}" for row in rows]) + " of answers into the language"


def _verdict(rows: Sequence[Line], randoms: Mapping[tuple[str, float], Line]) -> str:
    """Against matched random neurons where there are such, else against doing nothing."""
    twins = [randoms[key] for row in rows if (key := (row["method"], row["strength"])) in randoms]
    measure, versus = ("beyond", "matched random neurons") if twins else ("gain", "doing nothing")
    beside = f"Matched random neurons: {listing([_percent(twin) for twin in twins])}. " if twins else ""
    ahead = [f"{row['strength']:g}" for row in rows if row[f"{measure}_low"] > 0]
    behind = [f"{row['strength']:g}" for row in rows if row[f"{measure}_high"] < 0]
    if not ahead and not behind:
        return f"{beside}That cannot be told from {versus}."
    single = rows[0]["method"] == "replace"
    said = [
        f"{word} {versus}" + ("" if single else f" at {listing(names)}")
        for names, word in ((ahead, "more than"), (behind, "less than"))
        if names
    ]
    return f"{beside}That is {listing(said)}."


def _cost(rows: Sequence[Line], none: Line, own: Line) -> str:
    """What becomes of content, fluency and repetition."""
    content = listing([figure(row["chrf"], 0) for row in rows])
    fluent = listing([figure(row["fluency"]) for row in rows])
    again = listing([figure(100 * row["repetition"], 0) for row in rows])
    return (
        f"There chrF to the answer asked in the language is {content} (untouched {figure(none['chrf'], 0)}), "
        f"log p {fluent} nats a character (untouched {figure(none['fluency'])}, asked in the language "
        f"{figure(own['fluency'])}), and {again} % of 4-grams are repeats (untouched "
        f"{figure(100 * none['repetition'], 0)} %)."
    )


def _layer(tried: pd.DataFrame) -> list[str]:
    if not len(tried):
        return []
    (layer,) = tried.loc[tried["chosen"], "layer"].unique()
    return [
        f"The difference of means acts after layer {layer}, which of {len(tried)} tried did best on "
        "questions that are in no table here."
    ]
