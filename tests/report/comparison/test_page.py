"""The page of a comparison: everything that was measured is in it, and nothing else."""

from io import StringIO

import pandas as pd
import pytest
from rich.console import Console

from neuroglot.errors import NeuroglotError
from neuroglot.report.comparison import comparison_table, write_comparison
from neuroglot.report.comparison.charts.faithful import FAITHFULNESS
from neuroglot.report.comparison.charts.gallery import GALLERY
from neuroglot.report.comparison.compared import Compared
from neuroglot.report.comparison.summary import summarise
from neuroglot.report.written import latex, markdown


def said(frames):
    return " ".join(summarise(Compared(frames, {}, 0.01)))


def test_draws_every_figure_and_writes_every_table(frames, about, tmp_path):
    page = write_comparison(frames, about, tmp_path)
    text = page.read_text()
    for figure in GALLERY:
        assert (tmp_path / "charts" / f"{figure.name}.svg").stat().st_size > 500
        assert (tmp_path / "charts" / f"{figure.name}.png").stat().st_size > 500
        assert f'id="{figure.name}"' in text or f'"{figure.name}"' in text
    for name, frame in frames.items():
        assert len(pd.read_csv(tmp_path / "tables" / f"{name}.csv")) == len(frame)
    lines = (tmp_path / "comparison.md").read_text().splitlines()
    assert lines[0].startswith("| set | F1 relative")
    assert [line.split("|")[1].split()[0] for line in lines[2:5]] == ["grad_act", "ig", "crane"]
    assert "\\toprule" in (tmp_path / "comparison.tex").read_text()


@pytest.mark.parametrize("lost", ["crossed", "known_answer", "density", "cost", "thresholds", "area"])
def test_leaves_out_what_was_not_measured(frames, about, tmp_path, lost):
    frames[lost] = frames[lost].iloc[:0]
    write_comparison(frames, about, tmp_path)
    gone = {figure.name for figure in GALLERY if figure.source == lost}
    drawn = {path.stem for path in (tmp_path / "charts").glob("*.svg")}
    assert gone and drawn == {figure.name for figure in GALLERY} - gone


def test_does_without_everything_off(frames, about, tmp_path):
    for name in ("means", "standings"):
        frames[name] = frames[name][frames[name]["kind"] != "everything_off"]
    write_comparison(frames, about, tmp_path)
    assert "everything off" not in said(frames).lower()


def test_refuses_to_write_without_means(frames, about, tmp_path):
    del frames["means"]
    with pytest.raises(NeuroglotError, match="means"):
        write_comparison(frames, about, tmp_path)


def test_names_the_column_that_is_lacking(frames):
    frames["cost"] = frames["cost"].drop(columns="seconds")
    with pytest.raises(NeuroglotError, match="seconds"):
        Compared(frames, {}, 0.01)


def test_text_from_outside_is_escaped(frames, about, tmp_path):
    frames = {
        name: frame.replace({"grad_act": "<img src=x onerror=alert(1)>"}) for name, frame in frames.items()
    }
    text = write_comparison(frames, about, tmp_path).read_text()
    assert "<img src=x" not in text


def test_says_who_is_best_and_that_it_is_not_ahead(frames):
    assert "Of 6 recipes grad_act has the highest" in said(frames)
    assert "cannot be told apart from the second, ig" in said(frames)
    rows = frames["differences"]
    rows[["low", "high"]] = rows[["low", "high"]] + 0.05
    assert "is ahead of the second, ig" in said(frames)


def test_says_who_does_not_reach_everything_off(frames):
    assert "scores 0.35: random does not reach it" in said(frames)


def test_says_what_the_contrast_moves_and_what_the_score(frames):
    assert "the choice of contrast moves F1 by 0.30" in said(frames)
    assert "the choice of score moves it by 0.06" in said(frames)


def test_says_who_falls_for_decoys(frames):
    assert "of what lape and activation choose, over a quarter is decoys" in said(frames)


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_table_fits(frames, width):
    console = Console(width=width, record=True, file=StringIO())
    console.print(comparison_table(frames))
    text = console.export_text()
    assert "grad_act" in text and "…" not in text
    assert max(map(len, text.splitlines())) <= width


def test_latex_escapes():
    assert r"a\_b \& 50\% & 1 \\" in latex(["set", "x"], [["a_b & 50%", "1"]])
    assert "\\textbackslash{}x" in latex(["set"], [["\\x"]])


def test_markdown_keeps_a_pipe_in_its_cell():
    assert "a\\|b" in markdown(["set"], [["a|b"]])


def test_a_negative_correlation_stays_inside_its_axis(frames):
    spec = FAITHFULNESS.draw(Compared(frames, {}, 0.01)).to_dict()
    low, high = spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low <= frames["faithfulness"]["low"].min() < -0.2 and high == 1
