import json
import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.report import page
from neuroglot.report.charts.gallery import GALLERY
from neuroglot.report.page import write_report

EVIL = "</script><script>window.broken=1</script>\"'&"


@pytest.fixture(scope="module")
def hostile(findings):
    """The same findings with a language, a recipe and a title that would like to run."""
    swap = {"fr": EVIL, "lape": EVIL}
    frames = {
        name: frame.replace(swap) for name, frame in vars(findings).items() if hasattr(frame, "columns")
    }
    return replace(
        findings, about={**findings.about, "title": EVIL, "commands": [EVIL], "languages": [EVIL]}, **frames
    )


@pytest.fixture(scope="module")
def report(hostile, tmp_path_factory):
    return write_report(hostile, tmp_path_factory.mktemp("report"))


def test_every_chart_lies_beside_the_page(report):
    files = {path.name for path in (report.parent / "charts").iterdir()}
    assert files == {f"{figure.name}.{kind}" for figure in GALLERY for kind in ("svg", "png")}
    assert {path.name for path in report.parent.iterdir()} == {"index.html", "charts"}
    assert report.stat().st_size < 4_000_000  # under 3 with names of an ordinary length


def test_text_from_outside_is_escaped(report):
    html = report.read_text(encoding="utf-8")
    assert "<script>window.broken" not in html
    assert "&lt;script&gt;window.broken=1" in html
    specs = json.loads(re.search(r'<script type="application/json" id="specs">(.*?)</script>', html, re.S)[1])
    assert set(specs) == {figure.name for figure in GALLERY}
    assert EVIL in specs["languages"]["facet"]["sort"]


def test_the_page_says_what_it_is_made_of(report):
    html = report.read_text(encoding="utf-8")
    for said in (
        "sha256:5f1d0c9a",
        "torch 2.13.0",
        "cannot be told apart",
        "everything off",
        *(f.title for f in GALLERY),
    ):
        assert said in html


def test_a_page_without_results_still_opens(nothing, tmp_path):
    html = write_report(nothing, tmp_path).read_text(encoding="utf-8")
    assert html.count("Not measured in this run.") == len(GALLERY)
    assert not list((tmp_path / "charts").iterdir())


def test_given_sentences_are_kept(nothing):
    assert "Said by hand." in page.render(replace(nothing, summary=("Said by hand.",)), {})


def test_a_folder_that_cannot_be_made_is_one_clear_sentence(nothing, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NeuroglotError, match=r"file/report: the report cannot be written: Not a directory"):
        write_report(nothing, tmp_path / "file" / "report")


def test_a_full_disk_leaves_the_old_page_and_no_rest(nothing, tmp_path, monkeypatch):
    (tmp_path / "index.html").write_text("old")

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(NeuroglotError, match="No space left on device"):
        write_report(nothing, tmp_path)
    assert (tmp_path / "index.html").read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "charts"}


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory() as profile:
        for flag in (
            "headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking",
            "disable-component-update", "disable-sync", "disable-dev-shm-usage", f"user-data-dir={profile}",
        ):  # fmt: skip
            options.add_argument(f"--{flag}")
        session = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        yield session
        session.quit()


def opened(browser, report, width: int) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.get("about:blank")
    for log in ("browser", "performance"):  # what the browser did by itself when it started
        browser.get_log(log)
    browser.get(report.as_uri())
    drawn = "return [...document.querySelectorAll('[data-chart]')].every(e => e.dataset.drawn)"
    WebDriverWait(browser, 60).until(lambda page: page.execute_script(drawn))


@pytest.mark.browser
def test_the_page_opens_offline_without_a_complaint(browser, report):
    opened(browser, report, 1280)
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []

    marks = (
        "return [...document.querySelectorAll('[data-chart]')]"
        ".map(e => [e.dataset.chart, e.querySelectorAll('svg path, svg text').length])"
    )
    counts = dict(browser.execute_script(marks))
    assert set(counts) == {figure.name for figure in GALLERY}
    assert min(counts.values()) > 20

    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"}
    assert asked == {report.as_uri()}

    assert browser.execute_script("return window.broken") is None
    assert browser.title.startswith(EVIL[:9])


@pytest.mark.browser
def test_a_language_is_picked_from_a_list(browser, report):
    opened(browser, report, 1280)
    points = "return document.querySelector('[data-chart=scatter] .drawing svg').outerHTML.length"
    before = browser.execute_script(
        "return document.querySelector('[data-chart=scatter] .drawing').innerHTML"
    )
    options = browser.find_elements("css selector", "[data-chart=scatter] select[name=language] option")
    assert [option.text for option in options][-1] == EVIL
    options[-1].click()
    after = browser.execute_script("return document.querySelector('[data-chart=scatter] .drawing').innerHTML")
    assert after != before
    assert browser.execute_script(points) > 10_000
    assert browser.execute_script("return window.broken") is None


@pytest.mark.browser
def test_a_phone_scrolls_down_and_not_sideways(browser, report):
    opened(browser, report, 390)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
