"""From a finished run to the frames that the page shows."""

from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neuroglot.neurons import NeuronSet
from neuroglot.report.findings import Findings
from neuroglot.specificity.scales import LAYER_SCALES
from neuroglot.study.controls import Controlling
from neuroglot.study.density import density
from neuroglot.study.recipe import Recipe
from neuroglot.study.run import Run
from neuroglot.study.tasks.tables import kept

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
POINTS = 60
"""Neurons that were not chosen, a layer and language, in the scatter; the chosen ones are all there."""


def gather(run: Run) -> Findings:
    """The findings of a run whose stages are finished."""
    tables, sets = run.tables(), run.sets
    statistics = {recipe.name: recipe.statistic(run.bank) for recipe in run.study.recipes}
    recipes = {recipe.name: recipe for recipe in run.study.recipes}
    return Findings(
        about=_about(run),
        langspec=tables.langspec,
        means=tables.means,
        drops=tables.drops,
        base=tables.base,
        differences=tables.differences,
        layers=_frame(_layers(sets), ["recipe", "language", "layer", "neurons"]),
        quantiles=pd.concat([_quantiles(recipes[name], array) for name, array in statistics.items()]),
        overlap=_frame(_overlap(sets), ["recipe", "language_a", "language_b", "shared", "jaccard"]),
        scatter=pd.concat([_scatter(recipes[name], array, sets[name]) for name, array in statistics.items()]),
        density=density(run.bank, run.study.recipes),
        controls=Controlling(run).frames(),
        tasks=kept(run),
    )


def _about(run: Run) -> dict[str, Any]:
    manifest = run.manifest
    model, text = manifest["stages"]["score"]["model"], manifest["stages"]["score"]["text"]
    seconds = {name: stage["seconds"] for name, stage in manifest["stages"].items()}
    return {
        "title": run.study.title,
        "model": Path(model["name"]).name,
        "revision": model["revision"] or "none",
        "weights": model["fingerprint"],
        "corpus": run.study.text.source
        if not Path(run.study.text.source).is_absolute()
        else text["identify"]["name"],
        "identified on": f"{text['identify']['name']} ({text['identify']['fingerprint'][:12]})",
        "reported on": f"{text['report']['name']} ({text['report']['fingerprint'][:12]})",
        "languages": run.study.text.languages,
        "sites": sorted({recipe.site for recipe in run.study.recipes}),
        "recipes": {recipe.name: f"{recipe.about} {recipe.source}" for recipe in run.study.recipes},
        "budget": run.study.budget,
        "seed": run.study.seed,
        "resamples": run.study.resamples,
        "versions": manifest["versions"],
        "started": manifest["started"],
        "finished": manifest["finished"],
        "seconds of the last run": seconds,
        **({"left out": left_out} if (left_out := _left_out(run)) else {}),
        "commands": [
            "pip install 'neuroglot[demo]'",
            "neuroglot run study.yaml   # the study.yaml of this run's folder",
        ],
    }


def _left_out(run: Run) -> list[str]:
    """The samples that are in no result, because a number of theirs was not finite."""
    scored = (
        f"{_place(one)} (identification): {one['score']} in "
        f"{'the output' if one['layer'] is None else 'layer ' + str(one['layer'])}"
        for one in run.bank.quarantined
    )
    read = (f"{_place(one)} (report): {one['mask']}" for one in run.ablation.left_out())
    return [*scored, *read]


def _place(one: Mapping[str, Any]) -> str:
    sentence = f", sentence {one['sentence'] + 1}" if one["sentence"] >= 0 else ""
    return f"{one['language']}, document {one['document']}{sentence}"


def _frame(rows: Iterator[tuple[Any, ...]], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns)


def _layers(sets: Mapping[str, Mapping[str, NeuronSet]]) -> Iterator[tuple[Any, ...]]:
    for recipe, languages in sets.items():
        for language, neurons in languages.items():
            for layer, count in enumerate(neurons.mask.sum(axis=1).tolist()):
                yield recipe, language, layer, count


def _overlap(sets: Mapping[str, Mapping[str, NeuronSet]]) -> Iterator[tuple[Any, ...]]:
    for recipe, languages in sets.items():
        for one, two in combinations_with_replacement(languages, 2):
            shared = languages[one].overlap(languages[two])
            yield recipe, one, two, shared.shared, shared.jaccard


def _layer_z(recipe: Recipe, statistic: xr.DataArray) -> np.ndarray:
    """On the recipe's own scales, then as z-scores inside each layer: layers can be read side by side."""
    return LAYER_SCALES["z"](recipe.scaled(statistic).values)


def _quantiles(recipe: Recipe, statistic: xr.DataArray) -> pd.DataFrame:
    """Of the neurons of each layer: the statistic as collected, and scaled as in the scatter."""
    both = xr.Dataset({"raw": statistic, "scaled": statistic.copy(data=_layer_z(recipe, statistic))})
    frame = both.quantile(QUANTILES, dim="neuron").to_dataframe().reset_index()
    return frame.assign(recipe=recipe.name)


def _scatter(recipe: Recipe, statistic: xr.DataArray, sets: Mapping[str, NeuronSet]) -> pd.DataFrame:
    """z-scores inside each layer: a language against the largest of the others (Le et al. 2026, Fig. 3)."""
    scaled = _layer_z(recipe, statistic)
    layers = statistic["layer"].values
    parts = []
    for number, language in enumerate(statistic["language"].values.tolist()):
        others = np.delete(scaled, number, axis=0).max(axis=0)
        chosen = sets[language].mask[layers]
        shown = chosen.copy()
        shown[:, :: max(1, chosen.shape[1] // POINTS)] = True
        layer, neuron = np.nonzero(shown)
        parts.append(
            pd.DataFrame(
                {
                    "recipe": recipe.name,
                    "language": language,
                    "layer": layers[layer],
                    "neuron": neuron,
                    "target": scaled[number, layer, neuron],
                    "others": others[layer, neuron],
                    "chosen": chosen[layer, neuron],
                }
            )
        )
    return pd.concat(parts)
