"""Every figure of a transfer, in the order of the page."""

from neuroglot.report.charts.figure import Figure
from neuroglot.report.transfer.charts.each import DROPS, LANGUAGES
from neuroglot.report.transfer.charts.f1 import F1
from neuroglot.report.transfer.charts.raw import RAW
from neuroglot.report.transfer.charts.survival import SURVIVAL

GALLERY: tuple[Figure, ...] = (SURVIVAL, F1, RAW, LANGUAGES, DROPS)
