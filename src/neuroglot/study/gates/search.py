"""The set that the budget allows: masks searched directly, from a one-shot ranking on (METHODS §4).

1. Every language starts from its one-shot ranking, once for each λ and step size to try.
2. A step silences each search's top θ, reads a few sentences of the target and of others under that mask (all
   searches side by side in the same batches), and moves θ by their gate gradients (`Preference`).
3. Every few steps the masks are judged by LangSpec-F1 on the validation text, less the collateral beyond
   what is tolerated. After the trial each language goes on with its best λ and step size alone, and stops
   when nothing has been gained for a while.
4. A language's set is the best mask it ever had on validation. The start is a candidate: on validation a
   search is never worse than one shot.

Training and validation text share no document, and text to report on has no part in a search. The draws
depend on seed, step and language alone, so a search that was killed goes on to the same end.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from neuroglot.errors import NeuroglotError
from neuroglot.model.language_model import LanguageModel
from neuroglot.progress import Track, silent
from neuroglot.specificity.selection import neurons_allowed
from neuroglot.study.digest import digest
from neuroglot.study.gates.gradients import each_gradient
from neuroglot.study.gates.judge import Judge, log_prob, nobody
from neuroglot.study.gates.narrow import narrowed
from neuroglot.study.gates.preference import Preference
from neuroglot.study.gates.settings import GateSettings
from neuroglot.study.gates.state import SUFFIX, read_state, write_state
from neuroglot.text.samples import Sample

logger = logging.getLogger(__name__)

SAVE_EVERY = 5
"""Steps that a killed search loses at most."""

GAIN = 1e-3
"""A gain that is worth going on for."""

Ranking = Float[np.ndarray, "layer neuron"]


@dataclass
class Found:
    """What a search found for a language, so far.

    Attributes:
        mask: The best mask.
        worth: What it is worth on validation (`Judge`).
        curve: A row a validation and search: step, λ, step size, worth, F1, the target's drop, collateral.
        waited: Validations without a gain.
    """

    mask: Bool[np.ndarray, "layer neuron"]
    worth: float
    curve: list[dict[str, Any]]
    waited: int = 0


def search_gates(
    model: LanguageModel,
    train: Sequence[Sample],
    validation: Sequence[Sample],
    start: Mapping[str, Ranking],
    budget: int | float | str = "1%",
    *,
    site: str = "mlp",
    settings: GateSettings | None = None,
    folder: Path | None = None,
    track: Track = silent,
) -> dict[str, Found]:
    """Searches the best mask of every language.

    Args:
        model: The model.
        train: Text to learn on, of all languages.
        validation: Text to judge on, of the same languages and of other documents.
        start: Target language → specificity of every neuron by a one-shot recipe; higher is sooner silent.
        budget: Neurons a mask: a count or a share.
        site: Where the neurons are.
        settings: How to search.
        folder: Where the state is kept every few steps; a search of the same making goes on from there.
        track: Progress bar, in steps of a language.

    Returns:
        Language → its best mask, with the validation curve.

    Raises:
        NeuroglotError: Text or rankings that do not fit, or a damaged state.
    """
    settings = settings or GateSettings()
    search = _Searching(model, tuple(train), tuple(validation), start, budget, site, settings, folder)
    with track("searching gates (steps)", settings.steps * len(start)) as advance:
        told = 0
        while True:
            done = search.progress()
            advance(done - told)
            told = done
            if not search.alive:
                return search.best
            search.step()


class _Searching:
    """All languages' searches, in step."""

    def __init__(
        self,
        model: LanguageModel,
        train: tuple[Sample, ...],
        validation: tuple[Sample, ...],
        start: Mapping[str, Ranking],
        budget: int | float | str,
        site: str,
        settings: GateSettings,
        folder: Path | None,
    ) -> None:
        shape = (model.layers, model.site(site).width)
        self.languages = tuple(dict.fromkeys(sample.language for sample in train))
        _check(self.languages, train, validation, start, shape)
        self.size = neurons_allowed(budget, shape[0] * shape[1])
        self.start, self.site, self.settings, self.train = start, site, settings, train
        self.path = None
        if folder is not None:
            rankings = {name: digest(one.astype(np.float64).tobytes().hex()) for name, one in start.items()}
            text = [[(sample.language, sample.ids) for sample in part] for part in (train, validation)]
            reader = (model.fingerprint, model.precision, site)
            key = digest(reader, text, rankings, self.size, asdict(settings))
            self.path = folder / f"gates-{key}{SUFFIX}"
        self.own = [
            [row for row, sample in enumerate(train) if sample.language == name] for name in self.languages
        ]
        self.now = 0
        self.alive: list[Preference] = []
        self.best: dict[str, Found] = {}
        state = read_state(self.path) if self.path else None
        if state:
            self._restore(*state)
            if not self.alive:
                return  # a search that has ended needs no model
        self.model = narrowed(model, (*train, *validation), settings.vocabulary)
        if state:
            self.unmasked = state[0]["unmasked"]
            self.judge = Judge(
                self.model, site, validation, self.languages, state[0]["base"], settings.tolerated
            )
        else:
            self.unmasked = log_prob(self.model, train, [nobody(model, site)], site)[0]
            self.judge = Judge.of(self.model, site, validation, self.languages, settings.tolerated)
            self._begin()

    def step(self) -> None:
        """One step of every search that goes on."""
        self.now += 1
        self._learn()
        for one in self.alive:
            one.move(*self._schedule(), self.settings.sharpness)
        settings = self.settings
        if self.now % settings.validate_every == 0 or self.now in (settings.trial, settings.steps):
            self._judge()
            self._go_on()
        if self.path and (self.now % SAVE_EVERY == 0 or not self.alive):
            self._save()

    def _schedule(self) -> tuple[float, float]:
        """Which parts of the step size and of λ count now: first strike, then clean.

        λ grows from a quarter on over half of the way. The steps shrink to a tenth: a mask that keeps
        changing cannot be clean.
        """
        way = (self.now - 1) / max(1, self.settings.steps - 1)
        return 1 - 0.9 * way, min(1.0, 0.25 + 1.5 * way)

    def progress(self) -> int:
        """Steps done, of all languages; those of a search that has stopped count as done."""
        going = len({one.target for one in self.alive})
        return going * self.now + (len(self.start) - going) * self.settings.steps

    def _begin(self) -> None:
        for name, ranking in self.start.items():
            target = self.languages.index(name)
            for weight, rate in product(self.settings.weights, self.settings.rates):
                self.alive.append(
                    Preference.of(target, len(self.languages), weight, rate, self.size, ranking)
                )
        everyone, trials = self.alive, len(self.alive) // len(self.start)
        self.alive = everyone[::trials]  # before the first step the trials of a language are the same
        self._judge()
        self.alive = everyone

    def _learn(self) -> None:
        rows: list[tuple[int, int]] = []  # search, sentence
        for number, one in enumerate(self.alive):
            rows += [(number, row) for row in self._drawn(one)]
        total: dict[tuple[int, int], tuple[Ranking, float, int]] = {}

        def keep(place: int, gradient: Ranking, log_prob: float) -> None:
            number, row = rows[place]
            sample = self.train[row]
            if not (np.isfinite(log_prob) and np.isfinite(gradient).all()):
                logger.warning("gates: a sentence of %s has no finite gradient: left out", sample.language)
                return
            key = number, self.languages.index(sample.language)
            whole, change, tokens = total.get(key, (np.zeros_like(gradient), 0.0, 0))
            total[key] = whole + gradient, change + log_prob - self.unmasked[row], tokens + sample.tokens

        samples = [self.train[row] for _, row in rows]
        off = np.stack([one.mask for one in self.alive])
        each_gradient(self.model, samples, off, [number for number, _ in rows], keep, site=self.site)
        for (number, language), (gradient, change, tokens) in total.items():
            self.alive[number].learn(language, gradient / tokens, change / tokens, self.settings.memory)

    def _drawn(self, one: Preference) -> list[int]:
        """The sentences of a step; searches of one language draw the same ones of it, so that λ compare."""
        settings = self.settings
        dice = np.random.default_rng([settings.seed, self.now, one.target])
        own = self.own[one.target]
        drawn = dice.choice(own, size=min(settings.target_sentences, len(own)), replace=False).tolist()
        others = one.others(settings.other_sentences, settings.sharpness, dice)
        return [*drawn, *(int(dice.choice(self.own[other])) for other in others)]

    def _judge(self) -> None:
        """Notes every search's F1 on validation, and each language's best mask."""
        masks = [one.mask for one in self.alive]
        judged = self.judge(masks, [one.target for one in self.alive])
        gained = dict.fromkeys([self.languages[one.target] for one in self.alive], False)
        for one, mask, values in zip(self.alive, masks, judged, strict=True):
            name, worth = self.languages[one.target], values["worth"]
            row = {"step": self.now, "language": name, "weight": one.weight, "rate": one.rate, **values}
            best = self.best.setdefault(name, Found(mask, worth, []))
            best.curve.append(row)
            gained[name] |= worth > best.worth + GAIN
            if worth > best.worth:
                best.mask, best.worth = mask, worth
        for name, better in gained.items():
            self.best[name].waited = 0 if better or not self.now else self.best[name].waited + 1

    def _go_on(self) -> None:
        """After the trial one search a language, as long as it gains."""
        if self.now >= self.settings.steps:
            self.alive = []
        if self.now >= self.settings.trial:
            self.alive = [one for one in self.alive if self._leads(one) and self._gains(one)]

    def _gains(self, one: Preference) -> bool:
        return self.best[self.languages[one.target]].waited < self.settings.patience

    def _leads(self, one: Preference) -> bool:
        curve = self.best[self.languages[one.target]].curve
        last = [row for row in curve if row["step"] == self.now]
        first = max(last, key=lambda row: row["worth"])
        return (first["weight"], first["rate"]) == (one.weight, one.rate)

    def _save(self) -> None:
        assert self.path is not None
        arrays = {"unmasked": self.unmasked, "base": self.judge.base}
        arrays |= {f"best/{name}": best.mask for name, best in self.best.items()}
        for number, one in enumerate(self.alive):
            arrays |= {f"{field}/{number}": getattr(one, field) for field in _LEARNT}
        about = {
            "step": self.now,
            "alive": [[one.target, one.weight, one.rate] for one in self.alive],
            "best": {name: [best.worth, best.waited, best.curve] for name, best in self.best.items()},
        }
        write_state(self.path, arrays, about)

    def _restore(self, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> None:
        self.now = about["step"]
        for name, (worth, waited, curve) in about["best"].items():
            self.best[name] = Found(arrays[f"best/{name}"], worth, curve, waited)
        for number, (target, weight, rate) in enumerate(about["alive"]):
            learnt = {field: arrays[f"{field}/{number}"] for field in _LEARNT}
            self.alive.append(Preference(target, weight, rate, self.size, **learnt))


_LEARNT = ("theta", "gradient", "change", "seen")


def _check(
    languages: tuple[str, ...],
    train: Sequence[Sample],
    validation: Sequence[Sample],
    start: Mapping[str, Ranking],
    shape: tuple[int, int],
) -> None:
    if len(languages) < 2:
        raise NeuroglotError("gates: a search needs text in the target and in at least one other language")
    if not start:
        raise NeuroglotError("gates: there is no ranking to start from")
    judged = {sample.language for sample in validation}
    for name in (*languages, *start):
        if name not in judged or name not in languages:
            part = "validation" if name in languages else "training"
            raise NeuroglotError(f"gates: there is no {part} text in {name!r}")
    for name, ranking in start.items():
        if ranking.shape != shape:
            raise NeuroglotError(
                f"gates: the ranking of {name!r} is {ranking.shape}, but the site has {shape}"
            )
    documents = [{(sample.language, sample.document) for sample in part} for part in (train, validation)]
    if both := sorted(documents[0] & documents[1]):
        language, document = both[0]
        raise NeuroglotError(f"gates: document {document!r} ({language}) is in both training and validation")
