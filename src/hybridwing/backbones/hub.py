"""Weights from the Hugging Face hub, by way of its cache: safetensors and their configuration, nothing else.

What is in the cache at a pinned commit is used without asking the network. Offline nothing is ever asked; what is
missing is named, with the command that fetches it.
"""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from hybridwing.backbones.convert import find_pickle, not_convertible
from hybridwing.backbones.settings import PREPROCESSORS
from hybridwing.errors import BackboneError, MissingExtraError
from hybridwing.runtime.errors import EncoderError
from hybridwing.runtime.loading import first_line, shards_of
from hybridwing.runtime.open_clip import CONFIG as OPEN_CLIP_CONFIG
from hybridwing.runtime.open_clip import WEIGHTS as OPEN_CLIP_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Collection

_COMMIT = re.compile(r"[0-9a-f]{40}")
_INDEX = "model.safetensors.index.json"
#: Configuration and, in order of preference, weights, by layout.
_FILES = {
    "transformers": ("config.json", ("model.safetensors", _INDEX)),
    "open_clip": (OPEN_CLIP_CONFIG, OPEN_CLIP_WEIGHTS),
    "timm": ("config.json", ("model.safetensors",)),
}
#: Seconds the hub may take to list a repository.
_PATIENCE = 30.0


@dataclass(frozen=True)
class Fetched:
    """Files of a repository on this machine."""

    folder: Path  # Holds them, in the hub's cache
    layout: str  # One of "transformers", "open_clip", "timm": how the model is stored
    source: str  # ``"REPO@COMMIT"``, the commit that was fetched


@dataclass(frozen=True)
class _Place:
    """A model in a repository of the hub."""

    repository: str
    revision: str | None
    layout: str | None

    def __str__(self) -> str:
        return self.repository + (f" at {self.revision}" if self.revision else "")

    @property
    def layouts(self) -> tuple[str, ...]:
        return (self.layout,) if self.layout else ("transformers", "open_clip")


