"""Every figure of the page, in its order: what came out, then what it came from."""

from neuroglot.report.charts.density import DENSITY
from neuroglot.report.charts.drops import DROPS
from neuroglot.report.charts.figure import Figure
from neuroglot.report.charts.langspec import LANGSPEC
from neuroglot.report.charts.languages import LANGUAGES
from neuroglot.report.charts.layers import LAYERS
from neuroglot.report.charts.overlap import OVERLAP
from neuroglot.report.charts.quantiles import QUANTILES
from neuroglot.report.charts.scatter import SCATTER

GALLERY: tuple[Figure, ...] = (LANGSPEC, LANGUAGES, DROPS, LAYERS, QUANTILES, OVERLAP, SCATTER, DENSITY)
