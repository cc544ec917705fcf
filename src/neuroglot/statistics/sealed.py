"""Sealed zip files: no damage to one is ever read as data.

    the zip, its last two bytes (the length of the comment) set     the body
    a SHA-256 of every block of the body                            the seal, which is the zip's comment
    the body's size; a SHA-256 of the file's name and all of these; a mark

So a flipped bit, a cut, or another file under this name is noticed by whoever reads the blocks that it is
in, and a small part of a large file is checked without reading the rest. To other programs it is a plain zip.
"""

import hashlib
import io
import os
import struct
import threading
import zipfile
from pathlib import Path
from typing import BinaryIO

from zarr.storage import ZipStore

from neuroglot.errors import NeuroglotError

_MARK = b"neuroglot-seal-1"
_DIGEST = 64
"""Characters of a digest. Hexadecimal: bytes might contain the mark by which zip files find their end."""
_TAIL = 16 + _DIGEST + len(_MARK)
_SMALLEST_BLOCK = 2**16
_MOST_BLOCKS = 1000
"""A zip's comment ends at 65535 bytes."""


def seal(path: Path, name: str) -> None:
    """Writes the seal to a finished zip file that is going to be called ``name``."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size - 2)
        file.write(struct.pack("<H", _count(size) * _DIGEST + _TAIL))
        file.seek(0)
        digests = b"".join(_digest(file.read(_block_size(size))) for _ in range(_count(size)))
        length = f"{size:016x}".encode()
        file.write(digests + length + _digest(name.encode() + length + digests) + _MARK)
        file.flush()
        os.fsync(file.fileno())  # a disk that is full may say so only now


class SealedFile(io.RawIOBase):
    """A sealed file to read from; every block that is read is checked first.

    Between reads it is closed: a bank may have more shards than a process may open files.

    Raises:
        NeuroglotError: Here or on reading: the file is truncated, damaged, or another one than was written.
        OSError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._kept: tuple[int, bytes] = (-1, b"")
        with path.open("rb") as file:
            total = file.seek(0, os.SEEK_END)
            file.seek(max(total - _TAIL, 0))
            tail = file.read()
            length, digest, mark = tail[:16], tail[16 : 16 + _DIGEST], tail[16 + _DIGEST :]
            if mark != _MARK:
                raise self.damaged("no seal at its end")
            try:
                self._size = int(length, 16)
            except ValueError:
                raise self.damaged("its seal is broken") from None
            if total != self._size + _count(self._size) * _DIGEST + _TAIL:
                raise self.damaged("its seal is broken")
            file.seek(self._size)
            self._seal = file.read()
        self._digests = self._seal[:-_TAIL]
        if digest != _digest(path.name.encode() + length + self._digests):
            raise self.damaged("its seal is broken, or another file's")

    def damaged(self, why: str) -> NeuroglotError:
        """The error that says so."""
        return NeuroglotError(
            f"bank file {self._path} is truncated or damaged ({why}); delete it and run again"
        )

    def check(self) -> None:
        """Reads every block, in memory of a block."""
        with self._path.open("rb") as file:
            for number in range(_count(self._size)):
                self._read_block(file, number)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next read starts."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves there."""
        origin = (0, self._position, self._size + len(self._seal))[whence]
        self._position = max(origin + offset, 0)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed: any buffer
        """Fills the buffer, up to the end of the file."""
        begun, step = self._position, _block_size(self._size)
        end = min(begun + len(buffer), self._size)
        with self._path.open("rb") as file:
            while self._position < end:
                number, inside = divmod(self._position, step)
                part = memoryview(self._read_block(file, number))[inside : inside + end - self._position]
                buffer[self._position - begun : self._position - begun + len(part)] = part
                self._position += len(part)
        rest = self._seal[max(self._position - self._size, 0) :][: len(buffer) - (self._position - begun)]
        if self._position >= self._size:
            buffer[self._position - begun : self._position - begun + len(rest)] = rest
            self._position += len(rest)
        return self._position - begun

    def _read_block(self, file: BinaryIO, number: int) -> bytes:
        """A block, checked. The last one is kept: a zip's directory and small entries are read bit by bit."""
        if self._kept[0] != number:
            step = _block_size(self._size)
            file.seek(number * step)
            block = file.read(min(step, self._size - number * step))
            if _digest(block) != self._digests[number * _DIGEST : (number + 1) * _DIGEST]:
                raise self.damaged(f"wrong checksum at byte {number * step}")
            self._kept = (number, block)
        return self._kept[1]


class SealedStore(ZipStore):
    """Zarr arrays in a sealed zip file, to read."""

    def _sync_open(self) -> None:
        self._lock = threading.RLock()
        self._zf = zipfile.ZipFile(SealedFile(self.path))
        self._is_open = True


def _block_size(size: int) -> int:
    """Bytes a block: a power of two, larger in a larger file."""
    return max(_SMALLEST_BLOCK, 1 << (-(-size // _MOST_BLOCKS) - 1).bit_length())


def _count(size: int) -> int:
    return -(-size // _block_size(size))


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()
