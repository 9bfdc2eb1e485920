"""Which files a run's backbone is loaded from, and how a submission comes by them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.errors import SubmissionError
from hybridwing.runs.scoring import backbone_of
from hybridwing.runtime.serving import Weights, file_digest

if TYPE_CHECKING:
    from hybridwing.runs.folder import Run


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


def plan_weights(run: Run, *, backbone: str | None = None) -> WeightPlan:
    """Find the weights of a run's backbone, and make sure that they are those it was trained with.

    Parameters
    ----------
    run : Run
    backbone : str, optional
        Where the backbone is now, if its folder was moved.

    Raises
    ------
    HybridwingError
        If the weights are not where they were, or are others.
    """
    spec = run.manifest.backbone
    if spec.family == "pattern":
        backbone_of(run, name=backbone)  # refuses a run of another version of the descriptor
        return WeightPlan(Weights())
    name = backbone or spec.name
    kind, _, place = name.partition(":")
    if spec.family != "transformers" or kind != "local":
        raise SubmissionError(f"a submission with the backbone {name} ({spec.family}) cannot be built")
    backbone_of(run, name=backbone, device="cpu")
    folder = Path(place).expanduser()
    sources = [folder / "config.json", *folder.glob("*.safetensors"), *folder.glob("*.safetensors.index.json")]
    sources.sort(key=lambda path: path.name)
    files = tuple((path.name, file_digest(path)) for path in sources)
    return WeightPlan(Weights("bundled", files=files), tuple(sources))
