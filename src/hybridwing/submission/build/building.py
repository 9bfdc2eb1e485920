"""Build a challenge submission from a run.

::

    OUT/
      model.py             class Model with load and predict
      requirements.txt     pinned, whitelisted, in the form that the challenge's parser takes
      metadata             without it Codabench copies the whole submission into the predictions
      submission.json      backbone, preprocessing and where the weights come from
      detector.npz         the detector's arrays
      hybridwing_runtime/  the library's own code for decoding, preparing, embedding and scoring
      weights/             where they are bundled; those of several backbones in folders 1, 2 and so on
"""

from __future__ import annotations

import ast
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import hybridwing.runtime
from hybridwing import __version__
from hybridwing.backbones.compute import DEFAULT, Compute
from hybridwing.errors import SubmissionError
from hybridwing.files import write_text, written_whole
from hybridwing.folders import check_new_folder, new_folder
from hybridwing.runtime.digests import file_digest
from hybridwing.runtime.serving import DETECTOR, SETTINGS, WEIGHTS
from hybridwing.runtime.settings import Embedding, Settings, Weights
from hybridwing.submission.build.pins import requirements_of
from hybridwing.submission.build.weights import WeightPlan, plan_weights

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from hybridwing.backbones.base import BackboneSpec
    from hybridwing.runs.run import Run

_RUNTIME = Path(hybridwing.runtime.__file__).parent

MODEL, REQUIREMENTS, METADATA, RUNTIME = "model.py", "requirements.txt", "metadata", "hybridwing_runtime"
#: All that a submission's folder holds.
CONTENTS = (MODEL, REQUIREMENTS, METADATA, SETTINGS, DETECTOR, RUNTIME, WEIGHTS)

#: The oldest stamp that a zip holds: when a file was written must not change the bytes.
_STAMP = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class BuiltSubmission:
    """A submission that was built: its folder, the zip to upload and its SHA-256, if it was asked for.

    The size is in bytes; the requirements are the lines of ``requirements.txt``.
    """

    folder: Path
    archive: Path | None
    detector: str
    requirements: tuple[str, ...]
    files: int
    size: int
    archive_sha256: str


def build_submission(
    run: Run,
    out: Path,
    *,
    detector: str | None = None,
    archive: bool = False,
    bundle_weights: bool = False,
    backbone: str | None = None,
    compute: Compute = DEFAULT,
    pins: Sequence[str] = (),
    overwrite: bool = False,
) -> BuiltSubmission:
    """Write a run's detector, by default its best, as a submission to the challenge.

    The zip stands beside it as ``OUT.zip``. Weights from a folder are always put in. Weights from the hub are put in
    with `bundle_weights`, and are otherwise fetched, at the same commit, when the submission is loaded. `backbone` is
    the new place of the run's backbone if its folder was moved. Of `compute` only `weights` and `offline` are used.
    `pins` are lines ``NAME==VERSION`` instead of `hybridwing.submission.build.pins.PINS`. The same run, detector
    and version of hybridwing give the same bytes.

    Raises HybridwingError, and writes nothing, if the run, its backbone or a pin cannot be used, or `out` may not be
    replaced.
    """
    name = detector or run.manifest.best_detector
    run.detector(name)
    packed = out.with_name(out.name + ".zip")
    check_new_folder(out, overwrite=overwrite, mark=SETTINGS, contents=CONTENTS)
    if archive and packed.exists() and not (overwrite and packed.is_file()):
        raise SubmissionError(f"{packed} exists already; choose another name or say --overwrite")
    requirements = requirements_of(run.manifest.backbone, pins)
    plan = plan_weights(run, bundle=bundle_weights, backbone=backbone, compute=compute)
    with new_folder(out, overwrite=overwrite, mark=SETTINGS, contents=CONTENTS) as partial:
        _write(partial, run, name, requirements, plan)
        files = [path for path in partial.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
    if archive:
        _zip(out, packed)
    return BuiltSubmission(
        folder=out,
        archive=packed if archive else None,
        detector=name,
        requirements=requirements,
        files=len(files),
        size=size,
        archive_sha256=file_digest(packed) if archive else "",
    )


def _write(folder: Path, run: Run, detector: str, requirements: Sequence[str], plan: WeightPlan) -> None:
    spec = run.manifest.backbone
    made = tuple(
        Embedding(part.family, part.feature, part.dimension, part.preprocess, weights)
        for part, weights in zip(spec.leaves, plan.weights, strict=True)
    )
    whole = made[0]
    if spec.parts:
        whole = Embedding(spec.family, spec.feature, spec.dimension, spec.preprocess, Weights())
    settings = Settings(whole, detector, __version__, parts=made if spec.parts else ())
    title = backbone_title(run)
    template = Path(__file__).with_name("model.py.txt").read_text(encoding="utf-8")
    model = template.format(detector=detector, backbone=title, version=__version__)
    ast.parse(model)
    texts = {
        MODEL: model,
        REQUIREMENTS: "".join(f"{line}\n" for line in requirements),
        METADATA: f"description: Hybrid scores by hybridwing {__version__} - detector {detector} on {title}\n",
        SETTINGS: settings.to_json(),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    shutil.copyfile(run.folder / "detectors" / f"{detector}.npz", folder / DETECTOR)
    (folder / RUNTIME).mkdir()
    for name in runtime_modules(spec.family, plan.origins):
        shutil.copyfile(_RUNTIME / f"{name}.py", folder / RUNTIME / f"{name}.py")
    if plan.sources:
        (folder / WEIGHTS).mkdir()
        for source, place in plan.sources:
            target = folder / WEIGHTS / place
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, target)


def _zip(folder: Path, archive: Path) -> None:
    """Zip what a folder holds, not the folder itself.

    Members are sorted, have fixed stamps and permissions and are stored as they are: what zlib makes of the same bytes
    differs between its versions, and weights do not shrink.
    """
    files = sorted((p.relative_to(folder).as_posix(), p) for p in folder.rglob("*") if p.is_file())
    with written_whole(archive) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as target:
        for name, path in files:
            entry = zipfile.ZipInfo(name, _STAMP)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            entry.file_size = path.stat().st_size
            with path.open("rb") as source, target.open(entry, "w") as member:
                shutil.copyfileobj(source, member, 1 << 20)


def runtime_modules(family: str, origins: Collection[str]) -> tuple[str, ...]:
    """Modules of `hybridwing.runtime` that a submission needs: ``serving`` and all that it imports.

    Of a backbone of the family ``"pattern"`` nothing of torch comes along, and where none of the `origins` of its
    weights is ``"hub"`` nothing that fetches.
    """
    left_out = {"encoder"} if family == "pattern" else set()
    if "hub" not in origins:
        left_out.add("fetching")
    found = ["__init__", "serving"]
    for name in found:  # grows while it is walked
        for node in ast.walk(ast.parse((_RUNTIME / f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                names = [node.module] if node.module else [alias.name for alias in node.names]
                found += [other for other in names if other not in found and other not in left_out]
    return tuple(sorted(found))


def backbone_title(run: Run) -> str:
    """Name of a run's backbone for others to read. It holds no path of this machine and no character of YAML."""
    return " and ".join(dict.fromkeys(_title(part) for part in run.manifest.backbone.leaves))


def _title(spec: BackboneSpec) -> str:
    kind = spec.name.partition(":")[0]
    name = spec.revision if kind == "local" else spec.name
    return "".join(c if c.isascii() and (c.isalnum() or c in "-._/") else "_" for c in name) or spec.family
