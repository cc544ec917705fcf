"""A chart as what a page, a paper and a slide need: specification, SVG and PNG, made without a browser."""

from dataclasses import dataclass
from typing import Any

import vl_convert

from neuroglot.report.charts.figure import Figure
from neuroglot.report.theme import CONFIG

_SCALE = 2.0  # pixels of the PNG a point of the SVG: sharp on a dense screen and in print


@dataclass(frozen=True)
class Picture:
    """One chart, drawn.

    Attributes:
        spec: The Vega-Lite specification with its data inside.
        svg: The vector picture.
        png: The same as pixels.
    """

    spec: dict[str, Any]
    svg: str
    png: bytes


def picture(figure: Figure, shown: Any) -> Picture:
    """Draw a figure. The PNG is made from the SVG, so that a chart is laid out once."""
    spec = {**figure.draw(shown).to_dict(), "config": dict(CONFIG)}
    svg = vl_convert.vegalite_to_svg(spec)
    return Picture(spec, svg, vl_convert.svg_to_png(svg, scale=_SCALE))
