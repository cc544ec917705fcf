"""Every figure of a comparison, in the order of the page."""

from neuroglot.report.charts.figure import Figure
from neuroglot.report.comparison.charts.budgets import BASELINES, BUDGETS
from neuroglot.report.comparison.charts.cost import COMPLETENESS, COST
from neuroglot.report.comparison.charts.crossed import CROSSED
from neuroglot.report.comparison.charts.density import DENSITY
from neuroglot.report.comparison.charts.faithful import FAITHFULNESS, NEURONS, SETS
from neuroglot.report.comparison.charts.known import KNOWN
from neuroglot.report.comparison.charts.overlap import LANGUAGES, RECIPES
from neuroglot.report.comparison.charts.stability import STABILITY, THRESHOLDS
from neuroglot.report.comparison.charts.standings import EACH, STANDINGS

GALLERY: tuple[Figure, ...] = (
    STANDINGS,
    EACH,
    BUDGETS,
    BASELINES,
    CROSSED,
    KNOWN,
    FAITHFULNESS,
    NEURONS,
    SETS,
    RECIPES,
    LANGUAGES,
    DENSITY,
    STABILITY,
    THRESHOLDS,
    COST,
    COMPLETENESS,
)
