"""The bundled 270M model as a judge, in this process: it tries the plumbing, and its scores say nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from neuroglot.errors import NeuroglotError
from neuroglot.model.loading import assemble

BUNDLED = "bundled"
"""The address that means it."""

MODEL = "gemma3-270m"

CONTEXT = 4096
"""Tokens a request: an answer of 2048, and what is said around it."""

TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
"""A base model knows no chat."""


@contextmanager
def serving(parallel: int) -> Iterator[str]:
    """Serves it on a free port of this machine, and yields the address.

    Args:
        parallel: Requests at the same time.

    Raises:
        NeuroglotError: xllamacpp or the model is not installed.
    """
    try:
        import xllamacpp
    except ImportError as error:
        raise NeuroglotError("the bundled judge needs xllamacpp: pip install xllamacpp") from error
    with TemporaryDirectory() as folder:
        path = Path(folder) / "judge.gguf"
        assemble(MODEL, path)
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.chat_template = TEMPLATE
        parameters.n_parallel = parallel
        parameters.n_ctx = CONTEXT * parallel
        parameters.ui = False
        parameters.verbosity = -1
        server = xllamacpp.Server(parameters)
        try:
            yield f"{server.listening_address}/v1"
        finally:
            del server  # which stops it, before its file goes
