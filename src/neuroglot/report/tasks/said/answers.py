"""What answers to open questions say: their language, where they fall back to, and the judge's marks."""

import pandas as pd

from neuroglot.report.controls.verdict import percent
from neuroglot.report.tasks.columns import NONE, Frames, plumbing, rows
from neuroglot.report.tasks.said.words import count, ends, model, numbers
from neuroglot.report.tasks.sets import set_name
from neuroglot.report.words import figure, listing


def say_language(frames: Frames) -> list[str]:
    """In which language answers are, model by model."""
    said = []
    for subject, own in rows(frames, "generation").groupby("subject", sort=False):
        said += _language(frames, own, str(subject))
    return said


def fallen(frame: pd.DataFrame, value: str, low: str, high: str) -> pd.DataFrame:
    """A row a recipe's set and language of the question: whether a level fell, and below its control's.

    Args:
        frame: Of one model, with the level under every mask.
        value: The level.
        low: The lower end of its interval.
        high: The upper end.

    Returns:
        Columns ``set``, ``target``, ``language``, ``said`` (the level, and what it was), ``fell``: its
        interval lies below the one with nothing off; ``below_control``: and below the matched control's; None
        without one.
    """
    plain = frame[frame["kind"] == NONE].set_index("language")
    controls = frame[frame["kind"] == "matched"].set_index(["recipe", "target", "language"])[low]
    found = []
    for _, row in frame[frame["kind"] == "recipe"].iterrows():
        before = plain.loc[row["language"]]
        control = controls.get((row["recipe"], row["target"], row["language"]))
        found.append(
            {
                "set": set_name(row["mask"], row["recipe"], "recipe", row["target"]),
                "target": row["target"],
                "language": row["language"],
                "said": f"{ends(row, value)} after {figure(before[value])}",
                "fell": bool(row[high] < before[low]),
                "below_control": None if control is None else bool(row[high] < control),
            }
        )
    columns = ["set", "target", "language", "said", "fell", "below_control"]
    return pd.DataFrame(found, columns=columns).astype({"fell": bool, "below_control": object})


def _language(frames: Frames, frame: pd.DataFrame, subject: str) -> list[str]:
    plain = frame[frame["kind"] == NONE]
    shares = numbers([(row["language"], ends(row, "in_language")) for _, row in plain.iterrows()])
    said = [
        f"With nothing off, {model(subject)} answers in the language of the question in a share of: {shares}."
    ]
    levels = fallen(frame, "in_language", "in_language_low", "in_language_high")
    for name, own in levels.groupby("set", sort=False):
        said.append(
            _fell(own, f"With the sets of {name} off, the answers of {model(subject)} leave their language")
        )
        said += _fallback(frames, own[(own["target"] == own["language"]) & own["fell"]], subject, str(name))
    return [*said, *_off(frame, subject)]


def _fell(levels: pd.DataFrame, start: str) -> str:
    """One sentence of a recipe's sets: in their own languages, beside the control, in the others."""
    own, others = (levels[(levels["target"] == levels["language"]) == same] for same in (True, False))
    fell = own[own["fell"]]
    detail = numbers(list(zip(own["target"], own["said"], strict=True)))
    said = f"{start} {count(list(fell['target']), list(own['target']))} ({detail})"
    judged = fell[fell["below_control"].notna()]
    if len(judged):
        below = list(judged.loc[judged["below_control"].astype(bool), "target"])
        where = count(below, list(judged["target"]))
        said += f"; further than with the matched random control, intervals apart, {where}"
    if len(others):
        said += f"; of {len(others)} pairs with another language of the question, {others['fell'].sum()} fall"
    return f"{said}."


def _fallback(frames: Frames, left: pd.DataFrame, subject: str, name: str) -> list[str]:
    """Where the answers go that leave their language."""
    shares = rows(frames, "fallback")
    shares = shares[
        (shares["subject"] == subject)
        & (shares["kind"] == "recipe")
        & (shares["target"] == shares["language"])
    ]
    where = []
    for language in left["language"]:
        to = shares[(shares["language"] == language) & (shares["answered_in"] != language)]
        to = to[
            [
                set_name(mask, recipe, "recipe", language) == name
                for mask, recipe in to[["mask", "recipe"]].values
            ]
        ]
        if len(to):
            most = to.loc[to["share"].idxmax()]
            where.append(
                f"{language} to {most['answered_in'] or 'no known language'} ({percent(most['share'])})"
            )
    return [f"Where they leave it, they fall back most often from {listing(where)}."] if where else []


def _off(frame: pd.DataFrame, subject: str) -> list[str]:
    off = frame[frame["kind"] == "everything_off"]
    if off.empty:
        return []
    shares = numbers([(row["language"], ends(row, "in_language")) for _, row in off.iterrows()])
    return [f"With everything off the share is, on {model(subject)}: {shares}."]


def say_judge(frames: Frames) -> list[str]:
    """What its marks say, how many could not be read, and whether it agrees with itself."""
    frame = rows(frames, "judge")
    if frame.empty:
        return []
    if plumbing(frames):
        return [
            "The judge was the small bundled model: its marks try the plumbing and say nothing of answers."
        ]
    said = []
    for subject, own in frame.groupby("subject", sort=False):
        for name, each in fallen(own, "score", "low", "high").groupby("set", sort=False):
            said.append(
                _fell(each, f"With the sets of {name} off, the judge's marks of {model(str(subject))} fall")
            )
    unread = int(frame["unparsable"].sum())
    if unread:
        said.append(f"{unread} of {int(frame['answers'].sum())} marks could not be read, and count nowhere.")
    return [*said, *_agreement(frames)]


def _agreement(frames: Frames) -> list[str]:
    return [
        f"Asked twice about {int(row['pairs'])} answers of {model(row['subject'])}, the judge gave the same "
        f"mark {percent(row['exact'])} of the time, and one within a point {percent(row['within_one'])} "
        f"(Spearman {figure(row['spearman'])}, weighted kappa {figure(row['kappa'])})."
        for _, row in rows(frames, "judge_agreement").iterrows()
        if row["pairs"]
    ]
