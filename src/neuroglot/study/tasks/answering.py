"""What silencing did to answers to open questions: a part of a study, all its models."""

import pandas as pd

from neuroglot.study.run import Run
from neuroglot.study.sections import Frames
from neuroglot.study.tasks.answer_pieces import Answering, Written
from neuroglot.study.tasks.answer_tables import (
    Drawn,
    answer_rows,
    f1_rows,
    fallback_rows,
    generation_rows,
)
from neuroglot.study.tasks.settings import Generation
from neuroglot.study.tasks.subjects import subjects
from neuroglot.text.identify import Identifier


def answer_frames(run: Run, settings: Generation | None = None) -> Frames:
    """Answers of a finished run's models to open questions, and what became of them under its masks.

    What is there of an earlier call is kept.

    >>> answer_frames(Run.open("runs/demo"))["generation"]   # doctest: +SKIP

    Args:
        run: With the stages up to `ablate`.
        settings: Default: the study's, else those of the paper.

    Returns:
        ``answers``, ``generation``, ``generation_f1`` and ``fallback``.

    Raises:
        NeuroglotError: A language that cannot be identified or has no questions; what `Answering` raises.
    """
    settings = settings or run.study.generation or Generation()
    identifier = Identifier(run.study.text.languages)  # first: it costs no model time
    found = []
    for subject in subjects(run):
        answering = Answering(subject, settings)
        answering.work(run.track)
        found.append(tables_of(answering, answering.finished(), identifier))
    return {name: pd.concat([frames[name] for frames in found], ignore_index=True) for name in found[0]}


def tables_of(answering: Answering, written: Written, identifier: Identifier) -> Frames:
    """The tables of one model, of the masks whose answers are there; those of the untouched model must be."""
    masks = [mask for mask, _ in answering.subject.conditions if mask.name in written]
    name, study = answering.subject.name, answering.subject.run.study
    answers = answer_rows(name, masks, answering.questions, written, identifier)
    drawn = Drawn.of(name, masks, answering.questions, answers, resamples=study.resamples, seed=study.seed)
    return {
        "answers": answers,
        "generation": generation_rows(drawn),
        "generation_f1": f1_rows(drawn, drawn.means("in_language")),
        "fallback": fallback_rows(drawn),
    }
