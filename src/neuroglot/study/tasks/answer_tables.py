"""From answers to tables: a row an answer, a row a language, LangSpec-F1, and what answers fall back to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from neuroglot.evaluation.ablation import BASE, Mask
from neuroglot.evaluation.answers.live import Answer
from neuroglot.evaluation.answers.measures import chrf, repetition
from neuroglot.evaluation.bootstrap import interval, rates, whole_then_resamples
from neuroglot.evaluation.langspec import collateral, langspec
from neuroglot.study.tasks.subjects import labels
from neuroglot.text.identify import Identifier
from neuroglot.text.questions import Question

Rows = list[dict[str, Any]]

MEASURES = ("in_language", "repetition", "chrf")
"""What has an interval."""


def answer_rows(
    subject: str,
    masks: Sequence[Mask],
    questions: Sequence[Question],
    written: Mapping[str, Sequence[Answer]],
    identifier: Identifier,
) -> pd.DataFrame:
    """A row an answer, with what is measured of it."""
    rows: Rows = []
    for mask in masks:
        for question, answer, plain in zip(questions, written[mask.name], written[BASE], strict=True):
            language = identifier.language_of(answer.text)
            rows.append(
                labels(subject, mask)
                | {
                    "language": question.language,
                    "question": question.id,
                    "text": question.text,
                    "answer": answer.text,
                    "tokens": answer.tokens,
                    "finished": answer.finished,
                    "answered_in": language,
                    "in_language": language == question.language,
                    "repetition": repetition(answer.text),
                    "chrf": chrf(answer.text, plain.text),
                    "length": len(answer.text),
                }
            )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Drawn:
    """The answers of one subject, and resamples of the questions, the same ones for all masks.

    Attributes:
        subject: Its name.
        masks: Nothing off first.
        questions: In the order of the rows under each mask.
        answers: From `answer_rows`.
        languages: In the order of the tables.
        weights: All questions, then the resamples.
    """

    subject: str
    masks: Sequence[Mask]
    questions: Sequence[Question]
    answers: pd.DataFrame
    languages: Sequence[str]
    weights: Float[np.ndarray, "resample ..."]

    @classmethod
    def of(
        cls,
        subject: str,
        masks: Sequence[Mask],
        questions: Sequence[Question],
        answers: pd.DataFrame,
        *,
        resamples: int,
        seed: int,
    ) -> "Drawn":
        """Draws questions: the same ones in every language where all have the same, else each its own."""
        languages = list(dict.fromkeys(question.language for question in questions))
        ids = [[one.id for one in questions if one.language == language] for language in languages]
        alike = all(own == ids[0] for own in ids)
        weights = whole_then_resamples(len(ids[0]) if alike else [len(own) for own in ids], resamples, seed)
        return cls(subject, masks, questions, answers, languages, weights)

    def means(self, measure: str) -> Float[np.ndarray, "resample mask language"]:
        """A measure's mean in each language: over all questions, then over each resample."""
        values = self.answers[measure].to_numpy(dtype=np.float64).reshape(len(self.masks), -1)
        own = [self.asked_in(language) for language in self.languages]
        most = max(int(here.sum()) for here in own)
        padded = np.zeros((len(self.masks), len(own), most))
        units = np.zeros((len(own), most))
        for row, here in enumerate(own):
            padded[:, row, : here.sum()] = values[:, here]
            units[row, : here.sum()] = 1
        return rates(padded, units, self.weights)

    def asked_in(self, language: str) -> Bool[np.ndarray, " question"]:
        """Which questions are in a language."""
        return np.array([question.language == language for question in self.questions])


def generation_rows(drawn: Drawn) -> pd.DataFrame:
    """A row a mask and language: the means with their intervals."""
    means = {measure: drawn.means(measure) for measure in MEASURES}
    limits = {measure: interval(values[1:]) for measure, values in means.items()}
    plain = {measure: drawn.means(measure)[0] for measure in ("length", "finished")}
    rows: Rows = []
    for number, mask in enumerate(drawn.masks):
        for column, language in enumerate(drawn.languages):
            row: dict[str, Any] = labels(drawn.subject, mask) | {
                "language": language,
                "questions": int(drawn.asked_in(language).sum()),
            }
            for measure in MEASURES:
                low, high = limits[measure]
                row[measure] = means[measure][0, number, column]
                row[f"{measure}_low"] = low[number, column]
                row[f"{measure}_high"] = high[number, column]
            row["length"] = plain["length"][number, column]
            row["cut"] = 1 - plain["finished"][number, column]
            rows.append(row)
    return pd.DataFrame(rows)


def f1_rows(drawn: Drawn, score: Float[np.ndarray, "resample mask language"]) -> pd.DataFrame:
    """LangSpec-F1 of each mask; of one that is aimed at no language, for every language."""
    rows: Rows = []
    for number, mask in enumerate(drawn.masks):
        if mask.kind == BASE:
            continue
        for target in [mask.target] if mask.target else drawn.languages:
            place = drawn.languages.index(target)
            f1 = langspec(score[:, 0], score[:, number], place)
            low, high = interval(f1[1:])
            mean, most = collateral(score[0, 0], score[0, number], place)
            rows.append(
                labels(drawn.subject, mask)
                | {
                    "target": target,
                    "f1": float(f1[0]),
                    "low": float(low),
                    "high": float(high),
                    "collateral_mean": float(mean),
                    "collateral_max": float(most),
                }
            )
    return pd.DataFrame(rows)


def fallback_rows(drawn: Drawn) -> pd.DataFrame:
    """Share of a language's questions that were answered in each language; "" where in none."""
    return pd.DataFrame(list(_fallback(drawn)))


def _fallback(drawn: Drawn) -> Iterator[dict[str, Any]]:
    answered = drawn.answers["answered_in"].to_numpy().reshape(len(drawn.masks), -1)
    for number, mask in enumerate(drawn.masks):
        for language in drawn.languages:
            own = answered[number, drawn.asked_in(language)]
            for other in [*drawn.languages, ""]:
                yield labels(drawn.subject, mask) | {
                    "language": language,
                    "answered_in": other,
                    "share": float(np.mean(own == other)),
                }
