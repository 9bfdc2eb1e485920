"""Which files a run's backbone is loaded from, and how a submission comes by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.backbones.local import LocalBackbone
from hybridwing.embeddings.compute import Compute
from hybridwing.errors import SubmissionError
from hybridwing.runs.scoring import backbone_of
from hybridwing.runtime.digests import file_digest
from hybridwing.runtime.serving import Weights

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.runs.folder import Run

#: Families of backbones that :mod:`hybridwing.runtime.serving` can load.
FAMILIES = ("pattern", "transformers", "open_clip")


@dataclass(frozen=True)
class WeightPlan:
    """How a submission comes by its weights.

    Attributes
    ----------
    weights : Weights
        What its settings say.
    sources : tuple of Path
        Files to copy into the submission; empty unless they are bundled.
    """

    weights: Weights
    sources: tuple[Path, ...] = ()


def plan_weights(run: Run, *, bundle: bool = False, backbone: str | None = None, offline: bool = False) -> WeightPlan:
    """Find the weights of a run's backbone, and make sure that they are those it was trained with.

    Parameters
    ----------
    run : Run
    bundle : bool
        Put the weights into the submission. Those that did not come from the hub have to be, whatever this says.
    backbone : str, optional
        Where the backbone is now, if its folder was moved.
    offline : bool
        Take weights from the hub's cache alone.

    Raises
    ------
    HybridwingError
        If the weights are not where they were, are others, or are of a kind that no submission can load.
    """
    spec = run.manifest.backbone
    if spec.family not in FAMILIES:
        raise SubmissionError(
            f"a submission with the backbone {spec.name} ({spec.family}) cannot be built: the code it carries loads "
            f"{', '.join(FAMILIES)}"
        )
    loaded = backbone_of(run, name=backbone, compute=Compute("cpu", "fp32", offline=offline))
    if not isinstance(loaded, LocalBackbone):
        return WeightPlan(Weights())
    sources = loaded.files
    files = tuple((path.name, file_digest(path)) for path in sources)
    repository, _, commit = loaded.spec.source.partition("@")
    if bundle or not commit:
        return WeightPlan(Weights("bundled", files=files), sources)
    return WeightPlan(Weights("hub", repository, commit, files))
