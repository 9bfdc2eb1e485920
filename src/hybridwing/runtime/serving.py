"""Score one picture at a time, from the files of a submission, exactly as the run it was built from does."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .arrays import load_arrays
from .composite import PartInput, prepare_parts
from .decode import FORMATS, draft, to_rgb
from .errors import ServingError
from .scoring import calibrated_scores, fallback_score
from .settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

    from .encoder import Encoder
    from .settings import Embedding, Weights

#: Files of a submission.
SETTINGS, DETECTOR, WEIGHTS = "submission.json", "detector.npz", "weights"


class Scorer:
    """A saved detector with its backbone, for one picture at a time.

    The submission's folder holds ``submission.json``, ``detector.npz`` and, where they are bundled, ``weights``. The
    device is ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``; of no effect without weights. Raises ServingError if the
    files do not belong together, and FormatError if the detector cannot be read.
    """

    def __init__(self, folder: Path, device: str = "auto") -> None:
        try:
            settings = Settings.from_json((folder / SETTINGS).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ServingError) as error:
            raise ServingError(f"{folder / SETTINGS}: {error}") from error
        self._detector = load_arrays(folder / DETECTOR)
        if self._detector.header.n_features != settings.embedding.dimension:
            raise ServingError(
                f"{folder}: the detector takes {self._detector.header.n_features} values and the backbone gives "
                f"{settings.embedding.dimension}: the files are of different submissions"
            )
        self._short_side = settings.embedding.preprocess.short_side
        self._fallback = float(np.round(fallback_score(self._detector), 4))
        self._embed, self.device = _embedder(settings, folder, device)

    def score(self, image: Image.Image) -> float:
        """Hybrid score of one picture, opened lazily, as ``Image.open`` returns it, or decoded.

        In (0, 1), higher = more likely hybrid; four decimals, never NaN. A picture that cannot be decoded or embedded
        gets the score of a typical specimen, and a line on standard error says why.
        """
        try:
            if image.format not in (*FORMATS, "MPO", None):
                raise ServingError(f"{image.format} is none of {', '.join(FORMATS)}")
            draft(image, self._short_side)
            vector = self._embed(to_rgb(image))
        except Exception as error:  # one odd picture must not end a run over thousands
            self._say(image, f"{type(error).__name__}: {error}")
            return self._fallback
        if not np.isfinite(vector).all():
            self._say(image, "the backbone returned NaN or infinity")
            return self._fallback
        return float(np.round(calibrated_scores(self._detector, vector[None])[0], 4))

    def _say(self, image: Image.Image, reason: str) -> None:
        name = getattr(image, "filename", "") or "a picture"
        line = f"{name}: scored {self._fallback} as a typical specimen, since it could not be used: {reason}"
        sys.stderr.write("".join(c if c.isprintable() else " " for c in line) + "\n")


def _embedder(
    settings: Settings, folder: Path, device: str
) -> tuple[Callable[[Image.Image], NDArray[np.float32]], str]:
    """The function from an upright RGB picture to its embedding, and the device it runs on.

    A network that several parts of a composite use is loaded once.
    """
    whole = settings.embedding
    parts = settings.parts if whole.family == "composite" else (whole,)
    if sum(part.dimension for part in parts) != whole.dimension:
        raise ServingError(f"the {len(parts)} parts do not add up to {whole.dimension} values")
    loaded: dict[Embedding, Encoder] = {}
    encoders: list[Encoder | None] = []
    for part in parts:
        # In nothing that matters to the network do two views of it differ.
        network = replace(part, preprocess=replace(part.preprocess, view="whole"))
        if part.family != "pattern" and network not in loaded:
            loaded[network] = _encoder(part, folder, device)
        encoders.append(loaded.get(network))
    inputs = tuple(PartInput(part.family, part.preprocess) for part in parts)

    def embed(image: Image.Image) -> NDArray[np.float32]:
        vectors = [one.value for one in prepare_parts(image, inputs)]
        for encoder in loaded.values():
            places = [place for place, used in enumerate(encoders) if used is encoder]
            # In one forward pass, which costs less than one for each view.
            embedded = encoder.forward([vectors[place] for place in places])
            for place, vector in zip(places, embedded, strict=True):
                vectors[place] = vector
        return np.concatenate(vectors)

    return embed, next((encoder.device for encoder in loaded.values()), "cpu")


def _encoder(part: Embedding, folder: Path, device: str) -> Encoder:
    """The network of an embedding, loaded from its weights."""
    from .encoder import Encoder

    # In full precision wherever it runs: half of it moves scores in the fourth decimal, and there is no hurry.
    encoder = Encoder(
        weights_folder(part.weights, folder),
        device,
        part.preprocess.size,
        feature=part.feature,
        precision="fp32",
        layout=part.family,
    )
    if (encoder.feature, encoder.dimension) != (part.feature, part.dimension):
        raise ServingError(
            f"the model gives {encoder.dimension} values ({encoder.feature}) and not {part.dimension} "
            f"({part.feature}): the weights are another model's"
        )
    return encoder


def weights_folder(weights: Weights, folder: Path) -> Path:
    """Folder of the backbone's weights: that of the submission, or one that the hub's files were fetched into.

    Raises ServingError if a file is missing, cannot be fetched, or is not the one that the submission was built with.
    """
    if weights.folder and not weights.folder.isalnum():
        raise ServingError(f"{weights.folder!r} is no folder of the submission's weights")
    if weights.origin == "hub":
        from .fetching import fetch

        return fetch(weights.repository, weights.revision, weights.files)
    if weights.origin != "bundled":
        raise ServingError(f"weights of origin {weights.origin!r} are not known")
    place = folder / WEIGHTS / weights.folder
    absent = [name for name, _ in weights.files if not (place / name).is_file()]
    if absent:
        raise ServingError(f"{place} lacks {absent[0]}; build the submission again")
    return place
