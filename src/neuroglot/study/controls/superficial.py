"""Superficial neurons: how much of a set is there for what the language looks like (after CULNIG's control)?

The same recipe on the same sentences with their words in random order: tokens and script stay, syntax and
sense go. What it chooses there as well is superficial; the two parts of each set are switched off apart.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from neuroglot.evaluation.losses import judged
from neuroglot.neurons import NeuronSet
from neuroglot.study.controls.checks import CHECKS, Check, NoOptions
from neuroglot.study.controls.controlling import Controlling
from neuroglot.study.controls.needs import sets_found_again
from neuroglot.study.sections import Frames, Sets
from neuroglot.text.superficial import superficial

WHOLE = "whole set"


def superficial_tokens(controlling: Controlling, options: NoOptions) -> Frames:
    """Frame ``superficial``: a row a recipe, language and part of its set, measured on the run's report.

    ``random of same size`` is drawn outside the set, as many in each layer as are beyond superficial.
    """
    study = controlling.run.study
    shuffled = controlling.found_on(superficial(controlling.run.text["identify"], study.seed))
    acts, part_of = [], {}
    for recipe, sets in shuffled:
        for part, these in _parts(controlling.chosen(recipe), sets, study.seed).items():
            for mask, act in controlling.acts(recipe.name, these, label=part):
                acts.append((mask, act))
                part_of[mask.name] = part
    bootstrap = {"resamples": study.resamples, "seed": study.seed}
    whole = judged(controlling.ablation, **bootstrap).assign(part=WHOLE)
    parts = judged(controlling.measured(acts), **bootstrap)
    parts["part"] = parts["mask"].map(part_of)
    found = [recipe.name for recipe, _ in shuffled]
    ours = (whole["kind"] == "recipe") & (whole["baseline"] == "zero") & whole["recipe"].isin(found)
    frame = pd.concat([whole[ours], parts], ignore_index=True)
    sizes = whole[ours].set_index(["recipe", "target"])["size"].rename("of")
    frame = frame.join(sizes, on=["recipe", "target"])
    frame["share"] = frame["size"] / frame["of"].where(frame["of"] > 0)
    columns = ["size", "share", "f1_relative", "low", "high", "drop", "drop_low", "drop_high"]
    return {"superficial": frame[["recipe", "target", "part", *columns]]}


def _parts(own: Sets, shuffled: Sets, seed: int) -> dict[str, dict[str, NeuronSet]]:
    """Part → language → neurons."""
    rng = np.random.default_rng(seed)
    parts: dict[str, dict[str, NeuronSet]] = {
        "also superficial": {},
        "beyond superficial": {},
        "random of same size": {},
    }
    for language, neurons in own.items():
        also, beyond = neurons.mask & shuffled[language].mask, neurons.mask & ~shuffled[language].mask
        drawn = np.zeros_like(neurons.mask)
        for layer, size in enumerate(beyond.sum(axis=1)):
            outside = np.flatnonzero(~neurons.mask[layer])
            drawn[layer, rng.choice(outside, min(size, len(outside)), replace=False)] = True
        for part, mask in zip(parts, (also, beyond, drawn), strict=True):
            about = {**neurons.provenance, "part": part}
            parts[part][language] = replace(neurons, mask=mask, provenance=about)
    return parts


CHECKS.register("superficial")(Check(superficial_tokens, refuse=sets_found_again))
