"""Romanised text: does a set follow its language, or the script that the language is written in?

For the languages that are not written in Latin letters. Identification and report are romanised; the other
languages keep their text, so that the sets are found against the same company. A set that serves the language
is found again on romanised text, at least in part, and hurts it there when it is switched off.
"""

from functools import partial

import numpy as np
import pandas as pd

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.losses import losses
from neuroglot.study.config import Study
from neuroglot.study.controls.checks import CHECKS, Check, NoOptions
from neuroglot.study.controls.controlling import Controlling
from neuroglot.study.controls.needs import sets_found_again
from neuroglot.study.sections import Frames
from neuroglot.text.romanise import check_romaniser, romanisable, romanised
from neuroglot.text.scripts import scripts_of

LIMITS = {"drop": "drop", "drop_low": "low", "drop_high": "high"}


def on_romanised_text(controlling: Controlling, options: NoOptions) -> Frames:
    """Frame ``romanised``: a row a recipe and language, drops in nats a character of the text that is read.

    ``native`` is the set on native text, as the run measured it. On romanised text, ``romanised`` is the same
    set, ``control`` its first matched control, and ``found`` the set that is found there. ``survives`` is the
    share of the set that is found there too, ``chance`` what it would be for a random set of that size.
    """
    study, text = controlling.run.study, controlling.run.text
    languages = romanisable(text["identify"])
    scripts = scripts_of(text["identify"])
    found = controlling.found_on(romanised(text["identify"], languages))
    report = romanised(text["report"].restrict(languages))
    lost = partial(losses, unit="characters", resamples=study.resamples, seed=study.seed)
    before = lost(controlling.ablation).to_dict("records")
    native = {(row["mask"], row["language"]): row for row in before}
    rows = []
    for language in languages:
        samples = controlling.samples(report.restrict([language]))
        for recipe, sets in found:
            own, again = controlling.chosen(recipe)[language], sets[language]
            acts = {
                "romanised": controlling.acts(recipe.name, {language: own}),
                "found": controlling.acts(recipe.name, {language: again}, label="found romanised"),
                "control": [act for act in controlling.matched(recipe, 1) if act[0].target == language],
            }
            measured = controlling.measured([act for each in acts.values() for act in each], samples)
            there = {row["mask"]: row for row in lost(measured).to_dict("records")}
            drops = {"native": native[acts["romanised"][0][0].name, language]}
            drops |= {part: there[each[0][0].name] for part, each in acts.items() if each}
            overlap = own.overlap(again)
            row = {
                "recipe": recipe.name,
                "target": language,
                "script": scripts[language],
                "survives": overlap.shared / len(own) if len(own) else np.nan,
                "jaccard": overlap.jaccard,
                "chance": len(again) / controlling.choosable(recipe),
            }
            for part in ("native", "romanised", "control", "found"):
                for name, column in LIMITS.items():
                    row[f"{part}_{column}"] = drops[part][name] if part in drops else np.nan
            rows.append(row)
    return {"romanised": pd.DataFrame(rows)}


def _refuse(study: Study, options: NoOptions) -> None:
    sets_found_again(study, options)
    check_romaniser()
    if study.text.source.startswith("hub:"):
        return  # to look at its letters would be to load it
    try:
        corpus = study.text.corpus()
    except NeuroglotError:
        return  # text that is not there yet is refused by whoever reads it
    romanisable(corpus)


CHECKS.register("romanised")(Check(on_romanised_text, refuse=_refuse))
