import errno
from pathlib import Path

import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.files import write_bytes, write_text


def test_text_is_written_whole_into_folders_that_it_makes(tmp_path):
    write_text(tmp_path / "a/b.txt", "đá")
    assert (tmp_path / "a/b.txt").read_bytes() == "đá".encode()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]


@pytest.mark.parametrize("fails", ["write_bytes", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, fails):
    file = tmp_path / "b.txt"
    write_text(file, "old")

    def full(path, *arguments, **options):
        with path.open("wb") as half:
            half.write(b"ne")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, fails, full)
    with pytest.raises(NeuroglotError, match=r"'b.txt' in the folder '.*': No space left"):
        write_text(file, "new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_vanished_is_not_made_anew(tmp_path):
    with pytest.raises(NeuroglotError, match=r"'b' in the folder '.*/gone': No such file"):
        write_bytes(tmp_path / "gone/b", b"1")
    assert not list(tmp_path.iterdir())
