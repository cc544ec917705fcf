"""The part of the page about tasks, and its figures."""

import json
import re
from dataclasses import replace
from io import StringIO

import pandas as pd
import pytest

from invented_tasks import invented_tasks
from neuroglot.report import page
from neuroglot.report.charts.gallery import GALLERY
from neuroglot.report.page import write_report
from neuroglot.report.pictures import picture
from neuroglot.report.tasks.charts.benchmarks import BENCHMARKS
from neuroglot.report.tasks.charts.chat import CHAT
from neuroglot.report.tasks.charts.fallback import FALLBACK
from neuroglot.report.tasks.charts.gallery import task_figures
from neuroglot.report.tasks.charts.levels import LANGUAGE, MARKS
from neuroglot.report.tasks.part import SHOWN, samples


def carried(spec) -> list[pd.DataFrame]:
    """The data of a chart of several panels, as the browser will read them."""
    return [
        pd.read_csv(StringIO(values), keep_default_na=False, na_values=[""])
        for values in spec["datasets"].values()
    ]


@pytest.fixture(scope="module")
def html(nothing, frames, tmp_path_factory):
    return write_report(replace(nothing, tasks=frames), tmp_path_factory.mktemp("report"))


def test_a_run_without_tasks_says_nothing_of_them(findings):
    assert 'id="tasks"' not in page.render(findings, {})
    assert task_figures({}) == ()


def test_tables_sentences_and_figures_are_there(html, frames):
    text = html.read_text(encoding="utf-8")
    for name in ("t1_knowledge", "t1_choice", "t2", "t2_content", "t3_choice", "t4"):
        assert f'<h3 id="{name}">' in text
        for kind in ("csv", "md", "tex"):
            assert (html.parent / "tables" / f"{name}.{kind}").stat().st_size > 100
    for figure in (BENCHMARKS, CHAT, LANGUAGE, FALLBACK, MARKS):
        assert text.count(f'data-chart="{figure.name}"') == 1
        assert (html.parent / "charts" / f"{figure.name}.svg").stat().st_size > 500
    assert text.index('id="tasks"') < text.index('id="benchmarks"') < text.index('id="made"')
    assert text.count('href="#tasks"') == 1
    assert text.count('<td class="chance">0.260') > 10
    assert "plumbing" not in text


def test_answers_are_escaped_and_say_their_language(html, frames):
    text = html.read_text(encoding="utf-8")
    assert "<script>window.broken" not in text
    part = text[text.index('<section id="answers_to_read">') :].split("</section>")[0]
    assert "&lt;script&gt;window.broken=1" in part
    assert part.count("<details>") == 3
    assert '<dd lang="en" dir="auto">Answer 0 in zh under strong zero zh.' in part
    assert '<dd lang="zh" dir="auto">Answer 0 in zh under none.' in part
    specs = json.loads(re.search(r'<script type="application/json" id="specs">(.*?)</script>', text, re.S)[1])
    assert {figure.name for figure in task_figures(frames)} <= set(specs)


def test_a_banner_where_the_judge_tries_the_plumbing(findings):
    text = page.render(replace(findings, tasks=invented_tasks(plumbing=True)), {})
    assert '<p class="warning">These marks try the plumbing' in text


def test_samples_are_few_short_and_paired(frames):
    own = samples(frames)
    assert list(own) == ["en", "zh", "vi"]
    assert all(len(questions) == SHOWN for questions in own.values())
    first = own["vi"][0].answers
    assert [answer.under for answer in first] == ["nothing off", "strong zero vi", "weak zero vi"]
    long = frames["answers"].assign(answer="x" * 5000)
    shown = samples({"answers": long})["en"][0].answers[0].text
    assert shown == "x" * 500 + " …"


def test_the_heat_map_holds_every_loss_and_greys_chance(tasked, frames):
    cells = [own for own in carried(BENCHMARKS.draw(tasked).to_dict()) if "lost" in own]
    assert len(cells) == 4  # two models, two panels
    knowledge = cells[0].set_index(["label", "column"])
    assert knowledge.loc[("strong · vi", "exams_vi_local (vi)"), "lost"] == pytest.approx(0.3)
    assert knowledge.loc[("everything off", "mmlu_local (en)"), "lost"] == pytest.approx(0.3)
    assert knowledge["at_chance"].groupby("column").all().to_dict() == {
        "ceval_local (zh)": True,
        "exams_vi_local (vi)": False,
        "mmlu_local (en)": False,
    }
    assert "Org" not in set(cells[0]["label"])


def test_f1_stands_beside_everything_off(tasked):
    bars = [own for own in carried(BENCHMARKS.draw(tasked).to_dict()) if "off" in own]
    strong = pd.concat(bars).set_index(["label", "target"]).loc[("strong · vi", "vi")]
    assert (strong["off"] < strong["f1"]).all()
    assert strong["off"].tolist() == pytest.approx([0.4615] * 4, abs=1e-4)


def test_before_and_after_needs_two_models(tasked):
    assert CHAT not in task_figures(invented_tasks(chat=False))
    frame = carried(CHAT.draw(tasked).to_dict())[0]
    assert set(frame["set"]) == {"nothing off", "everything off", "strong", "weak"}
    own = frame[(frame["at"] == "xcopa_en (en)") & (frame["set"] == "strong")].set_index("subject")["score"]
    assert own.to_dict() == {"base": 0.4, "chat": 0.7}
    assert "ceval_local (zh), at chance" in set(frame["at"])


def test_fallback_is_that_of_the_silenced_language(tasked):
    frame = carried(FALLBACK.draw(tasked).to_dict())[0]
    own = frame.set_index(["panel", "language", "answered_in"])["share"]
    assert own["base: strong", "vi", "en"] == pytest.approx(0.81)
    assert own["base: nothing off", "vi", "vi"] == pytest.approx(0.95)
    assert own["base: strong", "en", "unknown"] == pytest.approx(0.09)
    assert not any("uniform" in panel for panel in frame["panel"])
    assert len(own) == len(own.index.unique())


@pytest.mark.parametrize("figure", [LANGUAGE, MARKS], ids=["language", "marks"])
def test_levels_have_a_map_a_model(tasked, figure):
    drawn = picture(figure, tasked)
    assert "base model" in drawn.svg and "chat model" in drawn.svg
    assert drawn.svg.count(">strong · vi<") == 2


def test_the_gallery_has_a_density_of_single_neurons(findings):
    (figure,) = [one for one in GALLERY if one.name == "density"]
    chart = figure.draw(findings).to_dict()
    assert chart["facet"]["sort"] == [f"{x}: layer 4, neuron 7" for x in findings.languages]
