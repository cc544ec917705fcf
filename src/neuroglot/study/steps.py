"""The steps of a study as functions: score → select → ablate. A run folder calls them; so can you.

>>> import neuroglot as ng                                                                  # doctest: +SKIP
>>> model = ng.LanguageModel.load("gemma3-270m")                                            # doctest: +SKIP
>>> text = ng.Corpus.commons(["en", "zh", "vi", "fr"]).split(identify=12, report=12)        # doctest: +SKIP
>>> bank = ng.score(model, text["identify"], ["grad_act"])                                  # doctest: +SKIP
>>> sets = ng.select(bank, "grad_act", budget="1%")                                         # doctest: +SKIP
>>> ng.ablate(model, sets, text["report"])                                                  # doctest: +SKIP
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import BASE, EVERYTHING_OFF, Ablation, Mask
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.evaluation.tables import tabulate
from neuroglot.intervention.kinds import Intervention, kind_named
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from neuroglot.objective import Task, samples_of
from neuroglot.progress import Track, silent
from neuroglot.specificity.arrays import LanguageMask
from neuroglot.specificity.selection import parse_budget
from neuroglot.statistics.bank import STORE_LIMIT, ScoreBank, bank_bytes
from neuroglot.statistics.language import require_samples
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.executors.local import Local
from neuroglot.study.executors.piece import Executor
from neuroglot.study.named import Named
from neuroglot.study.passes import Summary
from neuroglot.study.ranking import objective_of
from neuroglot.study.reading import Reading
from neuroglot.study.recipe import Recipe, load_recipe
from neuroglot.study.validation import located
from neuroglot.text.corpus import Corpus
from neuroglot.text.samples import Unit


def mean_activation(site: str) -> Quantity:
    """What the mean interventions at a site need of the bank (statistic ``rate``)."""
    return Quantity(site, "activation", "sum")


def activation_read(kind: str, site: str) -> set[Quantity]:
    """What a kind of intervention at a site needs of the bank: one quantity, or none."""
    reads = kind_named(kind).reads
    return {Quantity(site, "activation", reads[0])} if reads else set()


def activations_for(kind: str, bank: ScoreBank, site: str) -> xr.DataArray | None:
    """What stands for each language's activations under a kind, [language, layer, neuron] over all layers.

    None for a kind that needs none.
    """
    reads = kind_named(kind).reads
    if reads is None:
        return None
    reduction, statistic, options = reads
    layers = json.loads(bank.attributes["model"])["layers"]
    found = bank.statistic(Quantity(site, "activation", reduction), statistic, options=options)
    return found.reindex(layer=range(layers), fill_value=0.0)


def matched_on(kind: str, site: str) -> Quantity:
    """What controls at a site are matched on (statistic ``rate``): how often, how much, or how far.

    Args:
        kind: ``rate``, ``magnitude`` (mean |a|) or ``displacement``, |a|·‖W_down‖, at ``mlp``.
        site: Where the neurons are.

    Raises:
        NeuroglotError: There is no displacement at that site.
    """
    if kind == "displacement" and site != "mlp":
        raise NeuroglotError(f"controls matched on displacement are for site 'mlp', not {site!r}")
    score = {"rate": "active", "magnitude": "activation_abs", "displacement": "parallel"}[kind]
    return Quantity(site, score, "sum")


def score(
    model: LanguageModel,
    corpus: Corpus,
    recipes: Sequence[str | Recipe],
    *,
    also: Sequence[Quantity] = (),
    folder: Path | None = None,
    layers: Sequence[int] | None = None,
    positions: str = "all",
    unit: Unit = "sentence",
    checkpointing: bool = False,
    track: Track = silent,
    executor: Executor | None = None,
) -> ScoreBank:
    """Reads a corpus once and keeps what the recipes need.

    Args:
        model: The model.
        corpus: The text to identify on.
        recipes: Names, or recipes of your own.
        also: Further quantities, for interventions and controls.
        folder: Where finished shards are kept; what is there already is not computed again.
        layers: Restrict to these layers; default: all.
        positions: Tokens that count: ``all``, ``last`` or ``every:k``.
        unit: A sample is a ``sentence`` or a ``document``.
        checkpointing: Less memory for the backward pass, for more time.
        track: Progress bar.
        executor: Where the work is done; default: here, with ``model``.

    Returns:
        The bank: per-sample scores while they fit 4 GB, streamed statistics beyond.

    Raises:
        NeuroglotError: Unknown names, text that cannot be scored, layers or sites that do not exist.
    """
    known = [_recipe(recipe) for recipe in recipes]
    check_text(known, corpus)
    layer_count = len(set(layers or range(model.layers)))
    for recipe in known:
        with located(f"recipe {recipe.name!r}"):
            recipe.check_model(model, layer_count)
    samples = samples_of(model, corpus, unit)
    asked = {quantity: named for recipe in known for quantity, named in recipe.tasks.items()}
    wanted = sorted({*asked, *also})
    tasks = _tasks(model, corpus, unit, asked)
    size = sum(
        bank_bytes(
            [len(tasks[task].samples if (task := (one.objective, one.sentences)) in tasks else samples)],
            layer_count,
            [model.site(one.site).width],
        )
        for one in wanted
    )
    streamed = size > STORE_LIMIT
    attributes = {
        "model": json.dumps(model.signature),
        "corpus": json.dumps({"name": corpus.name, "fingerprint": corpus.fingerprint, "unit": unit}),
        "languages": json.dumps(corpus.languages),
        "positions": positions,
        "versions": json.dumps(versions()),
    }
    summary = Summary.needed_by(known, also) if streamed else None
    reading = Reading(
        executor or Local(model), samples, layers, positions, summary, attributes, checkpointing, tasks
    )
    bank = reading.bank(wanted, folder, track)
    lost = [language for language in corpus.languages if language not in bank.languages]
    if lost:
        first = next(one for one in bank.quarantined if one["language"] == lost[0])
        place = "the output" if first["layer"] is None else f"layer {first['layer']}"
        raise NeuroglotError(
            f"no sample of {lost[0]!r} has finite scores: {first['score']} is not finite in {place}; "
            "try dtype float32"
        )
    return bank


def check_text(recipes: Sequence[Recipe], corpus: Corpus) -> None:
    """Refuses text that lacks what a recipe's objective or statistic needs; it takes no model.

    Raises:
        NeuroglotError: Naming the recipe: no parallel text, too few sentences or documents, …
    """
    for recipe in recipes:
        with located(f"recipe {recipe.name!r}"):
            for quantity, named in recipe.tasks.items():
                objective_of(named).check(_at_most(quantity.sentences, corpus))
            for ranking in filter(None, (recipe, recipe.among)):
                text = _at_most(ranking.sentences or 0, corpus)
                there = {language: text.sentences(language) for language in text.languages}
                require_samples(ranking.samples.name, there)


def _at_most(sentences: int, corpus: Corpus) -> Corpus:
    """So many sentences a language, or as many as the language with the fewest has; 0: the corpus."""
    fewest = min(corpus.sentences(language) for language in corpus.languages)
    return corpus.take(min(sentences, fewest)) if sentences else corpus


def _tasks(
    model: LanguageModel, corpus: Corpus, unit: Unit, asked: Mapping[Quantity, Named]
) -> dict[tuple[str, int], Task]:
    """What is read beside the whole text: for objectives with text of their own, and for a few sentences."""
    tasks: dict[tuple[str, int], Task] = {}
    for quantity, named in asked.items():
        place = (quantity.objective, quantity.sentences)
        objective = objective_of(named) if quantity.objective else objective_of(Named(name="logprob"))
        if place in tasks or (objective.plain and not quantity.sentences):
            continue
        tasks[place] = objective.task(model, _at_most(quantity.sentences, corpus), unit)
    return tasks


def select(bank: ScoreBank, recipe: str | Recipe, budget: int | float | str = "1%") -> dict[str, NeuronSet]:
    """The neurons of every language by a recipe.

    Args:
        bank: What `score` returned.
        recipe: Its name, or one of your own.
        budget: Neurons allowed a language, as a share of all ("1%", 0.01) or a count. Rules with a threshold
            or a size of their own do not use it.

    Returns:
        Language → set, each with its provenance.
    """
    known, size = _recipe(recipe), parse_budget(budget)
    if known.searched:
        raise NeuroglotError(
            f"recipe {known.name!r} searches on the model: use neuroglot.search(model, bank, recipe, corpus)"
        )
    statistic = known.statistic(bank)
    return as_sets(bank, known, known.choose(statistic, size, bank), size)


def as_sets(
    bank: ScoreBank, recipe: Recipe, masks: LanguageMask, size: int | float, **more: Any
) -> dict[str, NeuronSet]:
    """Language → the set of a mask [language, layer, neuron], with the provenance of bank and recipe."""
    about = bank.attributes
    signature = json.loads(about["model"])
    provenance = {
        "model": signature,
        "corpus": json.loads(about["corpus"]),
        "recipe": recipe.model_dump(mode="json"),
        "budget": size,
        "positions": about["positions"],
        "versions": versions(),
        **more,
    }
    sets = {}
    for language, mask in zip(bank.languages, masks, strict=True):
        whole = np.zeros((signature["layers"], mask.shape[1]), dtype=bool)
        whole[list(bank.layers(recipe.site))] = mask
        sets[language] = NeuronSet(recipe.site, whole, language, provenance)
    return sets


def per_neuron(bank: ScoreBank, quantity: Quantity) -> xr.DataArray:
    """A rate of the bank as [language, layer, neuron] over all layers of the model; 0 where not scored."""
    layers = json.loads(bank.attributes["model"])["layers"]
    return bank.statistic(quantity, "rate").reindex(layer=range(layers), fill_value=0.0)


def ablate(
    model: LanguageModel,
    sets: Mapping[str, NeuronSet],
    corpus: Corpus,
    *,
    kind: str = "zero",
    bank: ScoreBank | None = None,
    unit: Unit = "sentence",
    track: Track = silent,
) -> pd.DataFrame:
    """Switches each set off in turn and says what every language lost, beside *everything off*.

    Args:
        model: The model.
        sets: Language → set.
        corpus: Text to report on; never the text that the sets were found on.
        kind: What is done to the neurons.
        bank: Where mean activations come from, for the kinds that need them (scored with `mean_activation`).
        unit: A sample is a ``sentence`` or a ``document``.
        track: Progress bar.

    Returns:
        A row a set: LangSpec-F1 (relative, absolute) with 95 % intervals, collateral, and size.
    """
    samples = samples_of(model, corpus, unit)
    site = next(iter(sets.values())).site
    masks = [base_mask(model), everything_off(model, site)]
    for language, neurons in sets.items():
        means = activations_for(kind, bank, neurons.site) if bank else None
        mask = Mask(f"{language} {kind}", "recipe", "set", kind, language, len(neurons))
        masks.append((mask, Intervention(neurons, kind, means)))
    with track("switching neurons off", len(masks) * sum(sample.tokens for sample in samples)) as advance:
        data = likelihood(model, samples, {mask.name: act for mask, act in masks}, advance=advance)
    return tabulate(Ablation(data, tuple(mask for mask, _ in masks))).langspec


def base_mask(model: LanguageModel) -> tuple[Mask, Intervention]:
    """Nothing off: what every mask is compared with."""
    nobody = NeuronSet("mlp", np.zeros((model.layers, model.site("mlp").width), dtype=bool))
    return Mask(BASE, BASE), Intervention(nobody)


def everything_off(model: LanguageModel, site: str) -> tuple[Mask, Intervention]:
    """The sledgehammer that every result stands beside."""
    everybody = NeuronSet(site, np.ones((model.layers, model.site(site).width), dtype=bool))
    return Mask(EVERYTHING_OFF, EVERYTHING_OFF, size=len(everybody)), Intervention(everybody)


def versions() -> dict[str, str]:
    """The packages that results depend on."""
    return {name: version(name) for name in ("neuroglot", "torch", "transformers", "numpy")}


def _recipe(recipe: str | Recipe) -> Recipe:
    return recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
