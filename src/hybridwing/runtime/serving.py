"""Score one picture at a time, from the files of a submission, exactly as the run it was built from does."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .arrays import SavedDetector, load_arrays
from .decode import FORMATS, draft, to_rgb
from .digests import ServingError
from .preprocess import Preprocess, prepare
from .scoring import calibrated_scores, fallback_score

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

#: Version of ``submission.json`` that this code writes and reads.
FORMAT_VERSION = 1
#: Files of a submission.
SETTINGS, DETECTOR, WEIGHTS = "submission.json", "detector.npz", "weights"


@dataclass(frozen=True)
class Weights:
    """Where a submission's backbone has its weights from.

    Attributes
    ----------
    origin : {"none", "bundled", "hub"}
        No weights; in the folder ``weights`` of the submission; or fetched when the submission is loaded.
    repository, revision : str
        On the Hugging Face hub, a full commit; empty unless `origin` is ``"hub"``.
    files : tuple of (str, str)
        Names and SHA-256 of the files; what is fetched is held against them.
    """

    origin: str = "none"
    repository: str = ""
    revision: str = ""
    files: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Settings:
    """What ``submission.json`` holds.

    Attributes
    ----------
    family : str
        ``"pattern"``; or how the weights are stored, ``"transformers"`` or ``"open_clip"``.
    feature : str
        Output that is the embedding.
    dimension : int
        Length of an embedding.
    preprocess : Preprocess
    weights : Weights
    detector : str
        The run's name for the detector.
    package_version : str
        The hybridwing version that built the submission.
    """

    family: str
    feature: str
    dimension: int
    preprocess: Preprocess
    weights: Weights
    detector: str
    package_version: str

    def to_json(self) -> str:
        """JSON text, keys sorted."""
        values = {
            "format_version": FORMAT_VERSION,
            "package_version": self.package_version,
            "detector": self.detector,
            "family": self.family,
            "feature": self.feature,
            "dimension": self.dimension,
            "preprocess": self.preprocess.to_dict(),
            "weights": {**vars(self.weights), "files": dict(self.weights.files)},
        }
        return json.dumps(values, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ServingError
            If it is something else, or of a newer version.
        """
        try:
            values = json.loads(text)
            if values["format_version"] != FORMAT_VERSION:
                raise ServingError(f"format {values['format_version']!r} is not the {FORMAT_VERSION} that this reads")
            weights = values["weights"]
            return cls(
                family=str(values["family"]),
                feature=str(values["feature"]),
                dimension=int(values["dimension"]),
                preprocess=Preprocess.from_dict(values["preprocess"]),
                weights=Weights(
                    str(weights["origin"]),
                    str(weights["repository"]),
                    str(weights["revision"]),
                    tuple(sorted((str(name), str(digest)) for name, digest in weights["files"].items())),
                ),
                detector=str(values["detector"]),
                package_version=str(values["package_version"]),
            )
        except ServingError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ServingError(f"not the settings of a submission: {type(error).__name__}: {error}") from error


class Scorer:
    """A saved detector with its backbone, for one picture at a time.

    Parameters
    ----------
    folder : Path
        Of the submission: holds ``submission.json``, ``detector.npz`` and, where they are bundled, ``weights``.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``; of no effect without weights.

    Attributes
    ----------
    device : str
        Where it computes.

    Raises
    ------
    ServingError
        If the files do not belong together.
    FormatError
        If the detector cannot be read.
    """

    def __init__(self, folder: Path, device: str = "auto") -> None:
        try:
            settings = Settings.from_json((folder / SETTINGS).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ServingError) as error:
            raise ServingError(f"{folder / SETTINGS}: {error}") from error
        self._detector: SavedDetector = load_arrays(folder / DETECTOR)
        if self._detector.header.n_features != settings.dimension:
            raise ServingError(
                f"{folder}: the detector takes {self._detector.header.n_features} values and the backbone gives "
                f"{settings.dimension}: the files are of different submissions"
            )
        self._prep = settings.preprocess
        self._fallback = float(np.round(fallback_score(self._detector), 4))
        self._embed, self.device = _embedder(settings, folder, device)

    def score(self, image: Image.Image) -> float:
        """Hybrid score of one picture.

        Parameters
        ----------
        image : PIL.Image.Image
            Opened lazily, as ``Image.open`` returns it, or decoded.

        Returns
        -------
        float in (0, 1)
            Higher = more likely hybrid; four decimals, never NaN. A picture that cannot be decoded or embedded gets the
            score of a typical specimen, and a line on standard error says why.
        """
        try:
            vector = self._embed(self._rgb(image))
        except Exception as error:  # one odd picture must not end a run over thousands
            self._say(image, f"{type(error).__name__}: {error}")
            return self._fallback
        if not np.isfinite(vector).all():
            self._say(image, "the backbone returned NaN or infinity")
            return self._fallback
        return float(np.round(calibrated_scores(self._detector, vector[None])[0], 4))

    def _rgb(self, image: Image.Image) -> Image.Image:
        form = getattr(image, "format", None)
        if form is not None and form not in (*FORMATS, "MPO"):
            raise ServingError(f"{form} is none of {', '.join(FORMATS)}")
        draft(image, self._prep.short_side)
        return to_rgb(image)

    def _say(self, image: Image.Image, reason: str) -> None:
        name = getattr(image, "filename", "") or "a picture"
        line = f"{name}: scored {self._fallback} as a typical specimen, since it could not be used: {reason}"
        sys.stderr.write("".join(c if c.isprintable() else " " for c in line) + "\n")


def _embedder(
    settings: Settings, folder: Path, device: str
) -> tuple[Callable[[Image.Image], NDArray[np.float32]], str]:
    """The function from an upright RGB picture to its embedding, and the device it runs on."""
    if settings.family == "pattern":
        from .pattern import describe

        return describe, "cpu"
    from .encoder import Encoder

    # In full precision wherever it runs: half of it moves scores in the fourth decimal, and there is no hurry.
    encoder = Encoder(
        weights_folder(settings.weights, folder),
        device,
        settings.preprocess.size,
        feature=settings.feature,
        precision="fp32",
        layout=settings.family,
    )
    if (encoder.feature, encoder.dimension) != (settings.feature, settings.dimension):
        raise ServingError(
            f"the model gives {encoder.dimension} values ({encoder.feature}) and not {settings.dimension} "
            f"({settings.feature}): the weights are another model's"
        )
    prep = settings.preprocess

    def embed(image: Image.Image) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = encoder.forward([prepare(image, prep).value])[0]
        return vector

    return embed, encoder.device


def weights_folder(weights: Weights, folder: Path) -> Path:
    """Folder of the backbone's weights: that of the submission, or one that the hub's files were fetched into.

    Raises
    ------
    ServingError
        If a file is missing, cannot be fetched, or is not the one that the submission was built with.
    """
    if weights.origin == "bundled":
        place = folder / WEIGHTS
    elif weights.origin == "hub":
        from .fetching import fetch

        place = fetch(weights.repository, weights.revision, weights.files)
    else:
        raise ServingError(f"weights of origin {weights.origin!r} are not known")
    absent = [name for name, _ in weights.files if not (place / name).is_file()]
    if absent:
        raise ServingError(f"{place} lacks {absent[0]}; build the submission again")
    return place
