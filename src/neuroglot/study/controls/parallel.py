"""Parallel against monolingual identification: is a set one of the sentences that it was found on?

Parallel text says the same in every language, and much of it is translated. Sets found on monolingual text,
as much of it and none of the report's, are measured on the same report.
"""

from math import ceil

import pandas as pd
from pydantic import Field

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.losses import judged
from neuroglot.study.config import Study, Text
from neuroglot.study.controls.checks import CHECKS, Check
from neuroglot.study.controls.controlling import Controlling
from neuroglot.study.controls.needs import sets_found_again
from neuroglot.study.named import Strict
from neuroglot.study.sections import Frames
from neuroglot.text.corpus import Corpus
from neuroglot.text.samples import encode


class Monolingual(Strict):
    """The other text to identify on, in the languages of the study.

    Attributes:
        source: ``commons``, a folder (environment variables are expanded), or ``hub:owner/name``.
        identify_sentences: How many sentences a language; default: as many as make about as many tokens as
            the study identifies on.
    """

    source: str | None = None
    identify_sentences: int | None = Field(None, ge=1)


def parallel(controlling: Controlling, options: Monolingual) -> Frames:
    """Frame ``parallel``: a row a recipe, language and text to identify on, measured on the run's report."""
    study = controlling.run.study
    found = controlling.found_on(_monolingual(controlling, options))
    acts = [act for recipe, sets in found for act in controlling.acts(recipe.name, sets, label="monolingual")]
    bootstrap = {"resamples": study.resamples, "seed": study.seed}
    there = judged(controlling.ablation, **bootstrap).assign(identified_on="parallel")
    elsewhere = judged(controlling.measured(acts), **bootstrap).assign(identified_on="monolingual")
    overlaps = pd.DataFrame(
        {
            "recipe": recipe.name,
            "target": language,
            "jaccard": own.overlap(controlling.chosen(recipe)[language]).jaccard,
        }
        for recipe, sets in found
        for language, own in sets.items()
    )
    both = pd.concat([there[(there["kind"] == "recipe") & (there["baseline"] == "zero")], elsewhere])
    columns = ["f1_relative", "low", "high", "collateral_mean", "drop", "drop_low", "drop_high", "jaccard"]
    frame = both.merge(overlaps, on=["recipe", "target"])
    return {"parallel": frame[["recipe", "target", "identified_on", *columns]]}


def _monolingual(controlling: Controlling, options: Monolingual) -> Corpus:
    """About as many tokens as the run identified on; no sentence of its report, nor of a single token."""
    run = controlling.run
    study, text = run.study, run.text
    whole = Text(source=options.source or "", languages=study.text.languages).corpus()
    texts = sorted(whole.texts)
    encoded = encode(run.model.tokenizer, texts)
    too_short = {each for each, ids in zip(texts, encoded, strict=True) if len(ids) < 2}  # such as "Yes"
    corpus = whole.without(text["report"].texts | too_short)
    if options.identify_sentences is not None:
        return corpus.take(options.identify_sentences, study.seed)
    there = min(corpus.sentences(language) for language in corpus.languages)
    some = corpus.take(min(there, len(text["identify"]) // len(corpus.languages)), study.seed)
    wanted, have = (sum(one.tokens for one in controlling.samples(each)) for each in (text["identify"], some))
    sentences = ceil(some.sentences(corpus.languages[0]) * wanted / have)
    return corpus.take(min(there, sentences), study.seed)


def _refuse(study: Study, options: Monolingual) -> None:
    sets_found_again(study, options)
    if options.source is None:
        raise NeuroglotError(
            "needs other text to identify on: options: {source: a folder, or hub:owner/name}"
        )


CHECKS.register("parallel")(Check(parallel, Monolingual, refuse=_refuse))
