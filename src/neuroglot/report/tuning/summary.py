"""What came of a tuning, in sentences, with what they do not say."""

import pandas as pd

from neuroglot.report.tuning.tuned import DIGITS, Tuned, named
from neuroglot.report.words import figure, interval, listing

_ARMS = {
    "selected": "the chosen neurons",
    "matched": "matched random ones, on average,",
    "lora": "LoRA",
}


def summarise(tuned: Tuned) -> list[str]:
    """The sentences, the most important first."""
    return [
        _helps(tuned),
        _against(tuned, "matched", "as many matched random neurons"),
        _against(tuned, "lora", "LoRA of the same size"),
        *_hurts(tuned),
        *_edges(tuned),
        "Changes are nats a token on the report text, with 95 % intervals over its documents. One model, one "
        "text, one order of it: the intervals say nothing of other seeds of the training.",
    ]


def _helps(tuned: Tuned) -> str:
    row = tuned.change("selected", tuned.language)
    verb = _verdict(row["low"], row["high"], "helps", "does not change", "hurts")
    return f"Tuning the neurons chosen for {tuned.language} {verb} {tuned.language}: {_said(row, 'change')}."


def _against(tuned: Tuned, rival: str, name: str) -> str:
    row = tuned.difference(rival, tuned.language)
    other = tuned.change(rival, tuned.language)
    verdict = _verdict(row["low"], row["high"], "more than", "no more and no less than", "less than")
    return (
        f"That is {verdict} tuning {name} ({_said(other, 'change')}): the difference is "
        f"{_said(row, 'difference')}."
    )


def _hurts(tuned: Tuned) -> list[str]:
    others = tuned.languages[1:]
    said = []
    for arm, name in _ARMS.items() if others else ():
        rows = {language: tuned.change(arm, language) for language in others}
        hurt = [language for language, row in rows.items() if row["high"] < 0]
        helped = [language for language, row in rows.items() if row["low"] > 0]
        parts = [f"hurts {listing(hurt)}"] if hurt else []
        parts += [f"helps {listing(helped)}"] if helped else []
        mean = figure(tuned.change(arm, "others")["change"], DIGITS)
        said.append(
            f"Of the other languages, tuning {name} {' and '.join(parts) or 'changes none for certain'} "
            f"(mean {mean})."
        )
    return said


def _edges(tuned: Tuned) -> list[str]:
    arms = tuned.frames["arms"]
    edge = [f"{named(arm)} ({rate:g})" for arm, rate in arms[arms["rate_at_edge"]][["arm", "rate"]].values]
    if not edge:
        return []
    return [
        f"The step size kept is an end of the list for {listing(edge)}: a wider list (--rates) might do "
        "better."
    ]


def _verdict(low: float, high: float, up: str, level: str, down: str) -> str:
    return up if low > 0 else down if high < 0 else level


def _said(row: pd.Series, name: str) -> str:
    return interval(row[name], row["low"], row["high"], DIGITS)
