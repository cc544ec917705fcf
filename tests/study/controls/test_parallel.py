"""Other text to identify on: how much of it, none of the report's, and what its sets do."""

import json

import numpy as np
import pytest

import neuroglot as ng
from neuroglot.errors import NeuroglotError
from neuroglot.objective import samples_of
from neuroglot.study.config import load_study
from neuroglot.study.controls.parallel import Monolingual, _monolingual
from tiny_study import STUDY, WORDS, write_study


@pytest.fixture
def other(home, tmp_path):
    """Sentences of one word each, one of a single token, and all that the study's text has."""
    folder = tmp_path / "other"
    folder.mkdir()
    for language, words in WORDS.items():
        known = (home / "text" / f"{language}.txt").read_text("utf-8").split("\n")
        texts = ["x", *(f"{one} {two}" for one in words for two in words), *filter(str.strip, known)]
        rows = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
        (folder / f"{language}.jsonl").write_text("\n".join(rows) + "\n", "utf-8")
    return folder


def test_as_many_tokens_and_nothing_of_the_report(controlling, other):
    checking = controlling()
    corpus = _monolingual(checking, Monolingual(source=str(other)))
    report = checking.run.text["report"]
    texts = {text for part in corpus.documents.values() for one in part for text in one.sentences}
    assert not texts & {text for part in report.documents.values() for one in part for text in one.sentences}
    assert "x" not in texts
    tokens = {
        name: sum(one.tokens for one in samples_of(checking.run.model, text, "sentence"))
        for name, text in (("here", checking.run.text["identify"]), ("other", corpus))
    }
    assert tokens["other"] == pytest.approx(tokens["here"], rel=0.25)
    assert len({corpus.sentences(language) for language in corpus.languages}) == 1
    few = _monolingual(checking, Monolingual(source=str(other), identify_sentences=5))
    assert [few.sentences(language) for language in few.languages] == [5, 5, 5]


def test_rows_beside_the_runs_own(controlling, other):
    options = {"source": str(other), "identify_sentences": 6}
    checking = controlling(
        {"name": "parallel", "options": options}, recipes=["grad_act"], interventions={"zero": "all"}
    )
    frame = checking.frames()["parallel"].set_index(["identified_on", "target"])
    assert len(frame) == 6
    run, model = checking.run, checking.run.model
    corpus = _monolingual(checking, Monolingual(**options))
    sets = ng.select(ng.score(model, corpus, ["grad_act"]), "grad_act", STUDY["budget"])
    f1 = ng.ablate(model, sets, run.text["report"]).set_index(["kind", "language"])
    own = run.tables().langspec.set_index(["mask", "language"])
    for language in WORDS:
        both = run.sets["grad_act"][language].mask, sets[language].mask
        jaccard = (both[0] & both[1]).sum() / (both[0] | both[1]).sum()
        there, elsewhere = frame.loc[("parallel", language)], frame.loc[("monolingual", language)]
        assert there["jaccard"] == elsewhere["jaccard"] == pytest.approx(jaccard)
        assert elsewhere["f1_relative"] == pytest.approx(
            f1.loc[("recipe", language), "f1_relative"], abs=1e-4
        )
        known = own.loc[(f"grad_act zero {language}", language)]
        assert there["f1_relative"] == pytest.approx(known["f1_relative"])
        assert there["collateral_mean"] == pytest.approx(known["collateral_mean"], nan_ok=True)
    assert not np.allclose(frame.loc["parallel", "drop"], frame.loc["monolingual", "drop"])


def test_without_other_text_it_says_what_it_needs(home, tmp_path):
    with pytest.raises(NeuroglotError, match="parallel: needs other text to identify on"):
        load_study(write_study(tmp_path / "study.yaml", home, checks=["parallel"]))


def test_other_text_that_is_not_there_is_named(controlling, tmp_path):
    for source, said in ((str(tmp_path / "none"), "no such folder"), ("$NO_SUCH_VARIABLE/x", "is not set")):
        checking = controlling({"name": "parallel", "options": {"source": source}})
        with pytest.raises(NeuroglotError, match=f"parallel: .*{said}"):
            checking.frames()
