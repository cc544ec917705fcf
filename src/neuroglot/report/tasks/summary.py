"""What tasks say, in sentences."""

from neuroglot.report.tasks.columns import Frames
from neuroglot.report.tasks.said import answers, benchmarks
from neuroglot.report.tasks.steering_summary import summarise_steering


def summarise_tasks(frames: Frames) -> list[str]:
    """The sentences, in the order of the page; none about what was not measured."""
    return [sentence for said in grouped(frames).values() for sentence in said]


def grouped(frames: Frames) -> dict[str, list[str]]:
    """What they are about → the sentences; groups without any are left out."""
    said = {
        "Benchmarks": benchmarks.say(frames),
        "The language of answers": answers.say_language(frames),
        "The judge": answers.say_judge(frames),
        "Steering": summarise_steering(frames),
    }
    return {name: sentences for name, sentences in said.items() if sentences}
