"""The models that a run's sets are tried on: its own, and the chat model if the study names one."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from neuroglot.evaluation.ablation import Mask
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.language_model import LanguageModel
from neuroglot.study.plan import control_sets, masks
from neuroglot.study.run import Run
from neuroglot.study.transfer.pair import check_neurons, check_words
from neuroglot.study.validation import located

BASE = "base"

RANDOM = ("uniform", "matched")


@dataclass(frozen=True)
class Subject:
    """A model that the run's sets are tried on.

    Attributes:
        name: ``base`` or ``chat``.
        model: As it is loaded.
        run: That found the sets.
    """

    name: str
    model: LanguageModel
    run: Run

    @property
    def reader(self) -> str:
        """Weights and precision: numbers of different ones never meet."""
        return f"{self.model.fingerprint} {self.model.precision}"

    @cached_property
    def conditions(self) -> list[tuple[Mask, Intervention]]:
        """Nothing off, everything off, the recipes' sets; on the run's own model one random set of each kind.

        What random sets do is asked of the model that they were drawn for. The chat model is asked what is
        left of the others' effect (Le et al. 2026, Tables 3 and 4).
        """
        study, bank, sets = self.run.study, self.run.bank, self.run.sets
        found = masks(study, self.run.model, bank, sets, control_sets(study, bank, sets))
        return [
            (mask, act)
            for mask, act in found
            if mask.seed == 0 and (self.name == BASE or mask.kind not in RANDOM)
        ]


def labels(subject: str, mask: Mask) -> dict[str, str]:
    """The first columns of every table of tasks."""
    return {
        "subject": subject,
        "mask": mask.name,
        "recipe": mask.recipe if mask.kind in ("recipe", "matched") else "",
        "kind": mask.kind,
        "target": mask.target,
    }


def subjects(run: Run) -> Iterator[Subject]:
    """The run's model, then the chat model.

    Raises:
        NeuroglotError: The chat model cannot be loaded, or has other neurons or other words.
    """
    yield Subject(BASE, run.model, run)
    study = run.study
    if study.chat is None:
        return
    with located(study.at("chat")):
        found_on = run.manifest["stages"]["score"]["model"]
        loading = study.loading | {"name": study.chat, "revision": None, "precision": found_on["precision"]}
        model = LanguageModel.load(**loading, device=study.device)
        check_neurons(found_on, model, {recipe.site for recipe in study.recipes})
        check_words(run.model.tokenizer, model.tokenizer, run.text["report"].every_sentence)
    yield Subject("chat", model, run)
