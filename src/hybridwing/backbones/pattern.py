"""The `pattern` backbone: wings registered and described without weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridwing.backbones.base import BackboneSpec
from hybridwing.runtime import pattern
from hybridwing.runtime.preprocess import Preprocess
from hybridwing.runtime.specimen import WORKING_SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class PatternBackbone:
    """See `hybridwing.runtime.pattern`."""

    prepare_in_processes = True
    precision = "fp32"
    runtime = "numpy"
    batch_size = 64
    prepare = staticmethod(pattern.prepare)

    @property
    def spec(self) -> BackboneSpec:
        """What it is; the picture is cut by the descriptor itself, so nothing is resized beforehand."""
        return BackboneSpec(
            name="pattern",
            family="pattern",
            revision=f"v{pattern.VERSION}",
            weights_sha256="",
            feature="wings",
            dimension=pattern.DIMENSION,
            # It finds the wings itself, by its own version; that of the views does not count.
            preprocess=Preprocess(
                size=WORKING_SIDE, resize="none", interpolation="box", view="specimen", view_version=1
            ),
        )

    def forward(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Stack the descriptors: the work was done in `prepare`."""
        return np.stack(batch).astype(np.float32, copy=False)
