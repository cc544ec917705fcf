"""Answers of servers: well-behaved ones under their own names for the penalty, and others."""

import threading

import pytest

from completions import completion, engine, serving
from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.answers.live import Answer, Writing
from neuroglot.evaluation.answers.served import Served

WRITING = Writing(max_new_tokens=12, repetition_penalty=1.1)
PROMPTS = ["first", "second", "third", "fourth", "fifth", "sixth"]


@pytest.mark.parametrize(
    ("known", "sent"),
    [
        ("repetition_penalty", {"repetition_penalty": 1.1}),
        ("repeat_penalty", {"repeat_penalty": 1.1, "repeat_last_n": 8192}),
    ],
)
def test_what_a_server_is_asked(known, sent, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "a-secret")
    with serving(engine(known)) as (url, asked):
        server = Served(url, "mine")
        answers = server.write(PROMPTS, WRITING, ["\nQuestion:"])
        count = len(asked)
        server.write(["once more"], WRITING)
    assert answers == [Answer(f"{prompt} again", 3, True) for prompt in PROMPTS]
    assert len(asked) == count + 1  # what works is tried out once
    last = asked[count - 1]
    for name, value in {
        **{"model": "mine", "max_tokens": 12, "temperature": 0, "stop": ["\nQuestion:"]},
        **{"path": "/v1/completions", "authorization": "Bearer a-secret"},
        **sent,
    }.items():
        assert last[name] == value
    assert {name for name in last if "rep" in name} == set(sent)


def test_a_server_that_ignores_the_penalty_is_refused():
    with (
        serving(engine()) as (url, asked),
        pytest.raises(NeuroglotError, match=r"ignores repetition_penalty and"),
    ):
        Served(url, "m").write(PROMPTS, WRITING)
    assert "first" not in {fields["prompt"] for fields in asked}


def test_no_penalty_needs_no_name():
    with serving(engine()) as (url, asked):
        Served(url, "m").write(["first"], Writing(repetition_penalty=1))
    assert [fields["prompt"] for fields in asked] == ["first"]


def test_a_name_may_be_refused():
    known = engine("repeat_penalty")

    def strict(fields, number):
        if "repetition_penalty" in fields:
            return 400, b'{"error": {"message": "extra fields not permitted"}}', {}
        return known(fields, number)

    with serving(strict) as (url, asked):
        Served(url, "m").write(["first"], WRITING)
    assert asked[-1]["repeat_penalty"] == 1.1


def test_a_server_that_refuses_every_name_says_why():
    plain = engine()

    def strict(fields, number):
        if {"repetition_penalty", "repeat_penalty"} & set(fields):
            return 400, b'{"error": {"message": "extra fields not permitted"}}', {}
        return plain(fields, number)

    with serving(strict) as (url, _), pytest.raises(NeuroglotError, match=r"ignores .*extra fields not"):
        Served(url, "m").write(["first"], WRITING)


def test_a_server_that_is_not_greedy_is_refused():
    with (
        serving(lambda fields, number: (200, completion(f"draw {number}"), {})) as (url, _),
        pytest.raises(NeuroglotError, match="differently at temperature 0"),
    ):
        Served(url, "m").write(PROMPTS, WRITING)


def test_an_answer_that_was_cut_and_one_that_ran_past_a_stop():
    def reply(fields, number):
        text, finish = (
            (" on and on", "length") if fields["prompt"] == "long" else (" so\nQuestion: x", "stop")
        )
        return 200, completion(text, finish, 12), {}

    plain = Writing(max_new_tokens=12, repetition_penalty=1)
    with serving(reply) as (url, _):
        found = Served(url, "m").write(["long", "stop"], plain, ["\nQuestion:"])
    assert found == [Answer("on and on", 12, False), Answer("so", 12, True)]


def test_a_rate_limit_is_waited_for():
    def reply(fields, number):
        if number <= 2:
            return 429, b'{"error": {"message": "slow down"}}', {"Retry-After": "0.01"}
        return 200, completion(" fine"), {}

    with serving(reply) as (url, asked):
        answers = Served(url, "m", retries=3).write(["first"], Writing(repetition_penalty=1))
    assert answers == [Answer("fine", 3, True)]
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (429, b'{"error": {"message": "slow down"}}', "fails with 429: .*slow down"),
        (500, b"oops", "fails with 500"),
        (401, b'{"error": {"message": "who are you"}}', "fails with 401: .*who are you"),
        (400, b'{"error": {"message": "too long"}}', "refuses: .*too long"),
        (200, b"<html>hello</html>", "is no completion"),
        (200, b'{"choices": []}', "is no completion"),
        (200, b"", "is no completion"),
    ],
)
def test_a_server_that_fails(status, body, message):
    headers = {"Retry-After": "0.01"}
    with (
        serving(lambda fields, number: (status, body, headers)) as (url, _),
        pytest.raises(NeuroglotError, match=message),
    ):
        Served(url, "m", retries=1).write(["first"], Writing(repetition_penalty=1))


def test_a_server_that_never_ends():
    forever = threading.Event()
    try:
        with (
            serving(lambda fields, number: forever.wait(20) or (200, b"", {})) as (url, _),
            pytest.raises(NeuroglotError, match=r"did not answer within 0\.2 s"),
        ):
            Served(url, "m", timeout=0.2, retries=0).write(PROMPTS, Writing(repetition_penalty=1))
    finally:
        forever.set()


def test_nobody_there():
    with pytest.raises(NeuroglotError, match="cannot be reached"):
        Served("http://127.0.0.1:9/v1", "m", retries=0).write(["first"], Writing(repetition_penalty=1))
