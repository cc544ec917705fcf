"""A judge that misbehaves in every way we could think of."""

import logging

import pytest

from judge_server import GOOD, hangs_up, judge_server, refuses, says, sends, sleeps
from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.judge.client import Endpoint, UnansweredError

REQUEST = {"messages": [{"role": "user", "content": "?"}], "temperature": 0, "seed": 0, "max_tokens": 9}
SECRET = "sk-a-secret-of-ours-123"


@pytest.fixture
def server():
    with judge_server() as judge:
        yield judge


@pytest.fixture
def endpoint(server, monkeypatch):
    monkeypatch.setenv("OUR_KEY", SECRET)

    def make(retries=0, timeout=5, key="OUR_KEY"):
        return Endpoint(server.base_url, "m", key=key, timeout=timeout, retries=retries)

    return make


def test_a_good_judge(server, endpoint):
    assert endpoint().ask(REQUEST) == GOOD
    (body,) = server.requests
    assert {name: body[name] for name in REQUEST} == REQUEST
    assert body["model"] == "m"
    assert body["response_format"]["type"] == "json_schema"
    assert server.headers[0]["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("content", ["I like it: 8/10", "", '{"score": 11}'])
def test_whatever_it_says_is_a_reply(server, endpoint, content):
    server.usual = says(content)
    assert endpoint().ask(REQUEST) == content


def test_a_message_without_text_is_an_empty_reply(server, endpoint):
    server.usual = says(None)
    assert endpoint().ask(REQUEST) == ""


@pytest.mark.parametrize(
    "text",
    ["", "<html>Welcome to the hotel</html>", "[]", "{}", '{"choices": []}', '{"choices": [{"message": 3}]}'],
)
def test_what_is_no_completion_is_no_reply(server, endpoint, text):
    server.usual = sends(200, text, "text/html")
    with pytest.raises(UnansweredError, match="no chat completion") as error:
        endpoint().ask(REQUEST)
    assert text[:20] in str(error.value)
    assert len(server.requests) == 1


def test_a_timeout(server, endpoint):
    server.script = [sleeps(1)]
    with pytest.raises(UnansweredError, match=r"did not answer within 0\.2 s"):
        endpoint(timeout=0.2).ask(REQUEST)


def test_a_timeout_is_tried_again(server, endpoint):
    server.script = [sleeps(1)]
    assert endpoint(timeout=0.4, retries=1).ask(REQUEST) == GOOD


def test_a_lost_connection(server, endpoint):
    server.script = [hangs_up, hangs_up]
    with pytest.raises(UnansweredError, match=r"http://127.* closed the connection"):
        endpoint().ask(REQUEST)
    assert endpoint(retries=1).ask(REQUEST) == GOOD


def test_a_rate_limit_says_how_long_to_wait(server, endpoint):
    server.script = [sends(429, "{}", Retry_After="2")]
    assert endpoint(retries=1).ask(REQUEST) == GOOD
    waited = server.times[1] - server.times[0]
    assert waited >= 2  # untold, it would wait half a second


def test_a_server_that_recovers(server, endpoint):
    server.script = [sends(500), sends(503)]
    assert endpoint(retries=2).ask(REQUEST) == GOOD
    assert len(server.requests) == 3


def test_a_server_that_does_not(server, endpoint):
    server.usual = refuses(500, "out of memory")
    with pytest.raises(UnansweredError, match=r"fails with 500: .*out of memory"):
        endpoint(retries=1).ask(REQUEST)
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_stops_all(server, endpoint, status):
    server.usual = refuses(status, f"no such key {SECRET}")
    with pytest.raises(NeuroglotError) as error:
        endpoint(retries=3).ask(REQUEST)
    assert not isinstance(error.value, UnansweredError)
    assert str(error.value) == f"the judge at {server.base_url} refuses the key in OUR_KEY ({status})"
    assert len(server.requests) == 1


def test_a_key_that_is_missing(server, endpoint):
    server.usual = refuses(401, "who are you?")
    with pytest.raises(NeuroglotError, match="wants a key: set NOT_SET"):
        endpoint(key="NOT_SET").ask(REQUEST)


def test_a_server_that_wants_no_key(server, endpoint):
    assert endpoint(key="NOT_SET").ask(REQUEST) == GOOD
    assert server.headers[0]["authorization"] == "Bearer none"


def test_a_key_that_no_header_carries(endpoint, monkeypatch):
    monkeypatch.setenv("OUR_KEY", f"{SECRET}\nmore")
    with pytest.raises(NeuroglotError, match="OUR_KEY has characters that no header can carry") as error:
        endpoint()
    assert SECRET not in str(error.value)


def test_a_model_that_is_not_there_stops_all(server, endpoint):
    server.usual = refuses(404, "the model m does not exist")
    with pytest.raises(NeuroglotError, match="has no model 'm'") as error:
        endpoint().ask(REQUEST)
    assert not isinstance(error.value, UnansweredError)


def test_formats_that_are_refused_are_not_asked_for_again(server, endpoint):
    server.script = [refuses(400, "json_schema?"), refuses(400, "json_object?")]
    judge = endpoint()
    assert judge.ask(REQUEST) == judge.ask(REQUEST) == GOOD
    forms = [body.get("response_format", {}).get("type") for body in server.requests]
    assert forms == ["json_schema", "json_object", None, None]


def test_fields_that_are_refused_are_left_out(server, endpoint):
    server.script = [refuses(400, "'max_tokens' is not supported"), refuses(400, "'temperature' must be 1")]
    judge = endpoint()
    assert judge.ask(REQUEST) == judge.ask(REQUEST) == GOOD
    assert [sorted({*REQUEST} - {*body}) for body in server.requests] == [
        [],
        ["max_tokens"],
        ["max_tokens", "temperature"],
        ["max_tokens", "temperature"],
    ]
    assert {body["response_format"]["type"] for body in server.requests} == {"json_schema"}


def test_a_prompt_that_is_too_long_costs_the_others_nothing(server, endpoint):
    server.script = [refuses(400, "the context is too small")] * 3
    judge = endpoint()
    with pytest.raises(UnansweredError, match="the context is too small"):
        judge.ask(REQUEST)
    judge.ask(REQUEST)
    assert server.requests[-1]["response_format"]["type"] == "json_schema"


def test_the_key_is_said_nowhere(server, endpoint, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    server.script = [
        says(f"I was told {SECRET}"),
        sends(200, f"<html>{SECRET}</html>"),
        refuses(500, SECRET),
        *[refuses(400, f"{SECRET} {n}") for n in range(3)],
        refuses(404, SECRET),
        refuses(401, SECRET),
        hangs_up,
    ]
    judge = endpoint()
    said = [judge.ask(REQUEST)]
    while server.script:
        with pytest.raises(NeuroglotError) as error:
            judge.ask(REQUEST)
        said.append(str(error.getrepr(style="native", chain=True)))
    assert len(said) == 7
    assert "[key]" in said[0]
    assert SECRET not in "".join(said)
    assert "HTTP Request" in caplog.text  # the client did say what it does
    assert SECRET not in caplog.text
    assert SECRET not in "".join(capfd.readouterr())
