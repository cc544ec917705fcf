"""A whole study of a masked language model, from the command line's stages to the tables."""

import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.objective import OBJECTIVES
from neuroglot.objective.logprob import LogProb
from neuroglot.study.config import load_study
from neuroglot.text.masked import Marks
from tiny import save_tiny, tiny_model
from tiny_study import run_stages, write_corpus, write_study


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("encoder")
    save_tiny(home / "model", "bert")
    write_corpus(home / "text")
    return home


@pytest.fixture(scope="module")
def study(home):
    return load_study(write_study(home / "study.yaml", home, recipes=["grad_act", "crane"]))


@pytest.fixture(scope="module")
def run(home, study):
    return run_stages(home / "run", study)


def test_likelihood_is_the_pseudo_log_likelihood(run):
    # By the network itself: a text at a time, a token at a time.
    model = tiny_model("bert")
    marks, tokenizer = Marks.of(model.tokenizer), model.tokenizer
    data = run.ablation.data
    assert set(data["language"].values.tolist()) == {"en", "fr", "vi"}
    for sample in (0, data.sizes["sample"] - 1):
        language, document, sentence = (
            data[name].values[sample] for name in ("language", "document", "sentence")
        )
        texts = {one.id: one.sentences for one in run.text["report"].documents[str(language)]}
        text = tokenizer(texts[str(document)][int(sentence)], add_special_tokens=False)["input_ids"]
        assert int(data["tokens"].values[sample]) == int(data["trials"].values[sample]) == len(text)
        total = 0.0
        for place, token in enumerate(text):
            ids = [marks.begin, *text, marks.end]
            ids[place + 1] = marks.gap
            logits = model.network(input_ids=model.head.weight.new_tensor([ids]).long()).logits
            total += float(logits[0, place + 1].log_softmax(-1)[token])
        assert data["log_prob"].values[run.ablation.base, sample] == pytest.approx(total, rel=1e-4)


def test_every_mask_but_the_base_moved_something(run):
    data = run.ablation.data
    moved = dict(zip(data["mask"].values.tolist(), data["moved"].values.tolist(), strict=True))
    assert moved.pop("none") == 0
    assert min(moved.values()) > 0


def test_sets_have_the_budget(run):
    sizes = {len(own) for sets in run.sets.values() for own in sets.values()}
    assert sizes == {round(0.05 * 3 * 48)}


def test_objectives_of_one_gap(run):
    model = tiny_model("bert", max_position_embeddings=1024)
    marks, corpus = model.encoder.marks, run.text["report"]
    target = OBJECTIVES["target"].task(model, corpus, "sentence")
    for sample in target.samples:
        assert sample.copies == sample.tokens - sample.prompt == 1
        ((place, token),) = sample.gaps
        assert sample.ids[place] == marks.gap
        text = list(sample.ids[1:-1])
        text[place - 1] = token
        # Tokens are bytes here, and the last word begins with its space; what follows the gap is seen.
        documents = {one.id: one.sentences for one in corpus.documents[sample.language]}
        _, space, word = documents[sample.document][sample.sentence].rpartition(" ")
        assert model.tokenizer.decode(text[place - 1 :]) == space + word
    joint = OBJECTIVES["target"].configured({"joint": True}).task(model, corpus, "sentence").samples[0]
    assert joint.copies == joint.tokens - joint.prompt > 1

    answer = OBJECTIVES["answer"].task(model, corpus, "sentence").samples[0]
    # " A" is two bytes, each hidden in turn, at the end of the prompt.
    assert [place % (answer.tokens + 2) for place, _ in answer.gaps] == [answer.tokens - 1, answer.tokens]
    probe = OBJECTIVES["language_id"].task(model, corpus, "sentence").samples[0]
    assert probe.gaps == ()
    assert (probe.copies, len(probe.ids)) == (1, probe.tokens + 2)
    assert marks.gap not in probe.ids


def test_contrastive_is_refused(run):
    model = tiny_model("bert")
    with pytest.raises(NeuroglotError, match="objective 'contrastive' needs a causal language model"):
        OBJECTIVES["contrastive"].task(model, run.text["report"], "sentence")


def test_a_text_with_no_room_for_its_end_is_cut(run):
    model = tiny_model("bert", max_position_embeddings=12)
    task = OBJECTIVES["logprob"].task(model, run.text["report"], "sentence")
    assert max(sample.tokens for sample in task.samples) == 10
    batch = Batch.of(task.samples[:2])
    assert LogProb()(model.body(batch.ids), batch, model.head)[0].isfinite().all()
