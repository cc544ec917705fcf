"""What tasks say, in sentences."""

from neuroglot.report.tasks.columns import Frames
from neuroglot.report.tasks.said import answers, benchmarks


def summarise_tasks(frames: Frames) -> list[str]:
    """The sentences, in the order of the page; none about what was not measured."""
    return [*benchmarks.say(frames), *answers.say(frames)]
