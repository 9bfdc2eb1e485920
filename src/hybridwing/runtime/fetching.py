"""Fetch a commit's files from the Hugging Face hub; carried only by submissions whose weights are not bundled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .digests import file_digest
from .errors import ServingError

if TYPE_CHECKING:
    from collections.abc import Sequence


def fetch(repository: str, revision: str, files: Sequence[tuple[str, str]]) -> Path:
    """Fetch files, compare them with their SHA-256, and return the folder that holds them.

    The revision is a full commit. Raises ServingError if a file cannot be fetched, or is not the one that the
    submission was built with.
    """
    # Not on the challenge's whitelist, and always there: transformers cannot be installed without it.
    from huggingface_hub import snapshot_download

    names = [name for name, _ in files]
    try:
        place = Path(snapshot_download(repository, revision=revision, allow_patterns=names))
    except Exception as error:  # the hub's client raises dozens of kinds
        raise ServingError(
            f"{repository} at {revision} could not be fetched ({type(error).__name__}: {error}); "
            "where there is no network, build the submission with --bundle-weights"
        ) from error
    for name, digest in files:
        if not (place / name).is_file() or file_digest(place / name) != digest:
            raise ServingError(f"{repository}: {name} is not the file that the submission was built with")
    return place
