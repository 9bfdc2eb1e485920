"""Where and how embeddings are computed, as one value: a sound picture has the same embedding to its last digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.errors import BackboneError
from hybridwing.images.decode import MAX_MEGAPIXELS, ReadOptions

if TYPE_CHECKING:
    from pathlib import Path

#: Programs that can run a forward pass.
RUNTIMES = ("auto", "torch", "openvino")


@dataclass(frozen=True)
class Compute:
    """Where and how to compute.

    Attributes
    ----------
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``; of no effect on `pattern`.
    precision : {"auto", "fp32", "bf16", "fp16"}
        Number format of the forward pass; see `hybridwing.runtime.device`. Of no effect on `pattern`.
    runtime : {"auto", "torch", "openvino"}
        Program that runs the forward pass. OpenVINO is for processors, not for ``timm:``. By default it is taken where
        it is installed and gives torch's embeddings, for all but small networks; otherwise torch. Of no effect on
        `pattern`.
    weights : Path or str or None
        Folder that holds weights by backbone, such as ``dinov2-small/``, or that is one of them: a backbone of the list
        is looked for there before the hub is asked. Default the folder that the environment variable
        ``HYBRIDWING_WEIGHTS`` names.
    offline : bool
        Never touch the network: take what the hub's cache holds, or say what is missing. Setting ``HF_HUB_OFFLINE=1``
        does the same.
    cache : Path or str or None
        Folder in which embeddings are looked up before they are computed, and kept afterwards. None: no cache.
    batch_size : int or None
        Images a forward pass; default what suits the backbone. It is halved when memory runs out.
    workers : int or None
        Threads or processes that decode; default the number of processors.
    allow_damaged : bool
        Read what is left of a damaged picture.
    max_megapixels : float
        Refuse pictures with more pixels than so many millions.

    Raises
    ------
    BackboneError
        For an unknown runtime, or a number below 1.

    Examples
    --------
    >>> Compute(device="cpu", workers=2).precision
    'auto'
    """

    device: str = "auto"
    precision: str = "auto"
    runtime: str = "auto"
    weights: Path | str | None = None
    offline: bool = False
    cache: Path | str | None = None
    batch_size: int | None = None
    workers: int | None = None
    allow_damaged: bool = False
    max_megapixels: float = MAX_MEGAPIXELS

    @property
    def reading(self) -> ReadOptions:
        """Which pictures are read, and which are failures."""
        return ReadOptions(self.allow_damaged, self.max_megapixels)

    def __post_init__(self) -> None:
        """Refuse what cannot be computed with."""
        if self.runtime not in RUNTIMES:
            raise BackboneError(f"runtime must be one of {', '.join(RUNTIMES)}; got {self.runtime!r}")
        for name, number in (("batch_size", self.batch_size), ("workers", self.workers)):
            if number is not None and number < 1:
                raise BackboneError(f"{name} must be at least 1; got {number}")


#: With what the machine has, without a cache.
DEFAULT = Compute()
