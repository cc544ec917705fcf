"""What the page of a tuning says, on made-up numbers."""

from itertools import product

import pandas as pd
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.report.tuning import Tuned, summarise, tuning_table, write_tuning
from neuroglot.report.tuning.charts import GALLERY

LANGUAGES = ("en", "vi", "fr")
CHANGES = {"selected": 0.10, "matched 0": 0.11, "matched 1": 0.13, "matched": 0.12, "lora": 0.30}


def frames(selected=(0.05, 0.15), matched=(-0.05, 0.01), lora=(-0.25, -0.15), others=-0.02):
    kinds = {arm: arm.partition(" ")[0] for arm in CHANGES}
    changes = [
        (arm, kinds[arm], language, -2.0, *(
            (change, *(selected if arm == "selected" else (change - 0.05, change + 0.05)))
            if language == "vi" else (others, others - 0.01, others + 0.01)
        ))
        for (arm, change), language in product(CHANGES.items(), [*LANGUAGES, "others"])
    ]  # fmt: skip
    differences = [
        (rival, language, sum(limits) / 2, *limits)
        for (rival, limits), language in product(
            {"matched": matched, "lora": lora}.items(), [*LANGUAGES, "others"]
        )
    ]
    arms = [
        (arm, kinds[arm], 7000, 1e-3 if arm == "lora" else 3e-4, arm == "lora", 3.0, 2.8, 12.0)
        for arm in CHANGES
        if arm != "matched"
    ]
    curves = [
        (arm[0], arm[1], rate, part, step, 3.0 - 0.1 * step * rate)
        for arm, rate, part, step in product(arms, (1e-3, 3e-4), ("train", "validation"), range(3))
    ]
    base = [(language, -2.1, 8.2, 410, 1800, 2100, 24, 6) for language in LANGUAGES]
    return {
        "arms": pd.DataFrame(
            arms,
            columns=[
                "arm",
                "kind",
                "parameters",
                "rate",
                "rate_at_edge",
                "loss_before",
                "loss_after",
                "seconds",
            ],
        ),
        "changes": pd.DataFrame(
            changes, columns=["arm", "kind", "language", "log_prob", "change", "low", "high"]
        ),
        "differences": pd.DataFrame(differences, columns=["rival", "language", "difference", "low", "high"]),
        "curves": pd.DataFrame(curves, columns=["arm", "kind", "rate", "part", "step", "loss"]),
        "base": pd.DataFrame(
            base,
            columns=[
                "language",
                "log_likelihood",
                "perplexity",
                "tokens",
                "characters",
                "bytes",
                "sentences",
                "documents",
            ],
        ),
    }


def said(**limits):
    return " ".join(summarise(Tuned(frames(**limits), "vi", {})))


def test_says_the_negative_result():
    text = said()
    assert "Tuning the neurons chosen for vi helps vi: 0.100 [0.050, 0.150]." in text
    assert (
        "no more and no less than tuning as many matched random neurons (0.120 [0.070, 0.170]): "
        "the difference is −0.020 [−0.050, 0.010]"
    ) in text
    assert "less than tuning LoRA of the same size" in text
    assert "tuning the chosen neurons hurts en and fr (mean −0.020)" in text
    assert "an end of the list for LoRA (0.001)" in text


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"selected": (-0.1, 0.2)}, "does not change vi"),
        ({"selected": (-0.3, -0.1)}, "hurts vi"),
        ({"matched": (0.01, 0.02)}, "That is more than tuning as many matched random neurons"),
        ({"matched": (-0.02, -0.01)}, "That is less than tuning as many matched random neurons"),
        ({"lora": (-0.1, 0.1)}, "no more and no less than tuning LoRA"),
        ({"others": 0.5}, "LoRA helps en and fr"),
        ({"others": 0.0}, "matched random ones, on average, changes none for certain"),
    ],
)
def test_says_what_came_out(limits, sentence):
    assert sentence in said(**limits)


def test_the_page_draws_every_figure_and_escapes_names(tmp_path):
    about = {"title": "Tuning <b>", "languages": ["en"], "commands": ["neuroglot tune <img src=x>"]}
    page = write_tuning(Tuned(frames(), "vi", about), tmp_path).read_text("utf-8")
    for figure in GALLERY:
        assert (tmp_path / "charts" / f"{figure.name}.svg").stat().st_size > 2000
        assert f'id="{figure.name}"' in page
    assert "<img src=x>" not in page and "Tuning <b>" not in page
    assert "0.100 [0.050, 0.150]" in page
    assert "switched off, and what that costs" not in page


def test_the_table_has_a_line_an_arm_and_the_target_first():
    tuned = Tuned(frames(), "vi", {})
    assert tuned.headings == ["arm", "parameters", "step size", "vi", "others, mean", "en", "fr"]
    assert [line[0] for line in tuned.lines] == [
        "selected neurons", "matched random, mean", "matched random 0", "matched random 1", "LoRA"
    ]  # fmt: skip
    assert tuned.lines[1][1:3] == ["7,000", "–"]
    assert tuning_table(tuned).row_count == 5


def test_a_study_of_one_language_has_no_others(tmp_path):
    alone = frames()
    for name in ("changes", "differences", "base"):
        alone[name] = alone[name][alone[name]["language"] == "vi"].reset_index(drop=True)
    tuned = Tuned(alone, "vi", {"title": "Alone", "commands": []})
    assert tuned.headings == ["arm", "parameters", "step size", "vi"]
    assert "Of the other languages" not in " ".join(summarise(tuned))
    assert write_tuning(tuned, tmp_path).is_file()


def test_names_the_column_that_is_lacking():
    lacking = frames()
    lacking["arms"] = lacking["arms"].drop(columns="rate")
    with pytest.raises(NeuroglotError, match=r"tuning.arms: lacks the column rate"):
        Tuned(lacking, "vi", {})
