from dataclasses import replace
from xml.etree import ElementTree

from neuroglot.report.charts.overlap import OVERLAP
from neuroglot.report.pictures import picture


def test_a_picture_is_valid_svg_and_png_even_with_hostile_names(findings):
    evil = "<script>alert(1)</script>"
    named = replace(findings, overlap=findings.overlap.replace({"recipe": {"lape": evil}}))
    shown = picture(OVERLAP, named)
    texts = [
        element.text for element in ElementTree.fromstring(shown.svg).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert evil in texts
    assert shown.png.startswith(b"\x89PNG")
    assert shown.spec["config"]["axis"]["domain"] is False
