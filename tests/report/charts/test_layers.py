from neuroglot.report.charts.layers import draw


def test_every_chosen_neuron_is_counted(findings, rows):
    shown = rows(draw(findings))
    assert (shown.groupby(["recipe", "language"])["neurons"].sum() == 368).all()


def test_only_recipes_with_sets_have_a_column(findings):
    order = draw(findings).to_dict()["facet"]["column"]["sort"]
    assert order == ["grad_act", "activation", "lape_budget", "lape", "random"]
