"""What benchmarks say: which sets cost their language its task, and more than what is beside them."""

import pandas as pd

from neuroglot.report.tasks.columns import Frames, rows, subjects
from neuroglot.report.tasks.said.words import count, ends, model, numbers, span
from neuroglot.report.tasks.sets import set_name
from neuroglot.report.words import listing


def say(frames: Frames) -> list[str]:
    """Model by model and panel by panel."""
    frame = rows(frames, "benchmark")
    said = []
    for (subject, panel), own in frame.groupby(["subject", "panel"], sort=False):
        said += _panel(frames, own, str(subject), str(panel))
    return [*said, *_chat(frames)]


def _panel(frames: Frames, frame: pd.DataFrame, subject: str, panel: str) -> list[str]:
    where = f"{panel} on {model(subject)}"
    lucky = frame["at_chance"].astype(bool)
    gone = [
        f"{task} ({language})"
        for task, language in frame[lucky][["task", "language"]].drop_duplicates().values
    ]
    usable = frame[~lucky]
    if usable.empty:
        return [f"{where}: every task is at chance with nothing switched off, so none can show a loss."]
    said = []
    if gone:
        verb = "is" if len(gone) == 1 else "are"
        said.append(
            f"{where}: {listing(gone)} {verb} at chance with nothing switched off, and {verb} left out of "
            "all that follows and of F1."
        )
    losses = costs(usable)
    said += [_set(where, str(name), own) for name, own in losses.groupby("set", sort=False)]
    return [*said, *_everything_off(frames, usable, where, subject, panel)]


def costs(usable: pd.DataFrame) -> pd.DataFrame:
    """A row a recipe's set whose language has a usable task: what its task lost, and beside what.

    Returns:
        Columns ``set``, ``target``, ``said``; ``hurt``: the interval of the loss excludes 0;
        ``beyond_control`` and ``beyond_others``: it lies above those of the matched control's loss and of
        every other language's; None where there is no such thing.
    """
    found = []
    sets = usable[usable["kind"] == "recipe"]
    for (mask, recipe, target), own in sets.groupby(["mask", "recipe", "target"], sort=False):
        at = own[own["language"] == target]
        if at.empty:
            continue
        row = at.iloc[0]
        beside = usable[
            (usable["recipe"] == recipe) & (usable["target"] == target) & (usable["language"] == target)
        ]
        control = beside.loc[beside["kind"] == "matched", "lost_high"]
        others = own.loc[own["language"] != target, "lost_high"]
        found.append(
            {
                "set": set_name(str(mask), str(recipe), "recipe", str(target)),
                "target": str(target),
                "said": ends(row, "lost"),
                "hurt": bool(row["lost_low"] > 0),
                "beyond_control": bool(row["lost_low"] > control.max()) if len(control) else None,
                "beyond_others": bool(row["lost_low"] > others.max()) if len(others) else None,
            }
        )
    columns = ["set", "target", "said", "hurt", "beyond_control", "beyond_others"]
    return pd.DataFrame(found, columns=columns).astype(dict.fromkeys(columns[3:], object))


def _set(where: str, name: str, own: pd.DataFrame) -> str:
    hurt = own[own["hurt"].astype(bool)]
    detail = numbers(list(zip(own["target"], own["said"], strict=True)))
    places = count(list(hurt["target"]), list(own["target"]))
    said = (
        f"{where}: with the sets of {name} off, their language's own task suffers {places} (lost: {detail})"
    )
    for column, rival in (
        ("beyond_control", "the matched random control costs it"),
        ("beyond_others", "any other language's task loses"),
    ):
        judged = own[own[column].notna()]
        if len(judged) and len(hurt):
            more = list(judged.loc[judged[column].astype(bool), "target"])
            said += f"; more than {rival}, intervals apart, {count(more, list(judged['target']))}"
    return f"{said}."


def _everything_off(frames: Frames, usable: pd.DataFrame, where: str, subject: str, panel: str) -> list[str]:
    off = usable[usable["kind"] == "everything_off"]
    if off.empty:
        return []
    hurt = list(off.loc[off["lost_low"] > 0, "language"])
    said = f"{where}: everything off costs accuracy {count(hurt, list(off['language']))}"
    f1 = rows(frames, "benchmark_f1")
    f1 = f1[(f1["subject"] == subject) & (f1["panel"] == panel) & f1["f1"].notna()]
    bar = f1[f1["kind"] == "everything_off"].set_index("target")["high"]
    if bar.empty:
        return [f"{said}."]
    said += f" and has an F1 of {span(f1.loc[f1['kind'] == 'everything_off', 'f1'])}"
    own = f1[(f1["kind"] == "recipe") & f1["target"].isin(bar.index)]
    own = own.assign(set=[set_name(*row) for row in own[["mask", "recipe", "kind", "target"]].values])
    for name, each in own.groupby("set", sort=False):
        above = each.loc[each["low"] > each["target"].map(bar), "target"]
        said += f"; {name} stands clear of that {count(list(above), list(each['target']))}"
    return [f"{said}."]


def _chat(frames: Frames) -> list[str]:
    """Whether the sets found on the base model still cost the chat model its tasks."""
    frame = rows(frames, "benchmark")
    frame = frame[~frame["at_chance"].astype(bool)]
    said = []
    for subject in subjects(frames)[1:]:
        for panel, own in frame.groupby("panel", sort=False):
            before, after = (costs(own[own["subject"] == name]) for name in ("base", subject))
            both = before[before["hurt"].astype(bool)].merge(
                after, on=["set", "target"], suffixes=("", "_after")
            )
            for name, each in both.groupby("set", sort=False):
                kept = list(each.loc[each["hurt_after"].astype(bool), "target"])
                said.append(
                    f"{panel}: where the base model's own task suffers under the sets of {name}, that of "
                    f"{model(subject)} still does {count(kept, list(each['target']))}."
                )
    return said
