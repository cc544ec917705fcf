"""An answer's measures: its language, repetition, fluency and how much of the content it keeps."""

from collections.abc import Sequence

import pandas as pd

from neuroglot.evaluation.answers.measures import chrf, repetition
from neuroglot.study.tasks.steering.conditions import OWN
from neuroglot.study.tasks.steering.pieces import Line, Piece
from neuroglot.text.identify import Identifier


def described(piece: Piece, lines: Sequence[Line], identify: Identifier) -> pd.DataFrame:
    """A row an answer of a piece.

    Args:
        piece: What was asked, and how.
        lines: The answers.
        identify: Knows the study's languages.
    """
    rows = []
    for line in lines:
        answer = line["answer"]
        language, length = identify.language_of(answer), len(answer)
        rows.append(
            {
                "method": piece.condition.method,
                "control": piece.condition.control,
                "strength": piece.condition.strength,
                "source": piece.source,
                "target": piece.target,
                "question": line["question"],
                "text": line["text"],
                "answer": answer,
                "answered_in": language,
                "in_target": language == piece.target,
                "in_source": language == piece.source,
                "repetition": repetition(answer),
                "fluency": float("nan") if line["log_prob"] is None else line["log_prob"] / length,
                "length": length,
                "tokens": line["tokens"],
                "finished": line["finished"],
            }
        )
    return pd.DataFrame(rows)


def with_content(answers: pd.DataFrame) -> pd.DataFrame:
    """The answers with ``chrf``: against the untouched model's to the question asked in the target."""
    own = answers[answers["method"] == OWN.method].drop_duplicates(["target", "question"])
    reference = own.set_index(["target", "question"])["answer"]
    pairs = zip(answers["answer"], answers["target"], answers["question"], strict=True)
    return answers.assign(
        chrf=[chrf(answer, reference[target, question]) for answer, target, question in pairs]
    )
