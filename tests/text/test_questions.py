"""The project's own questions, those of a folder, and what stands around them in a prompt."""

import json
import os
from pathlib import Path

import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.text.corpus import Corpus
from neuroglot.text.prompts import prompt_ids, render, stops_of
from neuroglot.text.questions import Question, questions
from neuroglot.text.scripts import script_of, scripts_of
from neuroglot.text.words import WORDS
from tiny import tiny_tokenizer

TEMPLATE = "{{ bos_token }}{% for m in messages %}<user>{{ m.content }}{% endfor %}<model>"


def test_our_own_questions_are_24_in_every_language_of_commons():
    commons = Corpus.commons()
    found = questions("commons", commons.languages)
    scripts = scripts_of(commons)
    ids = [one.id for one in found if one.language == "en"]
    assert len(set(ids)) == len(ids) == 24
    for language in commons.languages:
        own = [one for one in found if one.language == language]
        assert [one.id for one in own] == ids
        assert len({one.text for one in own}) == 24
        assert {script_of(" ".join(one.text for one in own))} == {scripts[language]}
        assert language in WORDS


def test_the_first_of_each():
    found = questions("commons", ["vi", "en"], 2)
    assert [(one.language, one.id) for one in found] == [
        ("vi", "sleep"), ("vi", "rain"), ("en", "sleep"), ("en", "rain")
    ]  # fmt: skip
    assert found[3].text == "Why does it rain? Explain it to a child."


def write(folder, language, *rows):
    (folder / f"{language}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def test_the_layouts_of_a_folder(tmp_path, monkeypatch):
    write(tmp_path, "en", {"id": 7, "text": " Why? "}, {"id": "b", "turns": ["How?", "And then?"]})
    write(tmp_path, "vi", {"question": "Vì sao?"}, {"prompt": "Thế nào?"})
    monkeypatch.setenv("QUESTIONS", str(tmp_path))
    assert questions("$QUESTIONS", ["en", "vi"]) == [
        Question("7", "en", "Why?"),
        Question("b", "en", "How?"),
        Question("1", "vi", "Vì sao?"),
        Question("2", "vi", "Thế nào?"),
    ]


@pytest.mark.parametrize(
    ("languages", "count", "message"),
    [
        (["en", "de"], None, "unknown language 'de'"),
        (["en", "en"], None, "asked for twice"),
        (["en"], 3, "3 are asked for, and 'en' has 2"),
        (["empty"], None, "unknown language"),
        (["fr"], None, r"fr.jsonl:1: no question in this row: it has none of text, question"),
        (["it"], None, r"it.jsonl:2: question 'a' is there twice"),
        (["pt"], None, r"pt.jsonl:1: text must be a string, not int"),
    ],
)
def test_what_a_folder_may_not_hold(tmp_path, languages, count, message):
    write(tmp_path, "en", {"text": "Why?"}, {"text": "How?"})
    write(tmp_path, "fr", {"reponse": "Oui."})
    write(tmp_path, "it", {"id": "a", "text": "Chi?"}, {"id": "a", "text": "Come?"})
    write(tmp_path, "pt", {"text": 3})
    with pytest.raises(NeuroglotError, match=message):
        questions(str(tmp_path), languages, count)


def test_a_language_that_we_did_not_write_in():
    with pytest.raises(
        NeuroglotError, match=r"questions 'commons': unknown language 'it'.*Known: ar, de, en"
    ):
        questions("commons", ["en", "it"])


def test_no_folder():
    with pytest.raises(NeuroglotError, match="no folder of questions 'comons'; 'commons' are"):
        questions("comons", ["en"])


@pytest.mark.skipif("NEUROGLOT_DATA" not in os.environ, reason="NEUROGLOT_DATA names no folder of real text")
@pytest.mark.parametrize("name", ["vicuna80_sift", "mt_bench", "tydiqa_questions"])
def test_real_sets(name):
    folder = Path(os.environ["NEUROGLOT_DATA"]) / "openended" / name
    languages = sorted(file.stem for file in folder.glob("*.jsonl"))
    assert len(questions(str(folder), languages, 3)) == 3 * len(languages)


def test_a_base_model_is_shown_a_question_and_where_its_answer_begins():
    tokenizer = tiny_tokenizer()
    prompt = render(tokenizer, "Vì sao?", "vi")
    assert prompt == "Câu hỏi: Vì sao?\nTrả lời:"
    assert stops_of(tokenizer, ["en", "vi", "fr"]) == ("\nQuestion:", "\nCâu hỏi:")
    (ids,) = prompt_ids(tokenizer, [prompt])
    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.decode(ids[1:]) == prompt
    (ids,) = prompt_ids(tokenizer, ["<eos>"])
    assert tokenizer.eos_token_id not in ids  # a question may spell a special token


def test_a_chat_model_has_a_form_of_its_own():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = TEMPLATE
    prompt = render(tokenizer, "Why?", "en")
    assert prompt == "<bos><user>Why?<model>"
    assert stops_of(tokenizer, ["en"]) == ()
    (ids,) = prompt_ids(tokenizer, [prompt])
    assert ids.count(tokenizer.bos_token_id) == 1
    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.decode(ids[1:]) == "<user>Why?<model>"


def test_a_template_that_fails():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('no user allowed') }}"
    with pytest.raises(NeuroglotError, match="chat template of the tokenizer fails: no user allowed"):
        render(tokenizer, "Why?", "en")


def test_a_language_without_words():
    with pytest.raises(NeuroglotError, match="words for a prompt: unknown language 'xx'"):
        render(tiny_tokenizer(), "Why?", "xx")
