"""A whole study that takes seconds: three small languages, a tiny random model, a finished run."""

from functools import cache
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import yaml

from neuroglot.report import page
from neuroglot.report.gather import gather
from neuroglot.study.config import Study, load_study
from neuroglot.study.run import Run
from tiny import save_tiny

WORDS = {
    "en": ["rain", "bread", "river", "stone", "lamp", "garden", "winter", "market"],
    "fr": ["pluie", "pain", "fleuve", "pierre", "lampe", "jardin", "hiver", "marché"],
    "vi": ["mưa", "bánh", "sông", "đá", "đèn", "vườn", "đông", "chợ"],
}
DOCUMENTS = 6
RESULTS = ("base", "differences", "drops", "langspec", "masks", "means")

STUDY = {
    "precision": "float32",  # whatever the processor has: these tests compare numbers
    "text": {"languages": list(WORDS), "identify": 3, "report": 3},
    "recipes": ["grad_act", "lape_budget"],
    "budget": "5%",
    "interventions": {"zero": "all", "grand_mean": ["grad_act"]},
    "controls": {"uniform": 2, "matched": 1},
    "resamples": 100,
}


def write_corpus(folder: Path, words: dict[str, list[str]] = WORDS) -> Path:
    """Six documents of two sentences a language, a blank line between documents."""
    folder.mkdir(parents=True)
    for language, of in words.items():
        pairs = [
            (f"{of[n]} {of[n + 1]} {of[n]}", f"{of[n + 1]} {of[n + 2]} {of[n]}") for n in range(DOCUMENTS)
        ]
        (folder / f"{language}.txt").write_text(
            "\n\n".join("\n".join(pair) for pair in pairs) + "\n", "utf-8"
        )
    return folder


def write_study(file: Path, home: Path, **changes: object) -> Path:
    """The tiny study of ``home`` as a YAML file, with changes; ``text`` is merged key by key."""
    text = {"source": str(home / "text"), **STUDY["text"], **changes.pop("text", {})}
    document = {"model": str(home / "model"), **STUDY, **changes, "text": text}
    file.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), "utf-8")
    return file


def run_stages(folder: Path, study: Study) -> Run:
    """What ``neuroglot run`` does before the report."""
    run = Run.begin(folder, study)
    with run.lock():
        run.score()
        run.select()
        run.ablate()
        run.tables()
    return run


def run_and_report(folder: Path, study: Study) -> None:
    """The whole of ``neuroglot run``, with fewer charts, which take longest."""
    run = run_stages(folder, study)
    with run.lock(), patch.object(page, "GALLERY", page.GALLERY[:3]):
        page.write_report(gather(run), folder / "report")


def results(folder: Path) -> dict[str, bytes]:
    """The tables of a run, byte for byte."""
    return {path.stem: path.read_bytes() for path in sorted((folder / "results").glob("*.csv"))}


def same_tables(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    """The same to rounding: other threads and shards add up in another order on some processors."""
    assert one.keys() <= other.keys()
    for name, table in one.items():
        found, expected = (pd.read_csv(BytesIO(each)) for each in (table, other[name]))
        # ρ is a quotient of small differences on so small a model.
        pd.testing.assert_frame_equal(found, expected, rtol=1e-2, atol=1e-5)


def same_results(one: Path, other: Path) -> None:
    """Every table of two runs is the same to rounding."""
    assert results(one).keys() == results(other).keys()
    same_tables(results(one), results(other))


@cache
def tiny_folder(session: Path) -> Path:
    """In the session's folder: ``model``, ``text``, ``study.yaml``, and the finished ``run``."""
    home = session / "study"
    home.mkdir()
    save_tiny(home / "model")
    write_corpus(home / "text")
    write_study(home / "study.yaml", home)
    run_stages(home / "run", load_study(home / "study.yaml"))
    return home
