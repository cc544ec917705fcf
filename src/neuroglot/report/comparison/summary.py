"""What a comparison says, in sentences, with what it does not say."""

from neuroglot.report.comparison.compared import Compared
from neuroglot.report.words import figure, interval, listing


def summarise(compared: Compared) -> list[str]:
    """The sentences, the most important first; none about what was not measured."""
    return [
        *_best(compared),
        *_sledgehammer(compared),
        *_contrast(compared),
        *_faithful(compared),
        *_known(compared),
        "One model, one corpus, one split: intervals are over documents of the report and say nothing of "
        "other models, corpora or seeds.",
    ]


def _best(compared: Compared) -> list[str]:
    means, names = compared.at_budget("means"), compared.recipes
    if not names:
        return []
    top = means[(means["kind"] == "recipe") & (means["recipe"] == names[0])].iloc[0]
    value = interval(top["f1_relative"], top["f1_relative_low"], top["f1_relative_high"])
    said = [
        f"Of {len(names)} recipes {names[0]} has the highest mean relative LangSpec-F1, {value}, with a mean "
        f"collateral of {figure(top['collateral_mean'])}."
    ]
    if len(names) > 1:
        rows = compared.at_budget("differences")
        rows = rows[(rows["drop"] == "relative")]
        pair = rows[
            ((rows["recipe_a"] == names[0]) & (rows["recipe_b"] == names[1]))
            | ((rows["recipe_a"] == names[1]) & (rows["recipe_b"] == names[0]))
        ]
        if len(pair):
            ahead = pair["low"].iloc[0] > 0 or pair["high"].iloc[0] < 0
            verdict = "is ahead of" if ahead else "cannot be told apart from"
            said.append(f"Over the same documents it {verdict} the second, {names[1]}.")
    return said


def _sledgehammer(compared: Compared) -> list[str]:
    means, off = compared.at_budget("means"), compared.everything_off
    if off is None:
        return []
    below = means[(means["kind"] == "recipe") & (means["f1_relative"] < off)]["recipe"].tolist()
    said = f"Switching everything off scores {figure(off)}"
    if not below:
        return [said + "; every recipe is above it."]
    verb = "does" if len(below) == 1 else "do"
    return [f"{said}: {listing(below)} {verb} not reach it."]


def _contrast(compared: Compared) -> list[str]:
    table = compared.rows("crossed").pivot_table(index="score", columns="contrast", values="f1_relative")
    if table.shape[0] < 2 or table.shape[1] < 2:
        return []
    contrasts = float((table.max(axis=1) - table.min(axis=1)).mean())
    scores = float((table.max(axis=0) - table.min(axis=0)).mean())
    best = table.mean(axis=0).idxmax()
    return [
        f"For one and the same score, the choice of contrast moves F1 by {figure(contrasts)} on average; "
        f"for one and the same contrast, the choice of score moves it by {figure(scores)}. "
        f"{best} is the best contrast on average over scores."
    ]


def _faithful(compared: Compared) -> list[str]:
    rows = compared.rows("faithfulness")
    if not len(rows):
        return []
    rows = rows.sort_values("spearman", ascending=False)
    top, last = rows.iloc[0], rows.iloc[-1]
    return [
        f"Against the exact effect of {int(top['neurons'])} single neurons, {top['score']} ranks best "
        f"(Spearman {interval(top['spearman'], top['low'], top['high'])}) and {last['score']} worst "
        f"({interval(last['spearman'], last['low'], last['high'])})."
    ]


def _known(compared: Compared) -> list[str]:
    rows = compared.rows("known_answer")
    if not len(rows):
        return []
    means = rows.groupby("recipe", sort=False)[["precision", "decoys"]].mean()
    fooled = means[means["decoys"] > 0.25].index.tolist()
    right = means[means["precision"] >= 0.9].index.tolist()
    said = "On the model whose answer is known, "
    said += (
        f"{listing(right)} find{'s' if len(right) == 1 else ''} it (precision 0.9 or more)"
        if right
        else "none finds it"
    )
    if fooled:
        said += (
            f"; of what {listing(fooled)} choose{'s' if len(fooled) == 1 else ''}, over a quarter is decoys"
        )
    return [said + "."]
