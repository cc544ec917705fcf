"""Steering a run's model: questions in one language, answers wanted in another."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import pandas as pd

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.evaluation.answers.live import Writing
from neuroglot.study.recipe import Recipe
from neuroglot.study.run import Run
from neuroglot.study.sections import Frames
from neuroglot.study.tasks.settings import Generation, Steering
from neuroglot.study.tasks.steering.conditions import (
    NONE,
    OWN,
    PROMPT,
    Condition,
    Sets,
    diffmean,
    with_neurons,
)
from neuroglot.study.tasks.steering.described import described, with_content
from neuroglot.study.tasks.steering.frames import tabulate
from neuroglot.study.tasks.steering.layer import HELD_OUT, candidates, check_layer, choose_layer
from neuroglot.study.tasks.steering.means import Measured
from neuroglot.study.tasks.steering.pieces import Answering, Piece
from neuroglot.study.tasks.subjects import subjects
from neuroglot.study.validation import located
from neuroglot.text.identify import Identifier
from neuroglot.text.prompts import render, stops_of
from neuroglot.text.questions import Question, questions
from neuroglot.text.words import words

Pair = tuple[str, str]

Asked = Mapping[str, Sequence[Question]]


def steer_frames(run: Run) -> Frames:
    """Steers the model of a finished run, and says how often and at what cost it followed.

    What is answered already is not answered again. Settings are the study's (``steering``), or the defaults.

    Args:
        run: Its sets and bank are there.

    Returns:
        ``steering``: see `frames.tabulate`; ``steering_answers``: a row an answer; ``steering_layer``: the
        layers that DiffMean was tried at on other questions, if the study names none.

    Raises:
        NeuroglotError: A recipe, language or layer that is not there, or questions that are not parallel.
    """
    return _Steer(run, run.study.steering or Steering()).frames()


class _Steer:
    def __init__(self, run: Run, settings: Steering) -> None:
        self.run = run
        self.settings = settings
        self.generation = run.study.generation or Generation()
        with located(run.study.at("steering")):
            self.recipe = self._recipe()
            self.pairs = self._pairs()
            self.asked, self.held_out = self._questions()
            self.identify = Identifier(run.study.text.languages)
        subject = next(subjects(run))
        self.subject = subject
        self.measured = Measured(run, self.recipe)
        self.answering = Answering(
            subject.model,
            subject.reader,
            Writing(
                settings.max_new_tokens,
                self.generation.context,
                self.generation.repetition_penalty,
                self.generation.batch,
            ),
            stops_of(subject.model.tokenizer, run.study.text.languages),
            run.folder / "tasks" / subject.name / "steering",
            run.track,
        )

    def frames(self) -> Frames:
        """All of it."""
        found: Frames = {}
        layer = self.settings.diffmean_layer
        if self.settings.diffmean and layer is None:
            found["steering_layer"] = self._tried()
            layer = int(found["steering_layer"].query("chosen")["layer"].iloc[0])
        answers = self._answers(
            [
                self._piece(condition, *pair, self.asked)
                for pair in self.pairs
                for condition in self._conditions(*pair, layer)
            ]
        )
        answers = with_content(answers)
        study = self.run.study
        return {
            "steering": tabulate(answers, study.resamples, study.seed),
            "steering_answers": answers,
        } | found

    def _conditions(self, source: str, target: str, layer: int | None) -> Iterator[Condition]:
        means = self.measured.means
        yield from (NONE, OWN, PROMPT)
        for control, sets in (("", self._sets), ("matched", self._controls)):
            yield from with_neurons(self.settings, source, target, sets, means, control)
        if self.settings.diffmean and layer is not None:
            with located(self.run.study.at("steering.diffmean_layer")):
                check_layer(layer, self.measured.layers)
            yield from diffmean(self.settings, target, layer, means)

    @cached_property
    def _sets(self) -> Sets:
        return self.run.sets[self.recipe.name]

    @cached_property
    def _controls(self) -> Sets:
        return self.measured.matched(self._sets)

    def _tried(self) -> pd.DataFrame:
        """DiffMean after each of some layers, on the questions that are held out."""
        pieces = {
            layer: [
                self._piece(condition, *pair, self.held_out)
                for pair in self.pairs
                for condition in diffmean(self.settings, pair[1], layer, self.measured.means)
            ]
            for layer in candidates(self.measured.layers)
        }
        self.answering.answers([one for own in pieces.values() for one in own])  # batches mix layers
        return choose_layer({layer: self._answers(own) for layer, own in pieces.items()})

    def _answers(self, pieces: Sequence[Piece]) -> pd.DataFrame:
        found = zip(pieces, self.answering.answers(pieces), strict=True)
        return pd.concat([described(one, lines, self.identify) for one, lines in found], ignore_index=True)

    def _piece(self, condition: Condition, source: str, target: str, asked: Asked) -> Piece:
        tokenizer = self.subject.model.tokenizer
        language = target if condition is OWN else source
        request = f" {words(target).request}" if condition is PROMPT else ""
        return Piece(
            condition,
            source,
            target,
            tuple(asked[language]),
            tuple(render(tokenizer, one.text + request, language) for one in asked[language]),
            tuple(render(tokenizer, one.text, target) for one in asked[target]),
        )

    def _recipe(self) -> Recipe:
        known = {recipe.name: recipe for recipe in self.run.study.recipes}
        name = self.settings.recipe or next(iter(known))
        if name not in known:
            raise unknown("recipe of this study", name, known, "recipe")
        return known[name]

    def _pairs(self) -> list[Pair]:
        languages = self.run.study.text.languages
        if self.settings.pairs is None:
            return list(zip(languages, [*languages[1:], languages[0]], strict=True))
        for source, target in self.settings.pairs:
            for name in (source, target):
                if name not in languages:
                    raise unknown("language of this study", name, languages, "pairs")
            if source == target:
                raise NeuroglotError(f"{source!r} is to be steered into itself: name two languages", "pairs")
        return list(dict.fromkeys(self.settings.pairs))

    def _questions(self) -> tuple[Asked, Asked]:
        """Language → the questions that are reported, and those on which the layer is chosen."""
        source, count = self.generation.questions, self.settings.questions
        choosing = bool(self.settings.diffmean) and self.settings.diffmean_layer is None
        most = count + HELD_OUT if choosing else count
        languages = list(dict.fromkeys(name for pair in self.pairs for name in pair))
        by: dict[str, list[Question]] = {}
        try:
            for one in questions(source, languages, most):
                by.setdefault(one.language, []).append(one)
        except NeuroglotError as error:
            if not choosing:
                raise
            raise NeuroglotError(
                f"{error} ({HELD_OUT} of them to choose DiffMean's layer on; diffmean_layer names one)"
            ) from error
        for language in languages:
            if [one.id for one in by[language]] != [one.id for one in by[languages[0]]]:
                raise NeuroglotError(
                    f"steering needs the same questions in every language; those of {source!r} differ in "
                    f"{languages[0]!r} and {language!r}"
                )
        return (
            {language: own[:count] for language, own in by.items()},
            {language: own[count:] for language, own in by.items()},
        )
