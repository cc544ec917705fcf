"""Every figure of the controls, in the order of the page."""

from neuroglot.report.charts.figure import Figure
from neuroglot.report.controls.charts.baselines import BASELINES
from neuroglot.report.controls.charts.choice import AGREEMENT, CHOICE
from neuroglot.report.controls.charts.direct import DIRECT
from neuroglot.report.controls.charts.dose import DOSE
from neuroglot.report.controls.charts.matched import MATCHED
from neuroglot.report.controls.charts.parallel import PARALLEL
from neuroglot.report.controls.charts.romanised import ROMANISED
from neuroglot.report.controls.charts.scripts import SCRIPTS
from neuroglot.report.controls.charts.stability import STABILITY
from neuroglot.report.controls.charts.superficial import SUPERFICIAL
from neuroglot.report.controls.charts.tokens import TOKENS
from neuroglot.report.controls.charts.units import UNITS

CONTROLS: tuple[Figure, ...] = (
    MATCHED,
    DOSE,
    BASELINES,
    DIRECT,
    UNITS,
    TOKENS,
    SCRIPTS,
    ROMANISED,
    SUPERFICIAL,
    PARALLEL,
    STABILITY,
    CHOICE,
    AGREEMENT,
)
