"""A study asks for checks by name; what is finished is kept; mistakes cost no model time."""

import json
from unittest.mock import patch

import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.study.config import load_study
from neuroglot.study.controls import CHECKS, Check, Controlling, asked_for
from tiny_study import write_study


def test_an_unknown_check_or_option_names_the_nearest(home, tmp_path):
    for checks, said in (
        (["unit"], "did you mean 'units'"),
        ([{"name": "units", "options": {"per": "byte"}}], "per"),
        (["units", "units"], "named twice"),
    ):
        with pytest.raises(NeuroglotError, match=said):
            load_study(write_study(tmp_path / "study.yaml", home, checks=checks))


def test_a_finished_check_is_read_not_measured_again(controlling):
    checking = controlling("units")
    first = checking.frames()["units"]
    fails = Check(lambda *_: pytest.fail("measured again"))
    with patch.dict(CHECKS._entries, {"units": fails}):
        again = Controlling(checking.run).frames()["units"]
    assert again.equals(first)
    # A damaged index or a missing table is measured again.
    (checking.run.folder / "controls" / "units.csv").unlink()
    assert Controlling(checking.run).frames()["units"].equals(first)
    about = json.loads((checking.run.folder / "controls" / "units.json").read_text())
    assert about["frames"] == ["units"]


def test_without_names_all_that_fit(home, tmp_path):
    study = load_study(write_study(tmp_path / "study.yaml", home))
    assert "units" in [named.name for named in asked_for(study, None).checks]
    assert [named.name for named in asked_for(study, " units ,").checks] == ["units"]
    with pytest.raises(NeuroglotError, match="did you mean 'units'"):
        asked_for(study, "unitss")
