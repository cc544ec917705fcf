"""The page of a transfer: everything is drawn, and no sentence oversells."""

from itertools import product

import pandas as pd
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.report.table import table_lines
from neuroglot.report.transfer import write_transfer
from neuroglot.report.transfer.charts.gallery import GALLERY
from neuroglot.report.transfer.charts.raw import RAW
from neuroglot.report.transfer.moved import Moved
from neuroglot.report.transfer.summary import summarise


def said(frames, about=None) -> list[str]:
    return summarise(Moved(frames, about or {}))


def set_to(frames, kind, measure, model="chat", **numbers):
    """Changes the row of the mean over languages."""
    rows = frames["survival"]
    here = (rows["model"] == model) & (rows["kind"] == kind) & (rows["measure"] == measure)
    rows.loc[here & (rows["language"] == ""), list(numbers)] = list(numbers.values())


def test_draws_every_figure(frames, about, tmp_path):
    text = write_transfer(frames, about, tmp_path).read_text("utf-8")
    for figure in GALLERY:
        assert (tmp_path / "charts" / f"{figure.name}.svg").stat().st_size > 500
        assert f'id="{figure.name}"' in text
    assert "r on chat − r on base" in text
    assert "The same neurons are switched off in chat, later, without finding them anew" in text
    assert "base, where the sets were found, with nothing switched off" in text


def test_the_table_has_a_line_a_set_and_model(frames):
    lines = [line.label for line in table_lines(Moved(frames, {}).findings)]
    for model in ("base", "chat", "later"):
        assert f"r · zero · on {model}" in lines
        assert f"everything off · zero · on {model}" in lines


def test_raw_scores_have_a_panel_a_language_and_every_model_in_it(frames):
    spec = RAW.draw(Moved(frames, {})).to_dict()
    assert spec["facet"]["sort"] == ["en", "fr", "vi"]
    (table,) = spec["datasets"].values()
    values = [line.split(",") for line in table.splitlines()]
    column = {name: number for number, name in enumerate(values[0])}
    drawn = {(row[column["model"]], row[column["language"]], row[column["set"]]) for row in values[1:]}
    sets = {"nothing off", "r", "matched: r", "uniform random", "everything off"}
    assert drawn == set(product(("base", "chat", "later"), ("en", "fr", "vi"), sets))


def test_says_what_is_left_and_that_the_controls_keep_as_much(frames):
    set_to(frames, "recipe", "target", ahead_low=-0.1, ahead_high=0.1)
    sentences = said(frames)
    assert sentences[0].startswith("On chat the sets of r cost their languages 0.5")
    assert "% of the effect is left." in sentences[0]
    assert sentences[1].endswith("too: that a share survives is by itself no sign of the choice of neurons.")


def test_says_when_the_set_keeps_more_than_its_controls_or_less(frames):
    set_to(frames, "recipe", "target", ahead_low=0.1, ahead_high=0.2)
    assert said(frames)[1].endswith("less than of the sets'.")
    set_to(frames, "recipe", "target", ahead_low=-0.2, ahead_high=-0.1)
    assert said(frames)[1].endswith("more than of the sets'.")
    set_to(frames, "matched", "target", share=float("nan"))
    assert "what the random sets cost could not be told from 0" in said(frames)[1]


def test_says_when_the_sets_cannot_be_told_from_random_ones(frames):
    later = [sentence for sentence in said(frames) if "later" in sentence or "told from" in sentence]
    assert any("the sets cannot be told from them" in sentence for sentence in later)


def test_says_when_there_was_nothing_to_begin_with(frames):
    set_to(frames, "recipe", "target", share=float("nan"))
    first = said(frames)[0]
    assert first.startswith("On base itself the sets of r cost their languages nothing")
    assert "nothing is there that could survive on chat" in first


def test_says_when_there_is_no_control(frames):
    for name in ("survival", "f1", "raw", "means", "langspec", "drops"):
        frames[name] = frames[name][frames[name]["kind"] != "matched"]
    assert said(frames)[1].startswith("Without matched controls nobody can say")


def test_says_when_the_weights_are_the_same(frames):
    sentences = said(frames, {"same weights": ["chat"]})
    assert sentences[0].startswith("chat has the very weights")
    assert sentences[1].startswith("On later")


def test_names_the_column_that_is_lacking(frames):
    frames["survival"] = frames["survival"].drop(columns="share_low")
    with pytest.raises(NeuroglotError, match=r"transfer.survival: lacks the column share_low"):
        Moved(frames, {})
    del frames["raw"]
    with pytest.raises(NeuroglotError, match="transfer"):
        Moved(frames, {})


def test_text_from_outside_is_escaped(frames, about, tmp_path):
    bad = "<img src=x onerror=alert(1)>"
    frames = {name: frame.replace({"chat": bad}) for name, frame in frames.items()}
    assert isinstance(frames["base"], pd.DataFrame)
    assert "<img src=x" not in write_transfer(frames, about, tmp_path).read_text("utf-8")
