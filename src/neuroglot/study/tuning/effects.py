"""What tuning did: each arm's change of log-probability in each language, and selected against the rest."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from neuroglot.evaluation.ablation import BASE, Ablation
from neuroglot.evaluation.bootstrap import interval, rates, whole_then_resamples

OTHERS = "others"
"""In place of a language: the mean over all but the target."""

RIVALS = ("matched", "lora")
"""The kinds of arm that the selected neurons are compared with."""


@dataclass(frozen=True)
class Effects:
    """Two tidy tables, in nats a token; intervals are a paired bootstrap over documents.

    Attributes:
        changes: A row an arm and language (the languages, then `OTHERS`): ``arm``, ``kind``, ``language``,
            ``log_prob`` with the arm, ``change`` from the untuned model, ``low``, ``high``. The arm
            ``matched`` is the mean over the matched random sets.
        differences: A row a rival and language: the selected neurons' change less the rival's
            (``difference``, ``low``, ``high``); several matched sets count as their mean.
    """

    changes: pd.DataFrame
    differences: pd.DataFrame


def effects(ablation: Ablation, target: str, resamples: int, seed: int) -> Effects:
    """Compares arms on the report text.

    Args:
        ablation: Every sample's log-probability under every arm; arms are its masks.
        target: The language that was tuned on.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
    """
    languages = list(ablation.languages)
    log_prob, units, documents = ablation.by_document()
    means = rates(log_prob, units, whole_then_resamples(documents, resamples, seed))
    means = _with_others(means, languages.index(target))
    changes = means - means[:, [ablation.base]]
    by_kind: dict[str, list[int]] = {}
    for place, mask in enumerate(ablation.masks):
        by_kind.setdefault(mask.kind, []).append(place)
    columns = [*languages, OTHERS] if len(languages) > 1 else languages
    arms = [(mask.name, mask.kind, [place]) for place, mask in enumerate(ablation.masks) if mask.kind != BASE]
    arms.append(("matched", "matched", by_kind["matched"]))
    rows = [
        {
            "arm": arm,
            "kind": kind,
            "language": language,
            "log_prob": float(means[0, places, column].mean()),
            **_interval("change", changes[:, places, column].mean(axis=1)),
        }
        for arm, kind, places in arms
        for column, language in enumerate(columns)
    ]
    own = changes[:, by_kind["selected"][0]]
    apart = [
        {
            "rival": rival,
            "language": language,
            **_interval("difference", own[:, column] - changes[:, by_kind[rival], column].mean(axis=1)),
        }
        for rival in RIVALS
        for column, language in enumerate(columns)
    ]
    return Effects(pd.DataFrame(rows), pd.DataFrame(apart))


def _with_others(
    means: Float[np.ndarray, "resample arm language"], target: int
) -> Float[np.ndarray, "resample arm column"]:
    """The mean over all languages but the target as one more column, where there are any."""
    others = np.delete(means, target, axis=2)
    if not others.shape[2]:
        return means
    return np.concatenate([means, others.mean(axis=2, keepdims=True)], axis=2)


def _interval(name: str, values: Float[np.ndarray, " resample"]) -> dict[str, float]:
    low, high = interval(values[1:])
    return {name: float(values[0]), "low": float(low), "high": float(high)}
