"""Whatever a study asks of tasks, part after part; each is kept as soon as it is measured."""

from collections.abc import Callable, Iterator

from neuroglot.model.loading import load_configuration
from neuroglot.study.run import Run
from neuroglot.study.sections import Frames
from neuroglot.study.tasks.answering import answer_frames
from neuroglot.study.tasks.benchmarking import benchmark_frames, loaded
from neuroglot.study.tasks.judging import judge_frames
from neuroglot.study.tasks.steering import steer_frames
from neuroglot.study.tasks.tables import keep
from neuroglot.study.validation import located
from neuroglot.text.identify import Identifier
from neuroglot.text.questions import questions


def rehearse(run: Run) -> None:
    """Looks at all that tasks need, so that what is not there costs no model time.

    Raises:
        NeuroglotError: No such chat model, task, question or language, or an extra that is not installed.
    """
    study = run.study
    if study.chat is not None:
        with located(study.at("chat")):
            load_configuration(study.chat, revision=None, trust_remote_code=study.trust_remote_code)
    if study.benchmarks:
        with located(study.at("benchmarks")):
            loaded(run, study.benchmarks)
    if study.generation or study.steering:
        with located(study.at("text.languages")):
            Identifier(study.text.languages)
    if study.generation:
        with located(study.at("generation")):
            questions(study.generation.questions, study.text.languages, study.generation.count)


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
