"""Prompts read by eye and written down here, and two real files read a second time by other means."""

import json
import os
from pathlib import Path

import pytest

from neuroglot.evaluation.harness.loading import TASKS, load_benchmarks
from neuroglot.evaluation.harness.prompts import LABELS, PROMPTS
from neuroglot.evaluation.harness.words import ANSWER, CAUSE_EFFECT, INFERENCE, QUESTION

DATA = os.environ.get("NEUROGLOT_DATA")
real_data = pytest.mark.skipif(DATA is None, reason="NEUROGLOT_DATA is not set: no real text")


def items(family, language, **record):
    return list(PROMPTS[family]({"id": "1", **record}, language))


def test_letters():
    (found,) = items(
        "ceval", "zh", question="中国的首都是____。", choices=["上海", "北京", "广州", "深圳"], answer=1
    )
    assert found["text"] == "中国的首都是____。\nA. 上海\nB. 北京\nC. 广州\nD. 深圳\n答案："
    assert found["choices"] == ["A", "B", "C", "D"]
    assert found["answer"] == 1
    (found,) = items(
        "belebele", "en", context="It rains.", question="Is it wet?", choices=["yes", "no"], answer=0
    )
    assert found["text"] == "It rains.\nIs it wet?\nA. yes\nB. no\nAnswer:"
    assert found["choices"] == [" A", " B"]
    assert items("exams", "vi", question="?", choices=["a", "b"], answer=None) == []


@pytest.mark.parametrize(
    ("language", "whole"),
    [
        ("en", "It rains, right? Also, it is wet."),
        ("zh", "下雨了，对吗？另外，地湿了。"),
        ("ar", "إنها تمطر، أليس كذلك؟ أيضا، الأرض مبللة."),
        ("th", "ฝนตก ใช่ไหม?นอกจากนี้ พื้นเปียก"),
    ],
)
def test_inference(language, whole):
    premises = {"en": "It rains.", "zh": "下雨了。", "ar": "إنها تمطر.", "th": "ฝนตก"}
    hypotheses = {"en": "it is wet.", "zh": "地湿了。", "ar": "الأرض مبللة.", "th": "พื้นเปียก"}
    (found,) = items(
        "xnli", language, premise=premises[language], hypothesis=hypotheses[language], label="neutral"
    )
    assert found["text"] + found["choices"][found["answer"]] == whole
    assert len(set(found["choices"])) == 3


@pytest.mark.parametrize(
    ("language", "question", "context", "choice", "whole"),
    [
        ("en", "cause", "It was wrapped.", "It was fragile.", "It was wrapped because it was fragile."),
        ("vi", "effect", "Tôi lục túi.", "Tôi tìm thấy vé.", "Tôi lục túi vì vậy tôi tìm thấy vé."),
        ("zh", "cause", "物品被包裹。", "它易碎。", "物品被包裹因为它易碎。"),
        ("tr", "effect", "Yağmur yağdı.", "Islandım.", "Yağmur yağdı bu yüzden ıslandım."),
    ],
)
def test_cause_and_effect(language, question, context, choice, whole):
    (found,) = items("xcopa", language, context=context, question=question, choices=["no", choice], answer=1)
    assert found["text"] + found["choices"][found["answer"]] == whole


def test_a_gap_is_filled_and_the_rest_is_scored():
    record = {"sentence": "…", "choices": ["The dog", "Ann"], "answer": 0}
    (found,) = items("xwinograd", "en", cloze="He fed it because _ was hungry. ", **record)
    assert found["choices"] == ["He fed it because the dog", "He fed it because Ann"]
    assert found["rest"] == " was hungry."
    assert items("xwinograd", "en", cloze=None, **record) == []
    assert items("xwinograd", "en", cloze="He fed _.", **record) == []


def test_spans_are_answers_of_the_same_paragraph():
    qas = [
        {"id": str(n), "question": f"q{n}", "answers": [{"text": f"a{n % 5}"}]} for n in range(6)
    ]  # the last has the first one's answer
    found = items("xquad", "es", context="…", qas=qas)
    assert [each["id"] for each in found] == list("012345")
    assert [each["choices"][each["answer"]] for each in found] == [f" a{n % 5}" for n in range(6)]
    assert all(len(set(each["choices"])) == 4 for each in found)
    assert {each["answer"] for each in found} == {0, 1, 2, 3}
    assert found[0]["text"] == "…\nPregunta: q0\nRespuesta:"
    assert items("xquad", "es", context="…", qas=qas[:1]) == []


def test_sums():
    assert items("mgsm", "zh", question="1 + 1？", answer="2") == [
        {"id": "1", "text": "1 + 1？\n答案：", "answer": "2"}
    ]


def test_every_task_file_has_its_words():
    needed = {
        "xnli": (INFERENCE,),
        "xcopa": (CAUSE_EFFECT,),
        "xquad": (ANSWER, QUESTION),
        "xwinograd": (),
    }
    for file in TASKS.glob("*/*.yaml"):
        for words in needed.get(file.parent.name, (ANSWER,)):
            assert file.stem in words, file


@real_data
def test_real_xcopa_read_a_second_time():
    name = "neuroglot_xcopa_it"
    benchmark = load_benchmarks([name], limit=10**6)[name]
    lines = (Path(DATA) / "nlu" / "xcopa" / "it_test.jsonl").read_bytes().split(b"\n")[:-1]
    assert benchmark.items == len(lines) == 500
    pairs = zip(lines, benchmark.instances[::2], benchmark.instances[1::2], strict=True)
    for line, *instances in pairs:
        record = json.loads(line)
        word = {"cause": " perché ", "effect": " quindi "}[record["question"]]
        for instance, choice in zip(instances, record["choices"], strict=True):
            before, after = "".join(instance.args).split(word, 1)
            assert record["context"].rstrip(". ") == before
            assert after.lower() == choice.lower()
            assert instance.doc["answer"] == record["answer"]


@real_data
def test_real_xnli_read_a_second_time():
    names = [f"neuroglot_xnli_{language}" for language in ("de", "vi")]
    for name, said in zip(names, (("Ja", "Außerdem", "Nein"), ("Đúng", "Hơn nữa", "Không")), strict=True):
        benchmark = load_benchmarks(names, limit=50)[name]
        path = Path(DATA) / "nlu" / "xnli" / f"{name[-2:]}_dev.jsonl"
        rows = {
            json.loads(line)["id"]: json.loads(line) for line in path.read_text("utf-8").split("\n") if line
        }
        for place, instance in zip(benchmark.samples[name], benchmark.instances[::3], strict=True):
            record = list(rows.values())[place]
            assert instance.doc["id"] == record["id"]
            assert instance.doc["answer"] == LABELS.index(record["label"])
            assert instance.args[1] == f" {said[0]}, {record['hypothesis']}"
            assert instance.args[0].startswith(record["premise"].rstrip(" .")[:10])
