"""Every figure of the tasks, in the order of the page."""

from neuroglot.report.charts.figure import Figure
from neuroglot.report.tasks.charts.benchmarks import BENCHMARKS
from neuroglot.report.tasks.charts.chat import CHAT
from neuroglot.report.tasks.charts.fallback import FALLBACK
from neuroglot.report.tasks.charts.levels import LANGUAGE, MARKS
from neuroglot.report.tasks.columns import Frames, rows
from neuroglot.report.tasks.steering import FIGURES as STEERING

TASKS: tuple[Figure, ...] = (BENCHMARKS, CHAT, LANGUAGE, FALLBACK, MARKS, *STEERING)


def task_figures(frames: Frames) -> tuple[Figure, ...]:
    """Those that the frames can fill; before and after takes two models."""
    measured = [figure for figure in TASKS if len(rows(frames, figure.source))]
    two = rows(frames, "benchmark")["subject"].nunique() > 1
    return tuple(figure for figure in measured if two or figure is not CHAT)
