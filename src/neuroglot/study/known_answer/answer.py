"""The truth about a model, and how much of it a recipe found.

precision = |found ∩ true| / |found|,  recall = |found ∩ true| / |true|,  decoys = |found ∩ decoys| / |found|
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.files import write_text
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from neuroglot.specificity.arrays import Mask
from neuroglot.text.corpus import Corpus
from neuroglot.text.sources import DOCUMENT_IDS

TRUTH = "truth.json"
FORMAT = "neuroglot/truth"
VERSION = 1
SITE = "mlp"
COMPARABLE = ("mlp", "mlp_gate", "mlp_gate_pre", "mlp_up")
"""Sites that share their indices with the truth's: a neuron is the same wherever in the MLP it is read."""


@dataclass(frozen=True)
class Truth:
    """Which neuron serves what.

    Attributes:
        truth: Language → the neurons that only this language needs: its specific and its rare ones.
        kinds: ``specific``, ``rare``, ``shared``, ``decoy``, ``filler`` → its neurons, of all languages.
            Every neuron is of one kind.
    """

    truth: Mapping[str, Mask]
    kinds: Mapping[str, Mask]

    @property
    def budget(self) -> int:
        """The true number of neurons a language, which is the same for all."""
        return int(next(iter(self.truth.values())).sum())

    @classmethod
    def load(cls, folder: Path | str) -> "Truth":
        """Reads back what `KnownAnswer.save` wrote into a folder.

        Raises:
            NeuroglotError: There is none, or it is damaged.
        """
        file = Path(folder) / TRUTH
        try:
            document = json.loads(file.read_text("utf-8"))
            if (document["format"], document["version"]) != (FORMAT, VERSION):
                raise NeuroglotError(f"not {FORMAT!r} of version {VERSION}", str(file))
            shape = document["shape"]
            truth, kinds = (
                {
                    name: NeuronSet.of(SITE, shape, map(tuple, pairs)).mask
                    for name, pairs in document[key].items()
                }
                for key in ("truth", "kinds")
            )
            return cls(truth, kinds)
        except OSError as error:
            raise NeuroglotError(f"cannot be read: {error.strerror}", str(file)) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NeuroglotError(f"damaged: {error!r}", str(file)) from error

    def _document(self) -> dict[str, Any]:
        def pairs(masks: Mapping[str, Mask]) -> dict[str, Any]:
            return {name: np.argwhere(mask).tolist() for name, mask in masks.items()}

        return {
            "format": FORMAT,
            "version": VERSION,
            "site": SITE,
            "shape": list(next(iter(self.truth.values())).shape),
            "truth": pairs(self.truth),
            "kinds": pairs(self.kinds),
        }


@dataclass(frozen=True)
class KnownAnswer(Truth):
    """A model, text for it, and the truth about it.

    Attributes:
        model: A Llama of a few hundred neurons.
        corpus: Parallel text in its languages, enough to be split.
    """

    model: LanguageModel
    corpus: Corpus

    def save(self, folder: Path | str) -> Path:
        """Writes ``model/``, ``text/``, ``truth.json`` and ``study.yaml``, ready for `neuroglot run`.

        Returns:
            The study's file.
        """
        from transformers.utils import logging

        logging.disable_progress_bar()
        home = Path(folder).resolve()
        self.model.network.save_pretrained(home / "model")
        self.model.tokenizer.save_pretrained(home / "model")
        for language, documents in self.corpus.documents.items():
            lines = [sentence for document in documents for sentence in document.sentences]
            write_text(home / "text" / f"{language}.txt", "\n".join(lines) + "\n")
        first = self.corpus.documents[self.corpus.languages[0]]
        ids = [document.id for document in first for _ in document.sentences]
        write_text(home / "text" / DOCUMENT_IDS, "\n".join(ids) + "\n")
        write_text(home / TRUTH, json.dumps(self._document()))
        study = home / "study.yaml"
        write_text(study, yaml.safe_dump(self._study(home), sort_keys=False))
        return study

    def _study(self, home: Path) -> dict[str, Any]:
        return {
            "title": "Which recipes find the neurons that were put there?",
            "model": str(home / "model"),
            "precision": "float32",
            "text": {
                "source": str(home / "text"),
                "languages": list(self.corpus.languages),
                "identify": 0.5,
                "report": 0.5,
            },
            "recipes": ["grad_act", "activation", "lape_budget"],
            "budget": self.budget,
        }


def precision_recall(sets: Mapping[str, NeuronSet], truth: Truth) -> pd.DataFrame:
    """How much of what was found is true, and how much of the truth was found.

    Args:
        sets: Language → what a recipe found.
        truth: A `KnownAnswer`, or a `Truth` read back.

    Returns:
        A row a language: ``language``, ``precision`` and ``decoys`` (shares of the set, 0 if it is empty),
        ``recall``, and the recall of either kind: ``recall_specific``, ``recall_rare``.

    Raises:
        NeuroglotError: A language the truth does not know, or a set of another site or shape.
    """
    rows = []
    for language, found in sets.items():
        if language not in truth.truth:
            raise unknown("language", language, truth.truth, "the model with a known answer")
        true = truth.truth[language]
        if found.site not in COMPARABLE or found.shape != true.shape:
            raise NeuroglotError(
                f"the set of {language!r} is {found.shape[0]} × {found.shape[1]} at {found.site!r}; "
                f"the truth is {true.shape[0]} × {true.shape[1]} at {SITE!r}"
            )
        rows.append(
            {
                "language": language,
                "precision": _share(true & found.mask, found.mask),
                "recall": _share(true & found.mask, true),
                "decoys": _share(truth.kinds["decoy"] & found.mask, found.mask),
                **{
                    f"recall_{kind}": _share(true & truth.kinds[kind] & found.mask, true & truth.kinds[kind])
                    for kind in ("specific", "rare")
                },
            }
        )
    return pd.DataFrame(rows)


def _share(part: Mask, whole: Mask) -> float:
    return float(part.sum() / whole.sum()) if whole.any() else 0.0
