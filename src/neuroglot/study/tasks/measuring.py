"""Whatever a study asks of tasks, part after part; each is kept as soon as it is measured."""

from collections.abc import Callable, Iterator

from neuroglot.study.run import Run
from neuroglot.study.sections import Frames
from neuroglot.study.tasks.answering import answer_frames
from neuroglot.study.tasks.benchmarking import benchmark_frames
from neuroglot.study.tasks.judging import judge_frames
from neuroglot.study.tasks.steering import steer_frames
from neuroglot.study.tasks.tables import keep


def measure(run: Run) -> Frames:
    """The tables of all parts that the run's study has settings for; what is there is not measured again.

    Raises:
        NeuroglotError: What a part lacks: an extra, a task, a language, a server.
    """
    found: Frames = {}
    for part in _asked(run):
        frames = part(run)
        keep(run, frames)
        found |= frames
    return found


def _asked(run: Run) -> Iterator[Callable[[Run], Frames]]:
    study = run.study
    if study.benchmarks:
        yield benchmark_frames
    if study.generation:
        yield answer_frames
    if study.judge:
        yield judge_frames
    if study.steering:
        yield steer_frames
