"""The part of the page about the controls: there when they were asked for, and escaped like the rest."""

from dataclasses import replace

from neuroglot.report import page
from neuroglot.report.controls.charts.gallery import CONTROLS
from neuroglot.report.controls.summary import RIVALS, readings
from neuroglot.report.page import write_report


def specs(figures=CONTROLS):
    return {figure.name: {} for figure in figures}


def test_a_run_without_checks_says_nothing_of_controls(findings):
    html = page.render(findings, {})
    assert 'id="controls"' not in html
    assert "not asked" not in html


def test_a_table_of_all_and_a_section_of_those_asked(checked):
    only = replace(checked, controls={name: checked.controls[name] for name in ("matched", "direct")})
    asked = [figure for figure in CONTROLS if figure.name in ("matched", "direct")]
    html = page.render(only, specs(asked), asked)
    table = html[html.index('<section id="controls">') :].split("</section>")[0]
    assert table.count("<tr") == 1 + len(RIVALS)
    assert table.count("not asked") == len(RIVALS) - 2
    assert table.count("<a href=") == 2
    for name in ("matched", "direct"):
        section = html[html.index(f'<section id="{name}">') :].split("</section>")[0]
        assert readings(only)[name].verdict.replace("'", "&#39;") in section
        assert readings(only)[name].numbers.replace("'", "&#39;") in section
        assert f'data-chart="{name}"' in section
    assert '<section id="dose">' not in html
    assert html.count('href="#controls"') == 1


def test_main_figures_come_first(checked):
    from neuroglot.report.charts.gallery import GALLERY

    html = page.render(checked, specs((*GALLERY, *CONTROLS)), (*GALLERY, *CONTROLS))
    places = [
        html.index(f'<section id="{name}">')
        for name in ("scatter", "controls", "matched", "agreement", "made")
    ]
    assert places == sorted(places)


def test_text_from_outside_is_escaped(checked, tmp_path):
    evil = "</script><script>window.broken=1</script>\"'&"
    frames = {
        name: frame.replace({"grad_act": evil, "zh": evil})
        for name, frame in vars(checked).items()
        if hasattr(frame, "columns")
    }
    controls = {
        name: checked.controls[name].replace({"grad_act": evil, "zh": evil})
        for name in ("matched", "agreement")
    }
    html = write_report(replace(checked, controls=controls, **frames), tmp_path).read_text(encoding="utf-8")
    assert "<script>window.broken" not in html
    assert "&lt;script&gt;window.broken=1" in html
    assert {"matched.svg", "agreement.png"} <= {path.name for path in (tmp_path / "charts").iterdir()}
