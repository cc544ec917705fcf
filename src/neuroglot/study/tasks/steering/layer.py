"""After which layer the residual stream is moved: chosen on questions that are in no table."""

from collections.abc import Mapping, Sequence

import pandas as pd

from neuroglot.errors import NeuroglotError

LAYERS = 6
"""About so many are tried, evenly from the first."""

HELD_OUT = 2
"""Questions a pair that the choice is made on."""


def candidates(layers: Sequence[int]) -> list[int]:
    """The layers to try.

    >>> candidates(range(18)), candidates(range(3))
    ([0, 3, 6, 9, 12, 15], [0, 1, 2])
    """
    return list(layers[:: max(1, len(layers) // LAYERS)])


def check_layer(layer: int, read: Sequence[int]) -> None:
    """Refuses a layer whose means nobody measured.

    Raises:
        NeuroglotError: Naming those that were.
    """
    if layer not in read:
        raise NeuroglotError(
            f"there are no means after layer {layer}; layers {read[0]} to {read[-1]} were read"
        )


def choose_layer(answers: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """The layer whose answers are most often in the target, at all strengths asked for.

    Of layers alike in that, the one whose answers repeat themselves least; then the first.

    Args:
        answers: Layer → its answers, with ``in_target`` and ``repetition``.

    Returns:
        A row a layer: its means, and whether it is ``chosen``.
    """
    rows = [
        {
            "layer": layer,
            "answers": len(frame),
            "in_target": frame["in_target"].mean(),
            "repetition": frame["repetition"].mean(),
        }
        for layer, frame in answers.items()
    ]
    best = max(rows, key=lambda row: (row["in_target"], -row["repetition"]))
    return pd.DataFrame([row | {"chosen": row is best} for row in rows])
