"""Items, metrics and samples are the harness's own; mistakes are one line."""

import json

import pytest
from lm_eval import evaluate
from lm_eval.tasks import TaskManager

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.harness.lm import HarnessModel
from neuroglot.evaluation.harness.loading import TASKS, load_benchmarks
from neuroglot.evaluation.harness.prompts import PROMPTS
from tiny import tiny_model
from tiny_tasks import ITEMS, write_nlu, write_task


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    home = write_nlu(tmp_path / "data")
    monkeypatch.setenv("NEUROGLOT_DATA", str(home))
    return home


def theirs(lm, name, places, folders=(), few_shot=0):
    """What the harness itself makes of the same items."""
    manager = TaskManager(include_path=[TASKS, *folders], include_defaults=False)
    task = manager.load([name])["tasks"][name]
    task.set_config("num_fewshot", few_shot)
    task.set_fewshot_seed(0)
    found = evaluate(lm, {"tasks": {name: task}}, samples={name: list(places)}, bootstrap_iters=0)
    return found["samples"][name]


@pytest.mark.parametrize(
    ("name", "few_shot"), [("neuroglot_xnli_vi", 0), ("neuroglot_mmlu_en", 2), ("neuroglot_mgsm_en", 0)]
)
def test_every_item_is_marked_as_the_harness_marks_it(name, few_shot):
    lm = HarnessModel(tiny_model("gemma3_text", max_position_embeddings=512))  # it writes up to 256 tokens
    benchmark = load_benchmarks([name], limit=8, few_shot=few_shot)[name]
    places = benchmark.samples[name]
    answers = benchmark.ask(lm)
    assert benchmark.ask(lm) == answers  # asked again it says the same, not twice as much
    expected = theirs(lm, name, places, few_shot=few_shot)
    assert [each.right for each in answers] == [float(sample[benchmark.metric]) for sample in expected]
    assert [each.item for each in answers] == [sample["doc"]["id"] for sample in expected]
    assert [sample["doc_id"] for sample in expected] == list(places)
    if "mgsm" not in name:
        said = [[response[0][0] for response in sample["resps"]] for sample in expected]
        for one, two in zip(answers, said, strict=True):
            assert one.said == pytest.approx(two, abs=1e-4)


def test_chance_is_that_of_each_item(gemma):
    benchmark = load_benchmarks(["neuroglot_mmlu_en"], limit=ITEMS)["neuroglot_mmlu_en"]
    chances = [answer.chance for answer in benchmark.ask(HarnessModel(gemma))]
    assert chances == [1 / (2 + number % 3) for number in range(ITEMS)]


def test_parallel_tasks_draw_the_same_items():
    names = ["neuroglot_xnli_en", "neuroglot_xnli_vi"]
    drawn = load_benchmarks(names, limit=5, seed=3)
    en, vi = (list(drawn[name].samples[name]) for name in names)
    assert en == vi
    assert en != list(range(5))
    assert load_benchmarks(names, limit=5, seed=4)[names[0]].samples[names[0]] != en


def test_the_digest_covers_whatever_is_asked(data):
    def digest(**more):
        return load_benchmarks(["neuroglot_xnli_en"], **{"limit": ITEMS} | more)["neuroglot_xnli_en"].digest

    before = digest()
    assert digest() == before
    assert len({before, digest(limit=5), digest(few_shot=1)}) == 3
    path = data / "nlu" / "xnli" / "en_dev.jsonl"
    path.write_text(path.read_text("utf-8").replace("stone", "stones", 1), "utf-8")
    assert digest() != before


def test_a_task_of_another_folder_and_another_metric(gemma, tmp_path):
    folder = write_task(tmp_path / "mine", "next_word")
    lm = HarnessModel(gemma)
    found = load_benchmarks(["next_word", "next_word@acc_norm"], folders=[folder])
    expected = theirs(lm, "next_word", range(6), [folder])
    for name, metric in (("next_word", "acc"), ("next_word@acc_norm", "acc_norm")):
        assert [each.right for each in found[name].ask(lm)] == [sample[metric] for sample in expected]


def test_a_group_is_one_pool_of_items(gemma, tmp_path):
    folder = write_task(write_task(tmp_path / "mine", "one").parent / "mine", "two")
    (folder / "both.yaml").write_text(json.dumps({"group": "both", "task": ["one", "two"]}), "utf-8")
    both = load_benchmarks(["both"], limit=9, folders=[folder])["both"]
    assert set(both.samples) == {"one", "two"}
    assert both.items == 9 == len(both.ask(HarnessModel(gemma)))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("neuroglot_xnli_vj", "did you mean 'neuroglot_xnli_vi'"),
        ("neuroglot_xnli_sw", "no sw_test.jsonl"),
        ("neuroglot_xnli_vi@f2", "unknown metric 'f2'"),
        ("plain", "has no accuracy, only perplexity"),
        ("soft", "neither right"),
        ("lost", "cannot be loaded"),
    ],
)
def test_what_cannot_be_asked_is_one_line(gemma, tmp_path, name, message):
    folder = write_task(
        tmp_path / "mine",
        "plain",
        output_type="loglikelihood",
        doc_to_target="{{text}}",
        metric_list=[{"metric": "perplexity", "aggregation": "perplexity", "higher_is_better": False}],
    )
    write_task(
        folder,
        "soft",
        metric_list=[{"metric": "brier_score", "aggregation": "brier_score", "higher_is_better": False}],
    )
    write_task(folder, "lost", dataset_kwargs={"data_files": {"test": "/nowhere.jsonl"}})
    if name == "soft":
        name = "soft@brier_score"
    with pytest.raises(NeuroglotError, match=message) as error:
        load_benchmarks([name], folders=[folder])[name].ask(HarnessModel(gemma))
    assert "\n" not in str(error.value)


def test_without_data_it_says_what_to_set(monkeypatch):
    monkeypatch.delenv("NEUROGLOT_DATA")
    with pytest.raises(NeuroglotError, match="NEUROGLOT_DATA is not set"):
        load_benchmarks(["neuroglot_xnli_en"])


def test_a_broken_line_is_named(data):
    path = data / "nlu" / "xnli" / "en_dev.jsonl"
    path.write_text(path.read_text("utf-8") + '{"id": 3}\n', "utf-8")
    with pytest.raises(NeuroglotError, match=rf"en_dev\.jsonl, line {ITEMS + 1}: not a line of xnli"):
        load_benchmarks(["neuroglot_xnli_en"])


def test_every_task_file_names_itself_and_has_a_prompt():
    manager = TaskManager(include_path=TASKS, include_defaults=False)
    files = sorted(TASKS.glob("*/*.yaml"))
    assert manager.all_tasks == sorted(f"neuroglot_{file.parent.name}_{file.stem}" for file in files)
    assert {file.parent.name for file in files} == set(PROMPTS)
