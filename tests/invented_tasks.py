"""Frames of made-up tasks: base and chat model, two recipes, three languages, every column.

What is true of them is simple. Under ``strong`` a language's own task falls from 0.70 to 0.40, its answers
from 0.95 to 0.10 in its language (the rest goes to English, English to Chinese), its marks from 8 to 3;
nothing else moves. ``weak`` does as little as a random set. Everything off costs everything. The Chinese task
of the panel ``knowledge`` is at chance; ``choice`` has none. On the chat model ``strong`` does nothing to
English any more.
"""

import numpy as np
import pandas as pd

LANGUAGES = ("en", "zh", "vi")
RECIPES = ("strong", "weak")
PANELS = {
    "knowledge": {"en": "mmlu_local", "zh": "ceval_local", "vi": "exams_vi_local"},
    "choice": {"en": "xcopa_en", "zh": "xcopa_zh", "vi": "xcopa_vi"},
}
CHANCE = {"knowledge": 0.25, "choice": 0.5}
EVIL = "</td></script><script>window.broken=1</script>\"'&"
"""What a model could answer."""


def masks():
    """(mask, recipe, kind, target), nothing off first."""
    yield "none", "", "none", ""
    yield "everything_off", "", "everything_off", ""
    yield "uniform 0", "uniform", "uniform", ""
    for recipe in RECIPES:
        for target in LANGUAGES:
            yield f"{recipe} zero {target}", recipe, "recipe", target
        for target in LANGUAGES:
            yield f"matched {recipe} {target} 0", recipe, "matched", target


def hit(subject: str, recipe: str, kind: str, target: str, language: str) -> float:
    """How much of the effect a language feels: 0 none, 1 all."""
    if kind == "everything_off":
        return 1.0
    if kind == "recipe" and recipe == "strong" and target == language:
        return 0.0 if (subject, language) == ("chat", "en") else 1.0
    return 0.0


def f1_rows(known, score, targets):
    """LangSpec-F1 of made-up drops: 2PR/(P+R), by hand."""
    for subject, (mask, recipe, kind, target) in known:
        for aim in [target] if target else [] if kind == "none" else LANGUAGES:
            others = [x for x in targets if x != aim]
            if aim not in targets or not others:
                yield subject, mask, recipe, kind, aim, *[np.nan] * 5
                continue
            before, after = (
                {x: score(h) for x, h in zip(targets, hits, strict=True)}
                for hits in (
                    [0.0] * len(targets),
                    [hit(subject, recipe, kind, target, x) for x in targets],
                )
            )
            lost = {x: before[x] - after[x] for x in targets}
            own, most = lost[aim], max(lost[x] for x in others)
            precision, recall = own / (own + most) if own else 0.0, own / before[aim]
            f1 = 2 * precision * recall / (precision + recall) if own else 0.0
            mean = np.mean([lost[x] for x in others])
            over = (mean / own, most / own) if own else (np.nan, np.nan)
            yield subject, mask, recipe, kind, aim, f1, max(f1 - 0.06, 0), min(f1 + 0.06, 1), *over


def invented_tasks(*, chat: bool = True, plumbing: bool = False) -> dict[str, pd.DataFrame]:
    """Every frame."""
    subjects = ("base", "chat") if chat else ("base",)
    known = [(subject, mask) for subject in subjects for mask in masks()]
    rows: dict[str, list] = {
        name: [] for name in ("benchmark", "benchmark_f1", "answers", "generation", "fallback", "judge")
    }
    for subject, mask in known:
        for language in LANGUAGES:
            felt = hit(subject, *mask[1:3], mask[3], language)
            for panel, tasks in PANELS.items():
                lucky = (panel, language) == ("knowledge", "zh")
                chance = CHANCE[panel]
                before = chance + 0.01 if lucky else 0.70
                score = before if lucky else 0.70 - 0.30 * felt
                lost = before - score
                task = (panel, tasks[language], language, 200, chance)
                around = (score, score - 0.06, score + 0.06, lucky, lost, lost - 0.05, lost + 0.05)
                rows["benchmark"].append((subject, *mask, *task, *around))
            share = 0.95 - 0.85 * felt
            mark = 8 - 5 * felt
            wrong = "zh" if language == "en" else "en"
            again, like = 0.05 + 0.4 * felt, 100 - 80 * felt
            shares = (share, share - 0.04, share + 0.04, again, again - 0.03, again + 0.03)
            content = (like, like - 5 * felt, like + 5 * felt, 240, 0.1)
            rows["generation"].append((subject, *mask, language, 24, *shares, *content))
            rows["fallback"] += [
                (subject, *mask, language, language, share),
                (subject, *mask, language, wrong, round(0.9 * (1 - share), 3)),
                (subject, *mask, language, "", round(0.1 * (1 - share), 3)),
            ]
            rows["judge"].append((subject, *mask, language, 24, 1, mark, mark - 0.5, mark + 0.5, plumbing))
            for question in range(6):
                text = EVIL if question == 1 else f"Answer {question} in {language} under {mask[0]}. " * 12
                asked = (language, f"q{question}", f"Question {question} in {language}?", text, 40, True)
                measured = (wrong if felt else language, not felt, again, like, len(text))
                rows["answers"].append((subject, *mask, *asked, *measured))
    sets = ["subject", "mask", "recipe", "kind", "target"]
    f1 = ["f1", "low", "high", "collateral_mean", "collateral_max"]
    found = {
        "benchmark": [
            *sets, "panel", "task", "language", "items", "chance", "score", "low", "high", "at_chance",
            "lost", "lost_low", "lost_high",
        ],
        "generation": [
            *sets, "language", "questions", "in_language", "in_language_low", "in_language_high",
            "repetition", "repetition_low", "repetition_high", "chrf", "chrf_low", "chrf_high", "length",
            "cut",
        ],
        "fallback": [*sets, "language", "answered_in", "share"],
        "judge": [*sets, "language", "answers", "unparsable", "score", "low", "high", "plumbing"],
        "answers": [
            *sets, "language", "question", "text", "answer", "tokens", "finished", "answered_in",
            "in_language", "repetition", "chrf", "length",
        ],
    }  # fmt: skip
    frames = {name: pd.DataFrame(rows[name], columns=columns) for name, columns in found.items()}
    by_panel = []
    for panel in PANELS:
        targets = [x for x in LANGUAGES if (panel, x) != ("knowledge", "zh")]
        own = pd.DataFrame(f1_rows(known, lambda felt: 0.7 - 0.3 * felt, targets), columns=[*sets, *f1])
        own.insert(5, "panel", panel)
        by_panel.append(own)
    frames["benchmark_f1"] = pd.concat(by_panel, ignore_index=True)
    for name, score in (
        ("generation_f1", lambda felt: 0.95 - 0.85 * felt),
        ("judge_f1", lambda felt: 0.8 - 0.5 * felt),
    ):
        frames[name] = pd.DataFrame(f1_rows(known, score, LANGUAGES), columns=[*sets, *f1])
    agreement = [(subject, 30, 0.6, 0.9, 0.71, 0.65) for subject in subjects]
    columns = ["subject", "pairs", "exact", "within_one", "spearman", "kappa"]
    return frames | {"judge_agreement": pd.DataFrame(agreement, columns=columns)}
