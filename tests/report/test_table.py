from dataclasses import replace
from io import StringIO

from rich.console import Console

from neuroglot.report.table import results_table, table_lines


def printed(findings) -> str:
    out = StringIO()
    Console(file=out, width=200).print(results_table(findings))
    return out.getvalue()


def test_lines_have_the_figures_in_words(findings):
    line = table_lines(findings)[0]
    own = findings.langspec.query("recipe == 'grad_act' and baseline == 'zero' and kind == 'recipe'")
    mean = findings.means.query("recipe == 'grad_act' and baseline == 'zero' and kind == 'recipe'").iloc[0]
    assert line.label == "grad_act · zero"
    assert line.figures == (
        f"{mean['f1_relative']:.2f} [{mean['f1_relative_low']:.2f}, {mean['f1_relative_high']:.2f}]",
        f"{mean['f1_absolute']:.2f} [{mean['f1_absolute_low']:.2f}, {mean['f1_absolute_high']:.2f}]",
        f"{mean['collateral_mean']:.2f}",
        f"{mean['collateral_max']:.2f}",
        f"{mean['rho']:.1f} [{mean['rho_low']:.1f}, {mean['rho_high']:.1f}]",
        "368",
    )
    assert line.languages == tuple(f"{score:.2f}" for score in own["f1_relative"])


def test_the_terminal_shows_every_set_beside_everything_off(findings):
    text = printed(findings)
    places = [
        text.index(word)
        for word in ("grad_act · zero", "matched: grad_act", "uniform random", "everything off")
    ]
    assert places == sorted(places)
    assert "≥ 5." in text  # the lower bound of lape's ρ


def test_names_are_no_markup(findings):
    swap = {"recipe": {"lape": "[red]lape"}}
    named = replace(findings, langspec=findings.langspec.replace(swap), means=findings.means.replace(swap))
    assert "[red]lape · zero" in printed(named)
