"""From answers to tables: accuracies under masks and LangSpec-F1, with one paired bootstrap over items."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from neuroglot.evaluation.ablation import BASE, Mask
from neuroglot.evaluation.bootstrap import interval, rates, whole_then_resamples
from neuroglot.evaluation.harness.benchmark import Answer
from neuroglot.evaluation.paired import Paired
from neuroglot.study.tasks.subjects import labels


def panel_frames(
    subject: str,
    panel: str,
    tasks: Mapping[str, str],
    masks: Sequence[Mask],
    answered: Mapping[tuple[str, str], Sequence[Answer]],
    *,
    resamples: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """The tables of one panel: a task a language.

    A task is at chance if the unmasked model's interval includes what guessing gives, or lies under it: there
    is nothing to lose. It gets no F1, and is no witness for other languages. Items are what the bootstrap
    draws; tasks of the same number of items draw the same ones, since they may be parallel.

    Args:
        subject: The name of the model.
        panel: The panel's.
        tasks: Language → task.
        masks: What was tried, the base among them.
        answered: (mask, task) → what was answered.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        ``benchmark``: subject, mask, recipe, kind, target, panel, task, language, items, chance, score, lost
        (score of the untouched model − score), both with the limits of their 95 % intervals, and at_chance.
        ``benchmark_f1``: LangSpec-F1 (absolute drop of accuracy) and collateral; NaN without a base to judge.
    """
    languages = list(tasks)
    right, items, chance = _arrays(languages, tasks, masks, answered)
    counts = items.sum(axis=1).tolist()
    drawn_items = counts[0] if len(set(counts)) == 1 else counts
    found = rates(right, items, whole_then_resamples(drawn_items, resamples, seed))
    base = [mask.name for mask in masks].index(BASE)
    paired = Paired(tuple(masks), tuple(languages), base, found[0], found[1:])
    at_chance = interval(paired.drawn[:, base])[0] <= chance
    about = {
        "panel": panel,
        "tasks": tasks,
        "items": counts,
        "chance": chance,
        "at_chance": at_chance,
    }
    return {
        "benchmark": pd.DataFrame(_scores(paired, subject, about)),
        "benchmark_f1": pd.DataFrame(_f1(paired, subject, panel, at_chance)),
    }


def _arrays(
    languages: Sequence[str],
    tasks: Mapping[str, str],
    masks: Sequence[Mask],
    answered: Mapping[tuple[str, str], Sequence[Answer]],
) -> tuple[
    Float[np.ndarray, "mask language item"],
    Int[np.ndarray, "language item"],
    Float[np.ndarray, " language"],
]:
    """Right or wrong, which items there are (padded where a language has fewer), and chance."""
    first = {language: answered[masks[0].name, tasks[language]] for language in languages}
    most = max(map(len, first.values()))
    right = np.zeros((len(masks), len(languages), most))
    items = np.zeros((len(languages), most), dtype=np.int64)
    for column, language in enumerate(languages):
        items[column, : len(first[language])] = 1
        for row, mask in enumerate(masks):
            own = answered[mask.name, tasks[language]]
            right[row, column, : len(own)] = [answer.right for answer in own]
    chance = np.array([np.mean([answer.chance for answer in first[language]]) for language in languages])
    return right, items, chance


def _scores(paired: Paired, subject: str, about: Mapping[str, Any]) -> list[dict[str, object]]:
    low, high = interval(paired.drawn)
    lost = paired.point[[paired.base]] - paired.point
    lost_low, lost_high = interval(paired.drawn[:, [paired.base]] - paired.drawn)
    return [
        {
            **labels(subject, mask),
            "panel": about["panel"],
            "task": about["tasks"][language],
            "language": language,
            "items": about["items"][column],
            "chance": about["chance"][column],
            "score": paired.point[row, column],
            "low": low[row, column],
            "high": high[row, column],
            "at_chance": bool(about["at_chance"][column]),
            "lost": lost[row, column],
            "lost_low": lost_low[row, column],
            "lost_high": lost_high[row, column],
        }
        for row, mask in enumerate(paired.masks)
        for column, language in enumerate(paired.languages)
    ]


def _f1(
    paired: Paired, subject: str, panel: str, at_chance: Bool[np.ndarray, " language"]
) -> list[dict[str, object]]:
    """LangSpec-F1 among the tasks that are not at chance."""
    known = np.flatnonzero(~at_chance)
    names = [paired.languages[column] for column in known]
    judged = Paired(
        paired.masks, tuple(names), paired.base, paired.point[:, known], paired.drawn[:, :, known]
    )
    rows = []
    for row, mask in enumerate(paired.masks):
        if mask.kind == BASE:
            continue
        for target in [mask.target] if mask.target else paired.languages:
            f1 = low = high = mean = largest = np.nan
            if target in names and len(names) > 1:
                place = names.index(target)
                f1, drawn = judged.f1(row, place, "absolute")
                low, high = map(float, interval(drawn))
                mean, largest = judged.collateral(row, place, "absolute")
            rows.append(
                {
                    **labels(subject, mask),
                    "target": target,
                    "panel": panel,
                    "f1": f1,
                    "low": low,
                    "high": high,
                    "collateral_mean": mean,
                    "collateral_max": largest,
                }
            )
    return rows
