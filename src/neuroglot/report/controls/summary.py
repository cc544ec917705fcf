"""What the controls rule out: a sentence a check, and the table that heads their part of the page."""

from neuroglot.report.controls.columns import rows
from neuroglot.report.controls.rivals.scripts import ROMANISED, SCRIPTS
from neuroglot.report.controls.rivals.sets import MATCHED, STABILITY
from neuroglot.report.controls.rivals.strength import BASELINES, DIRECT, DOSE
from neuroglot.report.controls.rivals.tasks import AGREEMENT, CHOICE
from neuroglot.report.controls.rivals.texts import PARALLEL, SUPERFICIAL
from neuroglot.report.controls.rivals.tokenizer import TOKENS, UNITS
from neuroglot.report.controls.verdict import Reading, Rival
from neuroglot.report.findings import Findings

RIVALS: tuple[Rival, ...] = (
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
"""Every rival explanation, in the order of the page."""


def readings(findings: Findings) -> dict[str, Reading]:
    """Name of the rival → what was found about it; those that were not asked about are left out."""
    return {rival.name: rival.read(findings) for rival in RIVALS if len(rows(findings, rival.source))}


def summarise_controls(findings: Findings) -> list[str]:
    """The sentences, in the order of the page."""
    return [reading.sentence for reading in readings(findings).values()]
