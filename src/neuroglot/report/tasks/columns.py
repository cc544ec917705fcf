"""The frames that tasks leave, and their columns, which are listed here and nowhere else."""

from collections.abc import Mapping

import pandas as pd

from neuroglot.report.findings import measured

Frames = Mapping[str, pd.DataFrame]
"""By name; a frame that is missing or has no rows is a thing that was not measured."""

SET = ("subject", "mask", "recipe", "kind", "target")


def _ends(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"


_F1 = ("f1", "low", "high", "collateral_mean", "collateral_max")

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "benchmark": (
        *SET, "panel", "task", "language", "items", "chance", "score", "low", "high", "at_chance",
        *_ends("lost"),
    ),
    "benchmark_f1": (*SET, "panel", *_F1),
    "answers": (
        *SET, "language", "question", "text", "answer", "tokens", "finished", "answered_in", "in_language",
        "repetition", "chrf", "length",
    ),
    "generation": (
        *SET, "language", "questions", *_ends("in_language"), *_ends("repetition"), *_ends("chrf"), "length",
        "cut",
    ),
    "generation_f1": (*SET, *_F1),
    "fallback": (*SET, "language", "answered_in", "share"),
    "judge": (*SET, "language", "answers", "unparsable", "score", "low", "high"),
    "judge_f1": (*SET, *_F1),
    "steering": (
        "method", "control", "strength", "source", "target", "questions", *_ends("in_target"), "in_source",
        *_ends("repetition"), *_ends("fluency"), *_ends("chrf"), "length",
    ),
    "judge_agreement": ("subject", "pairs", "exact", "within_one", "spearman", "kappa"),
}  # fmt: skip
"""The columns that each frame must have; more are welcome and ignored.

``subject`` is the model, ``base`` or ``chat``; ``kind`` is ``none`` or one of `findings.KINDS`; ``target`` is
"" for a mask that all languages share, but in a frame of F1 the language that it is scored for. ``language``
is that of the task or question. ``low`` and ``high`` end 95 % intervals over items. A ``judge`` frame may
have a column ``plumbing``: true where the judge only tries the plumbing.
"""

NONE = "none"
"""The kind of the row with nothing switched off."""


def rows(frames: Frames, name: str) -> pd.DataFrame:
    """A frame; an empty one if it was not measured.

    Raises:
        NeuroglotError: It lacks a column.
    """
    return measured(frames, COLUMNS, name, "tasks")


def subjects(frames: Frames) -> list[str]:
    """The models that anything was measured on, the base model first."""
    named = [
        name for frame in ("benchmark", "generation", "judge") for name in rows(frames, frame)["subject"]
    ]
    return list(dict.fromkeys(named))


def languages(frames: Frames) -> list[str]:
    """Those of questions and tasks, in their order."""
    named = [
        name for frame in ("generation", "judge", "benchmark") for name in rows(frames, frame)["language"]
    ]
    return list(dict.fromkeys(named))


def plumbing(frames: Frames) -> bool:
    """Whether the judge only tries the plumbing."""
    judge = rows(frames, "judge")
    return "plumbing" in judge and bool(judge["plumbing"].any())
