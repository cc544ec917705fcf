"""The paper's tables: its rows in its order, its columns, and what is left out of F1."""

import csv
from io import StringIO

import pandas as pd
import pytest

from invented_tasks import LANGUAGES, RECIPES, invented_tasks
from neuroglot.errors import NeuroglotError
from neuroglot.report.tasks.columns import rows
from neuroglot.report.tasks.paper import tables, write_tables


def named(frames):
    return {table.name: table for table in tables(frames)}


def cell(table, label, heading):
    line = [one.label for one in table.lines].index(label)
    return next(one for one in table.columns if one.name == heading).cells[line]


RECIPE_ROWS = [f"{recipe} · {language}" for recipe in RECIPES for language in LANGUAGES]
OFF = [f"everything off · {language}" for language in LANGUAGES]
RANDOM = [
    *(f"matched: {row}" for row in RECIPE_ROWS),
    *(f"uniform random · {language}" for language in LANGUAGES),
]


def test_the_rows_are_in_the_order_of_the_paper(frames):
    own = named(frames)
    for name in ("t1_knowledge", "t2"):
        assert [line.label for line in own[name].lines] == ["Org", *RECIPE_ROWS, *RANDOM, *OFF]
    for name in ("t3_choice", "t4"):
        assert [line.label for line in own[name].lines] == ["Org", *RECIPE_ROWS, *OFF]


def test_the_columns_are_those_of_the_paper(frames):
    own = named(frames)
    assert own["t1_choice"].header[:5] == ["set", "xcopa_en (en)", "xcopa_zh (zh)", "xcopa_vi (vi)", "F1"]
    assert own["t2"].header[1:4] == ["Open_en (1–10)", "Open_zh (1–10)", "Open_vi (1–10)"]
    assert [name for name in own["t3_choice"].header if "xcopa" in name] == [
        f"{subject}: xcopa_{x} ({x})" for subject in ("base", "chat") for x in LANGUAGES
    ]
    assert list(own) == [
        "t1_knowledge", "t1_choice", "t2", "t2_content", "t3_knowledge", "t3_choice", "t4", "t4_content",
    ]  # fmt: skip


def test_every_number_is_where_its_frame_says(frames):
    own = named(frames)
    assert cell(own["t1_choice"], "strong · vi", "xcopa_vi").whole == "0.400 [0.340, 0.460]"
    assert cell(own["t1_choice"], "strong · vi", "xcopa_en").text == "0.700"
    # P = 1 and R = 0.3 / 0.7, so F1 = 0.6; with everything off P = 1/2
    assert cell(own["t1_choice"], "strong · vi", "F1").text == "0.60"
    assert cell(own["t1_choice"], "everything off · vi", "F1").text == "0.46"
    assert cell(own["t2"], "strong · zh", "Open_zh").text == "3.00"
    assert cell(own["t2"], "strong · zh", "in zh").text == "0.10"
    assert cell(own["t3_choice"], "strong · en", "base: xcopa_en").text == "0.400"
    assert cell(own["t3_choice"], "strong · en", "chat: xcopa_en").text == "0.700"
    assert cell(own["t2_content"], "strong · vi", "chrF").text == "100"  # the first column is English


def test_a_task_at_chance_is_grey_and_gets_no_f1(frames):
    table = named(frames)["t1_knowledge"]
    faint = [column.name for column in table.columns if column.faint]
    assert faint == ["ceval_local"]
    assert "ceval_local (zh, at chance)" in table.header
    assert cell(table, "strong · zh", "F1").whole == cell(table, "everything off · zh", "F1").whole == "–"
    assert cell(table, "strong · en", "F1").text == "0.60"
    assert any("at chance" in note for note in table.notes)
    assert not any("at chance" in note for note in named(frames)["t1_choice"].notes)


def test_files_say_the_same_as_the_page(frames, tmp_path):
    write_tables(frames, tmp_path)
    for name, table in named(frames).items():
        lines = list(csv.reader(StringIO((tmp_path / f"{name}.csv").read_text("utf-8"))))
        assert lines == [table.header, *table.body]
        markdown = (tmp_path / f"{name}.md").read_text("utf-8").splitlines()
        assert len(markdown) == 2 + len(table.lines)
        assert "\\toprule" in (tmp_path / f"{name}.tex").read_text("utf-8")


@pytest.mark.parametrize(
    ("kept", "made"),
    [
        (("benchmark",), ["t1_knowledge", "t1_choice"]),
        (("benchmark", "benchmark_f1"), ["t1_knowledge", "t1_choice"]),
        (("generation",), ["t2", "t2_content"]),
        (("judge", "judge_f1"), ["t2"]),
        ((), []),
    ],
)
def test_what_was_not_measured_is_left_out(kept, made):
    frames = invented_tasks(chat=False)
    assert list(named({name: frames[name] for name in kept})) == made


def test_a_second_intervention_has_rows_of_its_own():
    frames = invented_tasks(chat=False)
    more = frames["benchmark"][frames["benchmark"]["kind"] == "recipe"]
    more = more.assign(mask=more["mask"].str.replace(" zero ", " grand_mean "), score=0.5)
    frames["benchmark"] = pd.concat([frames["benchmark"], more])
    table = named(frames)["t1_choice"]
    assert cell(table, "strong grand mean · vi", "xcopa_vi").text == "0.500"
    assert cell(table, "strong · vi", "xcopa_vi").text == "0.400"


def test_a_judge_that_tries_the_plumbing_is_named_first():
    assert named(invented_tasks(plumbing=True))["t2"].notes[0].startswith("These marks try the plumbing")
    assert not any("plumbing" in note for note in named(invented_tasks())["t2"].notes)


def test_names_the_column_that_is_lacking(frames):
    with pytest.raises(NeuroglotError, match=r"tasks.benchmark: lacks the column score"):
        rows({"benchmark": frames["benchmark"].drop(columns="score")}, "benchmark")
