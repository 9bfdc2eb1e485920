"""Which files a run's backbone is loaded from, and how a submission comes by them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybridwing.backbones.composite import CompositeBackbone
from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.backbones.local import LocalBackbone
from hybridwing.errors import SubmissionError
from hybridwing.runtime.digests import file_digest
from hybridwing.runtime.settings import Weights

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.backbones.base import BackboneSpec
    from hybridwing.runs.run import Run

#: Families of backbones that `hybridwing.runtime.serving` can load.
FAMILIES = ("pattern", "transformers", "open_clip")


@dataclass(frozen=True)
class WeightPlan:
    """How a submission comes by its weights."""

    # What its settings say, for the backbone or for each part of a composite; equal ones are the same files
    weights: tuple[Weights, ...]
    # Files to copy into the submission, and the path of each below its ``weights``; empty unless they are bundled
    sources: tuple[tuple[Path, str], ...] = ()

    @property
    def origins(self) -> frozenset[str]:
        """Where weights come from, see `hybridwing.runtime.settings.Weights`."""
        return frozenset(one.origin for one in self.weights)


def plan_weights(
    run: Run, *, bundle: bool = False, backbone: str | None = None, compute: Compute = DEFAULT
) -> WeightPlan:
    """Find the weights of a run's backbone, and make sure that they are those it was trained with.

    Those of several backbones lie in folders of their own, called 1, 2 and so on in the run's order; `pattern`, which
    has none, is not counted. Weights that are not from the hub are put into the submission whatever `bundle` says.
    `backbone` is the new place of the backbone if its folder was moved; of `compute` only `weights` and `offline` are
    used.

    Raises HybridwingError if the weights are not where they were, are others, or are of a kind that no submission can
    load.
    """
    spec = run.manifest.backbone
    for leaf in spec.leaves:
        if leaf.family not in FAMILIES:
            raise SubmissionError(
                f"a submission with the backbone {leaf.name} ({leaf.family}) cannot be built: the code it carries "
                f"loads {', '.join(FAMILIES)}"
            )
    loaded = run.load_backbone(backbone, Compute("cpu", "fp32", "torch", compute.weights, compute.offline))
    parts = loaded.parts if isinstance(loaded, CompositeBackbone) else (loaded,)
    folders = weight_folders(spec)
    known: dict[str, Weights] = {}
    sources: list[tuple[Path, str]] = []
    weights = []
    for part in parts:
        if not isinstance(part, LocalBackbone):
            weights.append(Weights())
            continue
        digest = part.spec.weights_sha256
        if digest not in known:
            files = tuple((path.name, file_digest(path)) for path in part.files)
            repository, _, commit = part.spec.source.partition("@")
            if bundle or not commit:
                folder = folders[digest]
                known[digest] = Weights("bundled", files=files, folder=folder)
                sources += [(path, f"{folder}/{path.name}".lstrip("/")) for path in part.files]
            else:
                known[digest] = Weights("hub", repository, commit, files)
        weights.append(known[digest])
    return WeightPlan(tuple(weights), tuple(sources))


def weight_folders(spec: BackboneSpec) -> dict[str, str]:
    """Folder of a backbone's weights in a submission's ``weights``, by their SHA-256; empty where there is only one."""
    digests = list(dict.fromkeys(part.weights_sha256 for part in spec.leaves if part.weights_sha256))
    return {digest: str(number) if len(digests) > 1 else "" for number, digest in enumerate(digests, start=1)}


def without_paths(spec: BackboneSpec) -> BackboneSpec:
    """Name the folders of this machine in a description as in a submission: ``local:weights``, or below it."""
    folders = weight_folders(spec)

    def named(one: BackboneSpec) -> str:
        if not one.name.startswith("local:"):
            return one.name
        return f"local:weights/{folders.get(one.weights_sha256, '')}".rstrip("/")

    parts = tuple(replace(part, name=named(part)) for part in spec.parts)
    name = ",".join(dict.fromkeys(part.name for part in parts)) if parts else named(spec)
    return replace(spec, name=name, parts=parts)
