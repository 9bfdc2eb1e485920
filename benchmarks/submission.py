"""Hold a built submission against the library, image by image, in a fresh environment with only its requirements.

Trains a small run, builds the zip, installs its requirements.txt into a new virtual environment (needs a package
index), runs it as Codabench does and compares every score with the library's. Simulated photographs serve where no
table is given.

    python benchmarks/submission.py [--backbone pattern,local:MOBILENET] [--view specimen,forewings]
        [--feature FEATURE] [--python PYTHON3.10] [--bundle HDR-ANOMALY-CHALLENGE]
        [--table train.csv --images DIR --reference ref_val.csv] [--photographs 2350] [--json results.json]

With --bundle the challenge's own ingestion and scoring programs run too, unchanged, and have to give the same files.
With --photographs nothing is compared: the submission is given so many photographs of 18 megapixels, as `submission
check` makes them, and Codabench's 600 seconds for installation, ingestion and scoring together.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from hybridwing.backbones.request import Backbone
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.embeddings.embed import embed
from hybridwing.embeddings.engine import embed_images
from hybridwing.evaluation.predictions import read_predictions
from hybridwing.leaderboard.comparing import PREDICTIONS
from hybridwing.runs.scoring import score_images
from hybridwing.runs.train import train
from hybridwing.simulate.collection import simulate
from hybridwing.submission.build.building import build_submission
from hybridwing.submission.check.probe_images import write_probe_images
from hybridwing.submission.rehearse.rehearsal import run_submission
from hybridwing.submission.rehearse.submission_run import Conditions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="pattern", help="see `hybridwing backbones`")
    parser.add_argument("--view", default="whole", help="one or more, with commas between")
    parser.add_argument("--feature", default="default")
    parser.add_argument("--detector", default="svm")
    parser.add_argument("--table", type=Path, help="training table; left out, photographs are simulated")
    parser.add_argument("--images", type=Path, help="folder of all images of both tables")
    parser.add_argument("--reference", type=Path, help="reference table to score against")
    parser.add_argument("--specimens", type=int, default=400, help="photographs to simulate")
    parser.add_argument("--python", type=Path, help="interpreter for the fresh environment, best 3.10")
    parser.add_argument("--bundle", type=Path, help="a copy of the challenge's repository, to run its programs too")
    parser.add_argument("--photographs", type=int, help="time the submission on so many of 18 megapixels instead")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        figures = measure(arguments, Path(place))
    print(json.dumps(figures, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def measure(arguments: argparse.Namespace, place: Path) -> dict[str, object]:
    """Everything once; the figures to report."""
    table, images, reference = arguments.table, arguments.images, arguments.reference
    if table is None:
        made = simulate(place / "collection", specimens=arguments.specimens, size=512)
        table, images, reference = made.train, made.images, made.ref_test
    request = Backbone(arguments.backbone, view=arguments.view, feature=arguments.feature)
    run = train(
        read_catalogue(table),
        embed(read_catalogue(table), images, request),
        place / "run",
        detectors=(arguments.detector,),
        split_method="stratified",
    )
    built = build_submission(run, place / "submission", archive=True)
    assert built.archive is not None
    if arguments.photographs is not None:
        return against_the_clock(arguments, built.archive, reference, place)
    begun = time.perf_counter()
    result = run_submission(
        built.archive,
        images,
        reference,
        place / "ran",
        conditions=Conditions(isolated=True, python=arguments.python, time_limit=3600),
    )
    seconds = time.perf_counter() - begun
    if not result.accepted:
        raise SystemExit(f"the submission fails: {result.problem}")
    predicted = read_predictions(place / "ran" / PREDICTIONS)
    names = [str(name) for name in predicted.filenames.tolist()]
    encoder = run.load_backbone(arguments.backbone)
    embedded = embed_images([(name, images / name) for name in names], encoder)
    difference = np.abs(predicted.scores - score_images(run.detector(), embedded, names))
    figures: dict[str, object] = {
        "backbone": arguments.backbone,
        "view": arguments.view,
        "detector": arguments.detector,
        "environment": result.interpreter,
        "requirements": list(built.requirements),
        "archive_mb": round(built.archive.stat().st_size / 1e6, 2),
        "images": len(names),
        "images_that_differ": int((difference > 0).sum()),
        "largest_difference": float(difference.max()),
        "scores": result.scores,
        "seconds_by_stage": {stage.name: round(stage.seconds, 1) for stage in result.stages},
        "seconds": round(seconds, 1),
    }
    if arguments.bundle is not None:
        figures["official"] = official(arguments, built.archive, images, reference, place)
    return figures


def against_the_clock(arguments: argparse.Namespace, archive: Path, reference: Path, place: Path) -> dict[str, object]:
    """Seconds of each stage on photographs of full size, with Codabench's limit."""
    probes, images = place / "probes", place / "photographs"
    probes.mkdir()
    images.mkdir()
    large = [probes / probe.file for probe in write_probe_images(probes) if probe.kind == "large"]
    names = [f"{number:04}.jpg" for number in range(arguments.photographs)]
    for name, photograph in zip(names, itertools.cycle(large), strict=False):
        (images / name).hardlink_to(photograph)
    rows = pd.read_csv(reference)
    rows = rows.iloc[np.arange(len(names)) % len(rows)].assign(filename=names)
    rows.to_csv(place / "reference.csv", index=False)
    result = run_submission(
        archive,
        images,
        place / "reference.csv",
        place / "timed",
        conditions=Conditions(isolated=True, python=arguments.python),
    )
    return {
        "backbone": arguments.backbone,
        "view": arguments.view,
        "feature": arguments.feature,
        "photographs": len(names),
        "accepted": result.accepted,
        "problem": result.problem,
        "seconds_by_stage": {stage.name: round(stage.seconds, 1) for stage in result.stages},
        "limit": result.time_limit,
    }


def official(
    arguments: argparse.Namespace, archive: Path, images: Path, reference: Path, place: Path
) -> dict[str, object]:
    """The challenge's own programs on the same submission, against what ours wrote."""
    result = run_submission(
        archive,
        images,
        reference,
        place / "official",
        bundle=arguments.bundle,
        conditions=Conditions(isolated=True, python=arguments.python, time_limit=3600),
    )
    files = {name: (place / "ran" / name).read_bytes() for name in (PREDICTIONS, "scores.json")}
    theirs = {name: (place / "official" / name).read_bytes() for name in files}
    return {
        "accepted": result.accepted,
        "problem": result.problem,
        "same_predictions": theirs[PREDICTIONS].split() == files[PREDICTIONS].split(),
        "same_scores_json": theirs["scores.json"] == files["scores.json"],
        "scores": result.scores,
    }


if __name__ == "__main__":
    main()
