"""The paper's four tables (Le et al. 2026), for any recipes, languages and tasks."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from neuroglot.files import write_text
from neuroglot.report.tasks.columns import NONE, Frames, languages, plumbing, rows, subjects
from neuroglot.report.tasks.sets import ALL_KINDS, Line, lines
from neuroglot.report.tasks.table import Column, Table, cells
from neuroglot.report.written import latex, markdown

PLUMBING = (
    "These marks try the plumbing: the judge is the small bundled base model, whose marks mean nothing. "
    "They are no findings."
)

_NO_RANDOM = (NONE, "recipe", "everything_off")
_ORG = "Org: nothing switched off. In brackets: 95 % intervals over items."
_F1 = (
    "F1: LangSpec-F1 on the absolute drop, with the mean and the largest drop of the other languages over "
    "the target's. Masks that all languages share are scored as if aimed at each."
)
_SHARE_ENDS = ("in_language_low", "in_language_high")
_AT_CHANCE = "Grey: at chance with nothing switched off, so no F1, and no claim rests on it."


def tables(frames: Frames) -> list[Table]:
    """Those that the frames can fill."""
    panels = list(dict.fromkeys(rows(frames, "benchmark")["panel"]))
    found = []
    for subject in subjects(frames):
        chat = subject != "base"
        kinds = _NO_RANDOM if chat else ALL_KINDS
        found += [_benchmarks(frames, subject, panel, kinds, chat=chat) for panel in panels]
        found += [_open(frames, subject, kinds, chat=chat), _content(frames, subject, kinds, chat=chat)]
    return [table for table in found if table.lines and table.columns]


def write_tables(frames: Frames, folder: Path) -> None:
    """Each as ``<name>.md``, ``<name>.tex`` and ``<name>.csv``."""
    for table in tables(frames):
        header, body = table.header, table.body
        write_text(folder / f"{table.name}.md", markdown(header, body))
        write_text(folder / f"{table.name}.tex", latex(header, body))
        write_text(folder / f"{table.name}.csv", pd.DataFrame(body, columns=header).to_csv(index=False))


def _benchmarks(frames: Frames, subject: str, panel: str, kinds: Sequence[str], *, chat: bool) -> Table:
    """T1; T3 of the chat model, which has the base model's scores first."""
    scores, f1 = (_in(rows(frames, name), panel=panel) for name in ("benchmark", "benchmark_f1"))
    own = _in(f1, subject=subject)
    shown = lines(frames, subject, kinds, own)
    columns = [
        *(_scores(_in(scores, subject="base"), shown, "base: ") if chat else []),
        *_scores(_in(scores, subject=subject), shown, f"{subject}: " if chat else ""),
        *_specific(own, shown, f"{subject}: F1" if chat else "F1"),
    ]
    faint = any(column.faint for column in columns)
    title = f"{panel} before and after it learned to chat" if chat else panel
    notes = [_ORG, *([_F1] if len(own) else []), *([_AT_CHANCE] if faint else [])]
    if chat:
        notes.append("The sets are those found on the base model.")
    return Table(
        f"{'t3' if chat else 't1'}_{panel}", f"Table {3 if chat else 1}. {title}", shown, columns, notes
    )


def _scores(frame: pd.DataFrame, shown: Sequence[Line], model: str) -> list[Column]:
    found = []
    for (task, language), own in frame.groupby(["task", "language"], sort=False):
        faint = bool(own["at_chance"].astype(bool).any())
        note = f"{language}, at chance" if faint else str(language)
        numbers = cells(own, shown, "score", ("low", "high"), digits=3, faint=faint)
        found.append(Column(f"{model}{task}", numbers, note, faint))
    return found


def _specific(frame: pd.DataFrame, shown: Sequence[Line], name: str) -> list[Column]:
    """F1, and beside it what it must not be read without."""
    if frame.empty:
        return []
    return [
        Column(name, cells(frame, shown, "f1", ("low", "high"), by_target=True)),
        Column("collateral", cells(frame, shown, "collateral_mean", by_target=True), "mean"),
        Column("collateral", cells(frame, shown, "collateral_max", by_target=True), "worst"),
    ]


def _open(frames: Frames, subject: str, kinds: Sequence[str], *, chat: bool) -> Table:
    """T2, and T4 of the chat model: open questions, as marked by the judge and by the answers' language."""
    judged, marked = (_in(rows(frames, name), subject=subject) for name in ("judge", "judge_f1"))
    written, kept = (_in(rows(frames, name), subject=subject) for name in ("generation", "generation_f1"))
    shown = lines(frames, subject, kinds, marked, kept)
    order = languages(frames)
    columns = [
        *(
            Column(f"Open_{name}", cells(_in(judged, language=name), shown, "score", ("low", "high")), "1–10")
            for name in order
            if name in set(judged["language"])
        ),
        *_specific(marked, shown, "F1 of the mark"),
        *(
            Column(
                f"in {name}",
                cells(_in(written, language=name), shown, "in_language", _SHARE_ENDS),
                "share",
            )
            for name in order
            if name in set(written["language"])
        ),
        *_specific(kept, shown, "F1 of the share"),
    ]  # fmt: skip
    notes = [
        *([PLUMBING] if len(judged) and plumbing(frames) else []),
        _ORG,
        "Open: the judge's mean mark. Share: of the answers, those in the question's language.",
        _F1,
    ]
    number = 4 if chat else 2
    return Table(
        f"t{number}", f"Table {number}. Open questions{', chat model' if chat else ''}", shown, columns, notes
    )


def _content(frames: Frames, subject: str, kinds: Sequence[str], *, chat: bool) -> Table:
    """Beside T2 and T4: what is kept of the content, and what is repeated."""
    written = _in(rows(frames, "generation"), subject=subject)
    shown = lines(frames, subject, kinds) if len(written) else []
    columns = []
    for value, heading, digits in (("chrf", "chrF", 1), ("repetition", "repeats", 2)):
        for name in dict.fromkeys(written["language"]):
            numbers = cells(
                _in(written, language=name), shown, value, (f"{value}_low", f"{value}_high"), digits=digits
            )
            columns.append(Column(heading, numbers, name))
    notes = [
        _ORG,
        "chrF: of an answer against that to the same question with nothing switched off, 0 to 100. Repeats: "
        "share of four words (or characters) in a row that were there before.",
    ]
    number = 4 if chat else 2
    return Table(
        f"t{number}_content", f"Table {number}, beside it: content and repetition", shown, columns, notes
    )


def _in(frame: pd.DataFrame, **values: str) -> pd.DataFrame:
    for name, value in values.items():
        frame = frame[frame[name] == value]
    return frame
