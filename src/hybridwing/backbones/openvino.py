"""Run an encoder's forward pass with OpenVINO: on many processors several times as fast as torch, to the same digits.

The model is the one that torch loaded, handed over in memory; nothing is written. `benchmarks/embedding.py` shows what
it gains on a machine at hand: much where torch's matrix products do not use all of the vector unit.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridwing.errors import BackboneError, MissingExtraError
from hybridwing.runtime.loading import first_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hybridwing.runtime.encoder import Encoder

#: Smallest cosine, over random pictures, between its embeddings and torch's; anything less is not the same model.
LEAST_COSINE = {"fp32": 0.9999, "bf16": 0.999}
#: Networks smaller than this are not worth the seconds that their translation takes, unless it is asked for.
_WORTH_IT = 10_000_000


def is_worth_it(encoder: Encoder) -> bool:
    """Whether OpenVINO is there, can run an encoder and gains more time than it takes to translate it."""
    there = importlib.util.find_spec("openvino") is not None
    return there and encoder.device == "cpu" and encoder.parameters >= _WORTH_IT


class OpenVinoEncoder:
    """An encoder whose forward pass runs in OpenVINO, on the processor.

    The encoder is on the processor, in fp32 or bf16; the backbone's name is for errors. Raises MissingExtraError if
    OpenVINO is not installed, and BackboneError if the model cannot be translated, or its embeddings are not those of
    torch.
    """

    runtime = "openvino"

    def __init__(self, encoder: Encoder, name: str) -> None:
        if importlib.util.find_spec("openvino") is None:
            raise MissingExtraError("openvino", "openvino", "--runtime openvino")
        if encoder.device != "cpu":
            raise BackboneError(f"--runtime openvino is for processors, not for the device {encoder.device!r}")
        self.precision, self.batch_size = encoder.precision, encoder.batch_size
        self.architecture, self.feature, self.dimension = encoder.architecture, encoder.feature, encoder.dimension
        self._side = encoder.side
        try:
            self._compiled = self._translated(encoder)
            probes = np.random.default_rng(0).standard_normal((2, 3, self._side, self._side)).astype(np.float32)
            mine, torchs = self.forward(list(probes)), encoder.forward(list(probes))
        except Exception as error:  # each of its front ends raises its own kinds
            raise BackboneError(f"OpenVINO cannot run {self.architecture} ({name}): {first_line(error)}") from error
        lengths = np.linalg.norm(mine, axis=1) * np.linalg.norm(torchs, axis=1)
        cosine = float((np.sum(mine * torchs, axis=1) / np.maximum(lengths, 1e-30)).min())
        if not cosine >= LEAST_COSINE[self.precision]:
            raise BackboneError(f"OpenVINO's embeddings by {name} are not those of torch (cosine {cosine:.6f})")

    def _translated(self, encoder: Encoder) -> Any:
        import torch

        openvino = _imported()
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a trace takes for constant is constant: the side of the pictures
            example = torch.zeros(1, 3, self._side, self._side)
            model = openvino.convert_model(encoder.module(), example_input=example)
        # For batches of any size: compiled for one size alone it is no faster.
        model.reshape([-1, 3, self._side, self._side])
        settings = {
            "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[self.precision],
            "PERFORMANCE_HINT": "LATENCY",
        }
        return openvino.Core().compile_model(model, "CPU", settings)

    def forward(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embed prepared inputs; see `hybridwing.runtime.encoder.Encoder.forward`.

        Raises MemoryError if the memory does not hold a batch of this size; a smaller one may do.
        """
        try:
            return np.array(self._compiled(np.stack(batch))[0], dtype=np.float32)
        except RuntimeError as error:
            if "alloc" in str(error).lower() or "memory" in str(error).lower():
                raise MemoryError(f"a batch of {len(batch)} does not fit the memory: {error}") from error
            raise


def _imported() -> Any:
    """Import OpenVINO without the package that reports its use, in whose place OpenVINO has a silent stub."""
    if "openvino" not in sys.modules:
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # as the import system documents
    import openvino

    return openvino
