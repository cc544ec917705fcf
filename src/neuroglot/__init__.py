"""neuroglot: which neurons does a language model need for a language?

The names below load their modules when first used, so that `import neuroglot` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuroglot.errors import NeuroglotError
    from neuroglot.evaluation.langspec import langspec_f1
    from neuroglot.intervention.export import export
    from neuroglot.intervention.fold import fold
    from neuroglot.intervention.hooks import intervene
    from neuroglot.intervention.kinds import Intervention
    from neuroglot.model.language_model import LanguageModel
    from neuroglot.neurons import NeuronSet
    from neuroglot.neurons.importers import import_sets
    from neuroglot.specificity.lape import lape
    from neuroglot.statistics.bank import ScoreBank
    from neuroglot.study.config import Study, load_study
    from neuroglot.study.empirical import NegSettings, neg
    from neuroglot.study.recipe import Recipe, load_recipe
    from neuroglot.study.run import Run
    from neuroglot.study.searching import search
    from neuroglot.study.steps import ablate, score, select
    from neuroglot.study.transfer import transfer
    from neuroglot.study.tuning import TuneSettings, Tuning
    from neuroglot.text.corpus import Corpus

_HOMES = {
    "Corpus": "neuroglot.text.corpus",
    "Intervention": "neuroglot.intervention.kinds",
    "LanguageModel": "neuroglot.model.language_model",
    "NegSettings": "neuroglot.study.empirical",
    "NeuroglotError": "neuroglot.errors",
    "NeuronSet": "neuroglot.neurons",
    "Recipe": "neuroglot.study.recipe",
    "Run": "neuroglot.study.run",
    "ScoreBank": "neuroglot.statistics.bank",
    "Study": "neuroglot.study.config",
    "TuneSettings": "neuroglot.study.tuning",
    "Tuning": "neuroglot.study.tuning",
    "ablate": "neuroglot.study.steps",
    "export": "neuroglot.intervention.export",
    "fold": "neuroglot.intervention.fold",
    "import_sets": "neuroglot.neurons.importers",
    "intervene": "neuroglot.intervention.hooks",
    "langspec_f1": "neuroglot.evaluation.langspec",
    "lape": "neuroglot.specificity.lape",
    "load_recipe": "neuroglot.study.recipe",
    "load_study": "neuroglot.study.config",
    "neg": "neuroglot.study.empirical",
    "score": "neuroglot.study.steps",
    "search": "neuroglot.study.searching",
    "select": "neuroglot.study.steps",
    "transfer": "neuroglot.study.transfer",
}

__all__ = [
    "Corpus",
    "Intervention",
    "LanguageModel",
    "NegSettings",
    "NeuroglotError",
    "NeuronSet",
    "Recipe",
    "Run",
    "ScoreBank",
    "Study",
    "TuneSettings",
    "Tuning",
    "ablate",
    "export",
    "fold",
    "import_sets",
    "intervene",
    "langspec_f1",
    "lape",
    "load_recipe",
    "load_study",
    "neg",
    "score",
    "search",
    "select",
    "transfer",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'neuroglot' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