def fetch(
    repository: str,
    revision: str | None = None,
    layout: str | None = None,
    *,
    offline: bool = False,
    pickle: tuple[str, str] | None = None,
) -> Fetched:
    """Find the files of a model in the hub's cache, or fetch them.

    The hub is at ``HF_ENDPOINT`` and its cache at ``HF_HUB_CACHE``, as huggingface_hub reads them. Raises BackboneError
    if the repository or a file is missing, gated, a pickle, or cannot be reached, and MissingExtraError if
    huggingface_hub is not installed.

    `revision` is a commit, branch or tag, by default the newest. `layout` is a key of ``_FILES``; where it is not given
    and the repository holds two models, Hugging Face's is taken. With `offline`, or ``HF_HUB_OFFLINE=1``, the network
    is never touched. `pickle` is a commit at which the weights are known to be a pickle alone, with its name: offline
    the commands that convert it are told then, since there may be no safetensors to fetch.
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingExtraError("huggingface_hub", "torch", f"fetching {repository}")
    place = _Place(repository, revision, layout)
    offline = offline or _offline_by_environment()
    try:
        if offline or _COMMIT.fullmatch(revision or ""):
            found, missing = _in_cache(place)
            if found is not None:
                return found
            if offline:
                raise BackboneError(_missing(place, missing, pickle))
        return _downloaded(place)
    except BackboneError:
        raise
    except EncoderError as error:
        raise BackboneError(f"{place}: {error}") from error
    except Exception as error:  # of the hub's library, and of the network library below it, which changes by release
        _explain(place, error)


def _offline_by_environment() -> bool:
    from huggingface_hub import constants

    # The library reads the variable once, when it is imported; whoever sets it later means it too.
    said = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    return said or bool(constants.HF_HUB_OFFLINE)


def _in_cache(place: _Place) -> tuple[Fetched | None, str]:
    """What the cache holds of a model; or None, and the name of the first file that is missing."""
    first_missing = ""
    for layout in place.layouts:
        name = _FILES[layout][0]
        config = _cached_file(place, name)
        missing = name if config is None else _first_missing(place, layout)
        if config is not None and not missing:
            return Fetched(config.parent, layout, f"{place.repository}@{config.parent.name}"), ""
        # Where a layout is partly there, what is missing of it is named, and not of one that is not there at all.
        first_missing = missing if config is not None or not first_missing else first_missing
    return None, first_missing


def _cached(place: _Place, name: str) -> Any:
    """Path of a file in the cache; something else where it is not there."""
    from huggingface_hub import try_to_load_from_cache

    return try_to_load_from_cache(place.repository, name, revision=place.revision)


def _cached_file(place: _Place, name: str) -> Path | None:
    path = _cached(place, name)
    return Path(path) if isinstance(path, str) and Path(path).is_file() else None


def _first_missing(place: _Place, layout: str) -> str:
    """First file that the cache lacks of a model whose configuration it holds; empty where it lacks none."""
    # Without a preprocessing the cache must know that there is none: it is not guessed for want of a file.
    if layout == "transformers" and not any(_cached_file(place, name) for name in PREPROCESSORS):
        unknown = [name for name in PREPROCESSORS if _cached(place, name) is None]
        if unknown:
            return unknown[0]
    weights = _FILES[layout][1]
    chosen = next((path for name in weights if (path := _cached_file(place, name))), None)
    if chosen is None:
        return weights[0]
    shards = shards_of(chosen) if chosen.name == _INDEX else ()
    return next((name for name in shards if not _cached_file(place, name)), "")


def _missing(place: _Place, name: str, pickle: tuple[str, str] | None) -> str:
    """The message on a file that is missing offline, with the command that fetches it on another machine."""
    from huggingface_hub import constants

    said = (
        f"{place}: {name} is not in the hub's cache ({constants.HF_HUB_CACHE}), and offline nothing is fetched; where "
        "there is a network, "
    )
    if pickle is not None:
        commit, file = pickle
        return (
            f"{said}and where you trust its source, convert its pickle, {file}, once with: "
            f"{_conversion(replace(place, revision=commit), file)}"
        )
    config, weights = _FILES[
        place.layout or ("open_clip" if name in (OPEN_CLIP_CONFIG, *OPEN_CLIP_WEIGHTS) else "transformers")
    ]
    names = [config, weights[0]] if config == OPEN_CLIP_CONFIG else []
    wanted = " ".join(names) or "--include '*.json' --include '*.safetensors'"
    command = f"hf download {place.repository} {wanted}" + (f" --revision {place.revision}" if place.revision else "")
    return f"{said}fetch it with: {command}"


def _downloaded(place: _Place) -> Fetched:
    """Fetch what the cache lacks of a model."""
    from huggingface_hub import HfApi

    info = HfApi().model_info(place.repository, revision=place.revision, timeout=_PATIENCE)
    names, commit = {file.rfilename for file in info.siblings or ()}, str(info.sha)
    layout, weights = _choose(place, names)
    config = _FILES[layout][0]
    # By its own name first, so that the cache remembers which commit a branch stood at.
    path = _get(place, config, place.revision)
    if path.parent.name != commit:
        path = _get(place, config, commit)
    if layout == "transformers":
        for name in PREPROCESSORS:
            _get_if_there(place, name, commit)
    file = _get(place, weights, commit)
    for name in shards_of(file) if weights == _INDEX else ():
        _get(place, name, commit)
    return Fetched(path.parent, layout, f"{place.repository}@{commit}")


def _choose(place: _Place, names: Collection[str]) -> tuple[str, str]:
    """Layout and weights to take from a repository; or say why there are none."""
    for layout in place.layouts:
        config, weights = _FILES[layout]
        chosen = next((name for name in weights if name in names), None)
        if config in names and chosen is not None:
            return layout, chosen
    found = find_pickle(names)
    if found is not None:
        pickle, converts = found
        if place.layout == "timm":
            raise BackboneError(
                f"{place} holds its weights as a pickle alone, {pickle}, which could run code when loaded and is "
                "refused; take another model of timm"
            )
        if converts:
            raise BackboneError(
                f"{place.repository} holds its weights as a pickle alone, {pickle}, which could run code when loaded "
                f"and is refused; where you trust its source, convert it once with: {_conversion(place, pickle)}"
            )
        raise BackboneError(f"{place} holds no safetensors; {not_convertible(pickle)}")
    wanted = " or ".join(f"{_FILES[layout][0]} with {_FILES[layout][1][0]}" for layout in place.layouts)
    raise BackboneError(f"{place} holds no model that can be loaded; looked for {wanted}")


def _conversion(place: _Place, pickle: str) -> str:
    """Commands that make a folder of safetensors out of a repository's pickle."""
    config = OPEN_CLIP_CONFIG if pickle.startswith("open_clip") else "config.json preprocessor_config.json"
    folder = place.repository.rpartition("/")[2]
    at = f" --revision {place.revision}" if place.revision else ""
    return (
        f"hf download {place.repository} {config} {pickle}{at} --local-dir {folder} && "
        f"python -m hybridwing.backbones.convert {folder}; then use local:{folder}"
    )


def _get(place: _Place, name: str, revision: str | None) -> Path:
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(place.repository, name, revision=revision))


def _get_if_there(place: _Place, name: str, revision: str) -> None:
    """Fetch a file that a repository may lack; the cache remembers where it does."""
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        _get(place, name, revision)
    except LocalEntryNotFoundError:  # the network failed; whether the file exists is not known
        raise
    except EntryNotFoundError:
        pass


def _explain(place: _Place, error: Exception) -> NoReturn:
    """Raise an error that says what the user can do."""
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        reason = (
            f"{place.repository} is gated: accept its licence at https://huggingface.co/{place.repository} with an "
            "account of your own, then log in with: hf auth login"
        )
    elif isinstance(error, errors.RepositoryNotFoundError):
        reason = (
            f"the hub has no repository {place.repository} that is open to you; check the name, or log in with: "
            "hf auth login"
        )
    elif isinstance(error, errors.RevisionNotFoundError):
        reason = f"{place.repository} has no revision {place.revision}; give a commit, a branch or a tag"
    elif isinstance(error, errors.HFValidationError):
        reason = f"{place.repository!r} is no name of a repository; write OWNER/NAME"
    else:
        reason = (
            f"{place} could not be fetched: {first_line(error)} (what is in the hub's cache can be used without the "
            "network: --offline, or HF_HUB_OFFLINE=1)"
        )
    raise BackboneError(reason) from error
