from neuroglot.errors import NeuroglotError, unknown


def test_an_error_says_where_it_stands():
    assert str(NeuroglotError("bad", "study.yaml: seed")) == "study.yaml: seed: bad"
    assert str(NeuroglotError("bad")) == "bad"


def test_unknown_names_the_nearest_and_all_known():
    said = str(unknown("recipe", "lapee", ["lape", "grad_act"], "study.yaml"))
    assert said == "study.yaml: unknown recipe 'lapee'; did you mean 'lape'? Known: grad_act, lape"


def test_unknown_suggests_nothing_where_nothing_is_near():
    assert str(unknown("site", 7, ["mlp", "resid"])) == "unknown site 7. Known: mlp, resid"
