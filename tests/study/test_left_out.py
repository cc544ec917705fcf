"""Samples whose numbers are not finite: named, left out, counted nowhere; a language of them is an error."""

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.report.gather import gather
from neuroglot.report.summary import summarise
from neuroglot.study.config import load_study
from neuroglot.study.run import Run
from tiny import tiny_network, tiny_tokenizer
from tiny_study import run_stages, write_corpus, write_study

BROKEN = "§"
"""In UTF-8 its second byte is a token of no other text here; the model cannot read it."""


@pytest.fixture
def broken(tmp_path):
    """A home whose model gives NaN wherever it has read the broken character."""
    network = tiny_network("llama", tie_word_embeddings=False)
    tokenizer = tiny_tokenizer()
    with torch.no_grad():
        network.get_input_embeddings().weight[tokenizer(BROKEN)["input_ids"][-1]] = float("nan")
    network.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    write_corpus(tmp_path / "text")
    return tmp_path


def spoil(home, language, lines):
    """Puts the broken character into sentences of a language, counted over its file."""
    file = home / "text" / f"{language}.txt"
    kept = file.read_text("utf-8").split("\n")
    sentences = [number for number, line in enumerate(kept) if line]
    for line in lines:
        kept[sentences[line]] += BROKEN
    file.write_text("\n".join(kept), "utf-8")


def test_a_run_goes_on_without_them_and_says_so(broken):
    spoil(broken, "vi", [0, 2, 4, 6, 8, 10])  # one of two sentences a document, in both parts of the text
    run = run_stages(broken / "run", load_study(write_study(broken / "study.yaml", broken)))
    assert len(run.bank.quarantined) == 3
    assert {(one["language"], one["layer"], one["score"]) for one in run.bank.quarantined} == {
        ("vi", None, "logprob")
    }
    gone = run.ablation.left_out()
    assert [(one["language"], one["mask"]) for one in gone] == 3 * [("vi", "none")]
    findings = gather(run)
    assert dict(zip(findings.base["language"], findings.base["sentences"], strict=True)) == {
        "en": 6,
        "fr": 6,
        "vi": 3,
    }
    assert not findings.means["f1_relative"].isna().any()
    assert len(findings.about["left out"]) == 6
    assert "6 samples were left out, because a number was not finite: vi, document" in summarise(findings)[-1]


def test_a_language_without_any_other_is_an_error(broken):
    spoil(broken, "vi", range(12))
    run = Run.begin(broken / "run", load_study(write_study(broken / "study.yaml", broken)))
    with pytest.raises(NeuroglotError, match="no sample of 'vi' has finite scores: logprob is not finite in"):
        run.score()
