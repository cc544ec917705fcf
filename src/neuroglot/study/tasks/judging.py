"""How good a judge finds the answers under every mask: a part of a study, all its models."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from hashlib import sha256
from logging import getLogger
from math import ceil
from pathlib import Path

import pandas as pd

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.judge.asking import Item, judge_all
from neuroglot.evaluation.judge.bundled import BUNDLED, serving
from neuroglot.evaluation.judge.cache import Replies
from neuroglot.evaluation.judge.client import Endpoint
from neuroglot.progress import Track, silent
from neuroglot.study.run import Run
from neuroglot.study.sections import Frames
from neuroglot.study.tasks.judge_tables import agreement_row, judge_tables
from neuroglot.study.tasks.settings import Judge
from neuroglot.study.tasks.tables import kept

log = getLogger(__name__)

LABELS = ["subject", "mask", "recipe", "kind", "target", "language", "question"]
"""What names an answer."""


def judge_frames(run: Run, settings: Judge | None = None) -> Frames:
    """Marks of the answers that a finished run's models gave; what was judged before is kept.

    Args:
        run: With answers: `answer_frames`, kept in its folder.
        settings: Default: the study's.

    Returns:
        ``judged``, ``judge``, ``judge_f1`` and ``judge_agreement``.

    Raises:
        NeuroglotError: No judge, no answers, or a judge that cannot be asked.
    """
    settings = settings or run.study.judge
    if settings is None:
        raise NeuroglotError("the study names no judge", run.study.at("judge"))
    answers = kept(run).get("answers")
    if answers is None:
        raise NeuroglotError(
            f"the run in {str(run.folder)!r} has no answers of its present sets to judge: "
            f"`neuroglot generate {run.folder}` writes them"
        )
    study = run.study
    return judge(
        answers, settings, run.folder / "tasks", resamples=study.resamples, seed=study.seed, track=run.track
    )


def judge(
    answers: pd.DataFrame,
    settings: Judge,
    folder: Path,
    *,
    resamples: int = 1000,
    seed: int = 0,
    track: Track = silent,
) -> Frames:
    """Marks of answers, and their tables.

    Args:
        answers: A row an answer, as `answer_frames` has them.
        settings: Who judges, and how many answers.
        folder: Where the replies are kept, in ``<subject>/judged``.
        resamples: Of the bootstrap over questions.
        seed: Of the bootstrap, and of the share that is judged again.
        track: Progress bar.

    Raises:
        NeuroglotError: The judge cannot be asked.
    """
    found: list[Frames] = []
    for subject, every in answers.groupby("subject", sort=False):
        own = _asked(every, settings.questions)
        rows = pd.concat([own.assign(round=0), _again(own, settings.again, seed).assign(round=1)])
        texts = zip(rows["language"], rows["text"], rows["answer"], rows["round"], strict=True)
        items = [Item(*each) for each in texts]
        verdicts = judge_all(
            items,
            (settings.base_url, settings.model),
            lambda: opened(settings),
            Replies(folder / str(subject) / "judged" / "replies.jsonl"),
            parallel=settings.parallel,
            track=track,
        )
        judged = rows[[*LABELS, "round"]].assign(
            score=[float("nan") if one.score is None else float(one.score) for one in verdicts],
            problem=[one.problem for one in verdicts],
        )
        plumbing = settings.base_url == BUNDLED
        tables = judge_tables(judged, own["answer"], resamples=resamples, seed=seed, plumbing=plumbing)
        found.append({"judged": judged, **tables, "judge_agreement": agreement_row(str(subject), judged)})
    frames = {name: pd.concat([each[name] for each in found], ignore_index=True) for name in found[0]}
    _warn(frames["judged"])
    return frames


@contextmanager
def opened(settings: Judge) -> Iterator[Endpoint]:
    """The judge that the settings name, for as long as it is asked."""
    local = settings.base_url == BUNDLED
    with serving(settings.parallel) if local else nullcontext(settings.base_url) as base_url:
        # A server of our own is not told a key that was made for another.
        key = "" if local else settings.key
        yield Endpoint(base_url, settings.model, key=key, timeout=settings.timeout, retries=settings.retries)


def _asked(answers: pd.DataFrame, questions: int | None) -> pd.DataFrame:
    """The answers to the first so many questions of each language."""
    if questions is None:
        return answers
    first = answers.groupby("language", sort=False)["question"].transform(
        lambda own: own.isin(list(dict.fromkeys(own))[:questions])
    )
    return answers[first.astype(bool)]


def _again(answers: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """A share of the different answers, the same ones in every run; what is empty needs no judge."""
    own = answers[answers["answer"].str.strip() != ""]
    own = own.drop_duplicates(["language", "text", "answer"])
    parts = own[["language", "text", "answer"]].itertuples(index=False, name=None)
    drawn = pd.Series([sha256(repr((seed, part)).encode()).hexdigest() for part in parts], own.index)
    return own.loc[drawn.sort_values().index[: ceil(share * len(own))].sort_values()]


def _warn(judged: pd.DataFrame) -> None:
    problems = judged.loc[judged["score"].isna(), "problem"]
    if len(problems):
        log.warning(
            "%d of %d answers got no mark, and count in no mean; for example: %s",
            len(problems),
            len(judged),
            problems.iloc[0],
        )
