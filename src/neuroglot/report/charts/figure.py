"""A figure: a chart with the words without which it would mislead."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import altair as alt


@dataclass(frozen=True)
class Figure:
    """A chart and what to say about it.

    Attributes:
        name: Of its files and of its place in the page.
        title: What it is about.
        reading: How to read it.
        limits: What it does not show.
        source: The frame (of `Findings`, or of a comparison) that it is drawn from; without rows there is no
            figure.
        draw: The chart itself.
    """

    name: str
    title: str
    reading: str
    limits: str
    source: str
    draw: Callable[[Any], alt.TopLevelMixin]
