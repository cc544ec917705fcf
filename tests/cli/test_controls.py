"""`neuroglot controls` on the tiny run: frames as JSON, sentences for people, a part of the page."""

import json

from neuroglot.report.controls.columns import COLUMNS


def test_a_check_is_measured_said_and_shown(neuroglot, finished):
    done = neuroglot("controls", finished, "--checks", "units", "--json")
    assert done.code == 0, done.err
    frames = json.loads(done.out)["controls"]
    assert list(frames) == ["units"]
    assert set(COLUMNS["units"]) <= set(frames["units"][0])
    html = (finished / "report" / "index.html").read_text(encoding="utf-8")
    assert '<section id="units">' in html
    assert html.count("not asked") == 12

    again = neuroglot("controls", finished, "--checks", "units")
    assert "Per token" in again.out or "per token" in again.out


def test_a_check_that_does_not_exist(finished, refused):
    assert "unit" in refused("controls", finished, "--checks", "unit")
