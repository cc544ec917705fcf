"""From marks to tables: means by mask and language, LangSpec-F1, and how far the judge agrees with itself."""

import numpy as np
import pandas as pd
from jaxtyping import Float

from neuroglot.evaluation.ablation import Mask
from neuroglot.evaluation.bootstrap import interval
from neuroglot.evaluation.judge.agreement import agreement
from neuroglot.evaluation.judge.rubric import HIGHEST
from neuroglot.study.sections import Frames
from neuroglot.study.tasks.answer_tables import Drawn, Rows, f1_rows
from neuroglot.study.tasks.subjects import labels
from neuroglot.text.questions import Question


def judge_tables(
    judged: pd.DataFrame, answers: pd.Series, *, resamples: int, seed: int, plumbing: bool
) -> Frames:
    """The tables of one model.

    Args:
        judged: A row a judgement; those of round 0 are under every mask of the same questions in one order.
        answers: The answers of round 0, in the order of its rows.
        resamples: Of the bootstrap over questions.
        seed: Of the bootstrap.
        plumbing: The judge is none: its scores are no findings.

    Returns:
        ``judge`` and ``judge_f1``.
    """
    first = judged[judged["round"] == 0]
    about = first.drop_duplicates("mask")[["mask", "kind", "recipe", "target"]]
    masks = [
        Mask(name, kind, recipe, target=target)
        for name, kind, recipe, target in about.itertuples(index=False, name=None)
    ]
    one = first[first["mask"] == masks[0].name]
    questions = [
        Question(id, language, "") for id, language in zip(one["question"], one["language"], strict=True)
    ]
    drawn = Drawn.of(str(first["subject"].iloc[0]), masks, questions, first, resamples=resamples, seed=seed)
    score = _means(drawn)
    low, high = interval(score[1:])
    rows: Rows = []
    empty = (answers.str.strip() == "").to_numpy().reshape(len(masks), -1)
    marks = first["score"].to_numpy().reshape(len(masks), -1)
    for number, mask in enumerate(masks):
        for column, language in enumerate(drawn.languages):
            own = drawn.asked_in(language)
            rows.append(
                labels(drawn.subject, mask)
                | {
                    "language": language,
                    "answers": int(own.sum()),
                    "empty": int(empty[number, own].sum()),
                    "unparsable": int(np.isnan(marks[number, own]).sum()),
                    "score": score[0, number, column],
                    "low": low[number, column],
                    "high": high[number, column],
                    "plumbing": plumbing,
                }
            )
    return {"judge": pd.DataFrame(rows), "judge_f1": f1_rows(drawn, score / HIGHEST)}


def agreement_row(subject: str, judged: pd.DataFrame) -> pd.DataFrame:
    """How far the judge agrees with itself about the answers that it judged twice."""
    names = ["mask", "language", "question"]
    rounds = [judged[judged["round"] == number].set_index(names)["score"] for number in (0, 1)]
    first, second = pd.concat(rounds, axis=1, join="inner").to_numpy().T
    return pd.DataFrame([{"subject": subject} | agreement(first.tolist(), second.tolist())])


def _means(drawn: Drawn) -> Float[np.ndarray, "resample mask language"]:
    """Mean mark of the answers that have one: of all questions, then of each resample; NaN where none has."""
    marks = drawn.answers["score"].to_numpy(dtype=np.float64).reshape(len(drawn.masks), -1)
    found = np.empty((len(drawn.weights), len(drawn.masks), len(drawn.languages)))
    for column, language in enumerate(drawn.languages):
        own = marks[:, drawn.asked_in(language)].T  # [question, mask]
        weights = drawn.weights if drawn.weights.ndim == 2 else drawn.weights[:, column, : len(own)]
        total, count = weights @ np.nan_to_num(own), weights @ np.isfinite(own)
        found[:, :, column] = total / np.where(count == 0, np.nan, count)
    return found
