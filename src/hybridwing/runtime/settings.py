"""What a submission says of itself in ``submission.json``: its embedding, its weights and its detector."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import ServingError
from .preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Version of ``submission.json`` that this code writes and reads.
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Weights:
    """Where a submission's backbone has its weights from."""

    #: ``"none"``; ``"bundled"`` in the folder ``weights``; or from the ``"hub"`` when the submission is loaded.
    origin: str = "none"
    repository: str = ""  # On the Hugging Face hub, a full commit; empty unless `origin` is ``"hub"``
    revision: str = ""
    files: tuple[tuple[str, str], ...] = ()  # Names and SHA-256 of the files, with which fetched files are compared
    # Of bundled weights, where in the folder ``weights`` they lie; empty where they have it for themselves.
    folder: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return {**vars(self), "files": dict(self.files)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Weights:
        """Read what `to_dict` wrote; raises what reading damaged values raises."""
        return cls(
            str(values["origin"]),
            str(values["repository"]),
            str(values["revision"]),
            tuple(sorted((str(name), str(digest)) for name, digest in values["files"].items())),
            str(values["folder"]),
        )


@dataclass(frozen=True)
class Embedding:
    """What makes an embedding, or a part of one."""

    family: str  # ``"pattern"``; how the weights are stored, ``"transformers"`` or ``"open_clip"``; or ``"composite"``
    feature: str  # Output that is the embedding
    dimension: int  # Length of an embedding
    preprocess: Preprocess
    weights: Weights

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return {**vars(self), "preprocess": self.preprocess.to_dict(), "weights": self.weights.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Embedding:
        """Read what `to_dict` wrote; raises what reading damaged values raises."""
        return cls(
            family=str(values["family"]),
            feature=str(values["feature"]),
            dimension=int(values["dimension"]),
            preprocess=Preprocess.from_dict(values["preprocess"]),
            weights=Weights.from_dict(values["weights"]),
        )


@dataclass(frozen=True)
class Settings:
    """What ``submission.json`` holds."""

    embedding: Embedding  # Of a composite its length, and how large pictures are decoded
    detector: str  # The run's name for the detector
    package_version: str  # The hybridwing version that built the submission
    parts: tuple[Embedding, ...] = ()  # Of a composite, whose embeddings stand side by side; otherwise empty

    def to_json(self) -> str:
        """JSON text, keys sorted."""
        values = {
            "format_version": FORMAT_VERSION,
            "package_version": self.package_version,
            "detector": self.detector,
            **self.embedding.to_dict(),
            "parts": [part.to_dict() for part in self.parts],
        }
        return json.dumps(values, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Read what `to_json` wrote; ServingError if it is something else, or has another format version."""
        try:
            values = json.loads(text)
            version = values["format_version"]
            if type(version) is not int or version != FORMAT_VERSION:
                raise ValueError(f"'format_version' is {version!r} and not the {FORMAT_VERSION} that this reads")
            return cls(
                embedding=Embedding.from_dict(values),
                detector=str(values["detector"]),
                package_version=str(values["package_version"]),
                parts=tuple(Embedding.from_dict(part) for part in values["parts"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ServingError(f"not the settings of a submission: {type(error).__name__}: {error}") from error
