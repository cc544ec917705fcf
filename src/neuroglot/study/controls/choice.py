"""Continuation choice: does what hurts the likelihood hurt a task, and do the two agree?

Which of four is the true second half of a sentence of the report (`neuroglot.evaluation.choice`), before and
after the sets, their first matched controls, and everything are switched off.
"""

import numpy as np
import pandas as pd
from pydantic import Field

from neuroglot.evaluation.accuracy import accuracies
from neuroglot.evaluation.choice import CHANCE, choice_samples, chosen
from neuroglot.evaluation.losses import losses
from neuroglot.study.controls.checks import CHECKS, Check
from neuroglot.study.controls.controlling import Controlling
from neuroglot.study.controls.needs import sets_switched_off
from neuroglot.study.named import Strict
from neuroglot.study.sections import Frames
from neuroglot.text.continuations import CHOICES

CHOSEN = "recipe", "matched", "everything_off"


class Items(Strict):
    """How much is asked.

    Attributes:
        items: Sentences of the report a language, an item each; fewer where there are not as many.
    """

    items: int = Field(16, ge=CHOICES)


def choice(controlling: Controlling, options: Items) -> Frames:
    """Frames ``choice`` (a row a mask and language), ``choice_f1`` (a mask and target) and ``agreement``."""
    study, run = controlling.run.study, controlling.run
    report = run.text["report"]
    fewest = min(report.sentences(language) for language in report.languages)
    items, samples = choice_samples(
        run.model, report.take(min(options.items, fewest), study.seed), study.seed
    )
    acts = [
        act
        for recipe in controlling.recipes
        for act in (
            *controlling.acts(recipe.name, controlling.chosen(recipe)),
            *controlling.matched(recipe, 1),
        )
    ]
    measured = controlling.measured(acts, samples)
    found = accuracies(
        chosen(measured.data, items),
        measured.masks,
        chance=CHANCE,
        resamples=study.resamples,
        seed=study.seed,
    )
    tasks = _tasks(found.accuracy)
    f1 = found.langspec.rename(
        columns={
            "language": "target",
            "f1_absolute": "f1",
            "f1_absolute_low": "low",
            "f1_absolute_high": "high",
        }
    )
    return {
        "choice": tasks,
        "choice_f1": f1[["recipe", "kind", "target", "f1", "low", "high"]],
        "agreement": _agreement(controlling, tasks),
    }


def _tasks(accuracy: pd.DataFrame) -> pd.DataFrame:
    """The accuracies before and after, side by side."""
    base = accuracy[accuracy["kind"] == "none"].set_index("language")
    frame = accuracy[accuracy["kind"].isin(CHOSEN)]
    before = frame["language"].map(base["accuracy"])
    return pd.DataFrame(
        {
            **{name: frame[name] for name in ("recipe", "kind", "target", "language")},
            "items": frame["trials"],
            "accuracy_before": before,
            "before_low": frame["language"].map(base["low"]),
            "before_high": frame["language"].map(base["high"]),
            "accuracy_after": frame["accuracy"],
            "lost": 0.0 - frame["difference"],  # not -0.0
            "lost_low": 0.0 - frame["difference_high"],
            "lost_high": 0.0 - frame["difference_low"],
            "at_chance": frame["at_chance"],
        }
    )


def _agreement(controlling: Controlling, tasks: pd.DataFrame) -> pd.DataFrame:
    """Likelihood and task of every target under its set; an effect is there if its interval lies above 0."""
    study = controlling.run.study
    lost = losses(controlling.ablation, resamples=study.resamples, seed=study.seed)
    lost = lost[(lost["kind"] == "recipe") & (lost["baseline"] == "zero")]
    own = tasks[(tasks["kind"] == "recipe") & (tasks["target"] == tasks["language"])]
    both = own.merge(lost, on=["recipe", "target", "language"])
    likelihood, task = both["drop_low"] > 0, both["lost_low"] > 0
    verdict = np.select(
        [both["at_chance"], likelihood & task, likelihood, task],
        ["task at chance", "both", "likelihood only", "task only"],
        "neither",
    )
    return pd.DataFrame(
        {
            "recipe": both["recipe"],
            "target": both["target"],
            "likelihood_drop": -np.expm1(-both["drop"]),  # 1 - S'/S
            "accuracy_lost": both["lost"],
            "verdict": verdict,
        }
    )


CHECKS.register("choice")(Check(choice, Items, refuse=sets_switched_off))
