"""Files in repositories of the Hugging Face hub. Who asks is its client's business: no token passes here."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neuroglot.errors import NeuroglotError


def push(content: bytes, repo_id: str, filename: str, private: bool | None) -> str:
    """Puts a file into a repository, which is made if it is not there; the address of the commit.

    Raises:
        NeuroglotError: No network, no permission, or no such name.
    """
    from huggingface_hub import create_repo, upload_file

    with _told(f"the hub did not take {filename!r} into {repo_id!r}"):
        create_repo(repo_id, private=private, exist_ok=True)
        return str(upload_file(path_or_fileobj=content, path_in_repo=filename, repo_id=repo_id))


def fetch(repo_id: str, filename: str, revision: str | None) -> Path:
    """A file of a repository, or of a local folder of that name.

    Raises:
        NeuroglotError: No such file, no network, or no permission.
    """
    if Path(repo_id).is_dir():
        return Path(repo_id) / filename
    from huggingface_hub import hf_hub_download

    with _told(f"there is no folder {repo_id!r}, and the hub did not give {filename!r} of it"):
        return Path(hf_hub_download(repo_id, filename, revision=revision))


@contextmanager
def _told(what: str) -> Iterator[None]:
    # The client lets the errors of its transport through, another package in every other version.
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    try:
        yield
    except (OSError, ValueError, HTTPError) as error:  # a ValueError: no name that a repository can have
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise NeuroglotError(f"{what}: {first}") from error
