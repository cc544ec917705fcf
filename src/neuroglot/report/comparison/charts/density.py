"""How single neurons respond: the study's own chart."""

from dataclasses import replace

import altair as alt

from neuroglot.report.charts.density import DENSITY as STUDY_DENSITY
from neuroglot.report.charts.density import densities
from neuroglot.report.comparison.compared import Compared


def _density(compared: Compared) -> alt.FacetChart:
    return densities(compared.rows("density"), compared.findings.languages)


DENSITY = replace(STUDY_DENSITY, draw=_density)
