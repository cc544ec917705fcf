"""A copy of a GGUF file whose header is quick to read.

transformers reads a header one element at a time, and more than once: for Gemma's tokens, scores and types,
262k of each, that takes most of a minute. The weights need none of them but their number, so they are read
from a copy without. The layout is that of the GGUF specification, versions 2 and 3: counts, entries (key,
type, value), the table of tensors, and the tensors' data, whose offsets count from where the data starts.
"""

import shutil
import struct
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from neuroglot.errors import NeuroglotError

LONG = 100_000
"""A list of more elements than this is left out."""

STRING, LIST, UINT32 = 8, 9, 4
WIDTH = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a value of each type of fixed width."""


def without_long_lists(source: Path, target: Path) -> None:
    """Copies a GGUF file without its long lists; the number of tokens becomes the entry ``vocab_size``.

    Raises:
        ValueError: The file is no GGUF file, is truncated, or of a version that nobody writes any more.
    """
    try:
        with source.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            header, start = _short_header(data)
            with target.open("wb") as copy:
                copy.write(header)
                file.seek(start)
                shutil.copyfileobj(file, copy, 2**22)
    except (struct.error, KeyError, UnicodeDecodeError) as error:
        raise ValueError("the GGUF header is damaged") from error


def forget_quantisation(network: Any) -> None:
    """Makes a dequantised model a plain one: transformers still calls it quantised, and would not save it.

    Raises:
        NeuroglotError: Its weights are quantised otherwise, and still are.
    """
    about = getattr(network.config, "quantization_config", None)
    if about is not None:
        method = about.get("quant_method") if isinstance(about, dict) else about.quant_method
        whole = all(weight.is_floating_point() for weight in network.parameters())
        if method != "gguf" or not whole:
            raise NeuroglotError(f"the weights are quantised ({method}): start from those of full precision")
        del network.config.quantization_config
    network.hf_quantizer = None


def _short_header(data: mmap) -> tuple[bytes, int]:
    """The header without long lists, padded; and where the data starts in the original."""
    magic, version, tensors, entries = struct.unpack_from("<4sIQQ", data)
    if magic != b"GGUF" or version not in (2, 3):
        raise ValueError("this is no GGUF file of version 2 or 3")
    kept: dict[str, bytes] = {}
    at, architecture, tokens, alignment = 24, "", 0, 32
    for _ in range(entries):
        key, value = _string(data, at)
        (kind,) = struct.unpack_from("<I", data, value)
        end = _end(data, value + 4, kind)
        count = struct.unpack_from("<Q", data, value + 8)[0] if kind == LIST else 0
        if count <= LONG:
            kept[key] = data[at:end]
        elif key == "tokenizer.ggml.tokens":
            tokens = count
        if key == "general.architecture":
            architecture, _ = _string(data, value + 4)
        elif key == "general.alignment":
            (alignment,) = struct.unpack_from("<I", data, value + 4)
        at = end
    size = f"{architecture}.vocab_size"
    if tokens and size not in kept:
        kept[size] = struct.pack("<Q", len(size)) + size.encode() + struct.pack("<II", UINT32, tokens)
    table = at
    for _ in range(tensors):
        _, at = _string(data, at)
        (dimensions,) = struct.unpack_from("<I", data, at)
        at += 4 + 8 * dimensions + 12  # the lengths, the type and the offset
    header = struct.pack("<4sIQQ", magic, version, tensors, len(kept))
    header += b"".join(kept.values()) + data[table:at]
    return header + bytes(-len(header) % alignment), at + -at % alignment


def _string(data: mmap, at: int) -> tuple[str, int]:
    """A string and where it ends."""
    end = _end(data, at, STRING)
    return data[at + 8 : end].decode(), end


def _end(data: mmap, at: int, kind: int) -> int:
    """Where the value that starts at ``at`` ends."""
    if kind == STRING:
        return at + 8 + int(struct.unpack_from("<Q", data, at)[0])
    if kind != LIST:
        return at + WIDTH[kind]
    kind, count = struct.unpack_from("<IQ", data, at)
    at += 12
    if kind in WIDTH:
        return at + int(count) * WIDTH[kind]
    for _ in range(count):
        at = _end(data, at, kind)
    return at
