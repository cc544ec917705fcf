"""Nothing is lost, nothing is judged twice, whatever happens in between."""

import json
from contextlib import contextmanager

import pytest

from judge_server import GOOD, judge_server, refuses, says, sends
from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.judge import asking
from neuroglot.evaluation.judge.asking import GIVE_UP, Item, judge_all
from neuroglot.evaluation.judge.cache import Replies
from neuroglot.evaluation.judge.client import Endpoint
from neuroglot.evaluation.judge.reading import Verdict

ITEMS = [Item("en", "Why?", f"Because of {number}.") for number in range(12)]


@pytest.fixture
def server():
    with judge_server() as judge:
        yield judge


@pytest.fixture
def ask(server, tmp_path):
    def run(items=ITEMS, judge=("url", "m"), parallel=1):
        @contextmanager
        def opened():
            yield Endpoint(server.base_url, "m", key="NOT_SET", timeout=5, retries=0)

        return judge_all(items, judge, opened, Replies(tmp_path / "replies.jsonl"), parallel=parallel)

    return run


def asked(server):
    return [body["messages"][0]["content"] for body in server.requests]


@pytest.mark.parametrize("parallel", [1, 4])
def test_every_answer_gets_its_own_verdict(server, ask, parallel):
    def act(handler):
        number = int(handler.body["messages"][0]["content"].split("Because of ")[1].split(".")[0])
        says(f'{{"score": {number}}}')(handler)

    server.usual = act
    found = ask(parallel=parallel)
    assert [one.score for one in found] == [None, *range(1, 11), None]
    assert found[0].problem == "the score is '0', not 1 to 10"
    assert found[11].problem == "the score is '11', not 1 to 10"


def test_a_second_time_nothing_is_asked(server, ask):
    server.script = [says("prose"), says("")]  # what cannot be read was judged all the same
    first = ask()
    assert [one.score for one in first] == [None, None, *[7] * 10]
    assert ask() == first
    assert len(server.requests) == 12


def test_the_same_answer_is_judged_once(server, ask):
    assert ask([ITEMS[0]] * 5) == [Verdict(7)] * 5
    assert len(server.requests) == 1


def test_another_judge_round_question_or_language_is_another_judgement(server, ask):
    ask(ITEMS[:1])
    ask(ITEMS[:1], judge=("url", "other"))
    ask(ITEMS[:1], judge=("elsewhere", "m"))
    ask(
        [
            Item("en", "Why?", "Because of 0.", 1),
            Item("en", "How?", "Because of 0."),
            Item("fr", "Why?", "Because of 0."),
        ]
    )
    assert len(server.requests) == 6
    assert {(body["seed"], body["temperature"]) for body in server.requests} == {(0, 0), (1, 1)}


def test_an_empty_answer_is_not_asked_about(server, ask):
    assert ask([Item("en", "Why?", ""), Item("en", "Why?", " \n")]) == [Verdict(1), Verdict(1)]
    assert server.requests == []


def test_what_got_no_reply_is_asked_again_and_only_that(server, ask):
    server.script = [says(GOOD), refuses(500, "oh"), sends(200, "<html>", "text/html"), says(GOOD)]
    first = ask()
    assert [number for number, one in enumerate(first) if one.score is None] == [1, 2]
    assert "fails with 500" in first[1].problem
    assert "no chat completion" in first[2].problem
    assert ask() == [Verdict(7)] * 12
    assert len(server.requests) == 14
    assert [text.split("Because of ")[1][0] for text in asked(server)[12:]] == ["1", "2"]


@pytest.mark.parametrize("parallel", [1, 4])
def test_cut_in_the_middle_it_goes_on(server, ask, parallel):
    many = [Item("en", "Why?", str(number)) for number in range(60)]
    server.script = [says(GOOD)] * 5
    server.usual = refuses(401, "the key has expired")
    with pytest.raises(NeuroglotError, match="wants a key"):
        ask(many, parallel=parallel)
    server.usual, refused = says(GOOD), len(server.requests) - 5
    assert 1 <= refused <= 20  # most were not even tried
    assert ask(many, parallel=parallel) == [Verdict(7)] * 60
    assert len(server.requests) == 60 + refused


def test_killed_in_the_middle_it_goes_on(server, ask, monkeypatch):
    add, count = Replies.add, []

    def dies(self, key, reply):
        add(self, key, reply)
        count.append(key)
        if len(count) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(asking.Replies, "add", dies)
    with pytest.raises(KeyboardInterrupt):
        ask()
    monkeypatch.undo()
    judged = len(server.requests)
    assert 4 <= judged <= 6
    assert ask() == [Verdict(7)] * 12
    assert len(server.requests) == 12
    assert len(set(asked(server))) == 12


def test_a_judge_that_is_gone_is_not_waited_for(server, ask):
    many = [Item("en", "Why?", str(number)) for number in range(40)]
    server.script = [says(GOOD)] * 3
    server.usual = refuses(503, "down for the night")
    with pytest.raises(
        NeuroglotError, match=r"10 requests in a row .*down for the night.*run again to go on"
    ):
        ask(many)
    assert len(server.requests) <= 3 + GIVE_UP + 1
    server.usual = says(GOOD)
    before = len(server.requests)
    ask(many)
    assert len(server.requests) - before == 37


def test_a_damaged_line_is_asked_again(server, ask, tmp_path):
    ask()
    path = tmp_path / "replies.jsonl"
    lines = path.read_text("utf-8").splitlines()
    path.write_text(
        "\n".join([*lines[:3], "no json", '{"key": 3, "reply": ""}', *lines[3:11], lines[11][:30]]), "utf-8"
    )
    assert ask() == [Verdict(7)] * 12
    assert len(server.requests) == 13
    again = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(again) == 12
    assert all(entry["reply"] == GOOD for entry in again)
