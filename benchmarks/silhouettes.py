"""Hold the sample's detectors and `ridge` on two backbones against silhouettes of real specimens.

Trains on ``train.csv`` with the challenge sample's split and scores ``ref_val.csv`` as the challenge does: once with a
MobileNetV2 in a local folder, resized as the sample resizes, and once with the `pattern` backbone.

    python benchmarks/silhouettes.py SILHOUETTES --weights MOBILENET [--json results.json]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from hybridwing.backbones.request import Backbone
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.embeddings.embed import embed
from hybridwing.runs.train import train

DETECTORS = ("svm", "sgd", "knn", "gaussian", "ridge")
#: Challenge score, signal, non-signal and mimic recall that plain scikit-learn was measured to give on these features.
REFERENCE = {
    "svm": (0.609, 0.962, 1.000, 0.346),
    "sgd": (0.486, 0.940, 0.714, 0.269),
    "knn": (0.153, 0.804, 1.000, 0.058),
}
SHOWN = ("challenge_score", "A_score_major_recall", "A_score_minor_recall", "mimic_recall")


def measure(folder: Path, backbone: str, preprocess: str) -> dict[str, dict[str, float]]:
    """Leaderboard record of each detector."""
    with tempfile.TemporaryDirectory() as place:
        images = folder / "images"
        learned, reference = (read_catalogue(folder / name) for name in ("train.csv", "ref_val.csv"))
        embeddings = embed(learned, images, Backbone(backbone, preprocess=preprocess))
        run = train(learned, embeddings, Path(place) / "run", detectors=DETECTORS)
        result = run.evaluate(reference, run.embed(reference, images))
    return {name: one.challenge.leaderboard() for name, one in result.detectors.items() if one.challenge}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("silhouettes", type=Path, help="folder with train.csv, ref_val.csv and images")
    parser.add_argument("--weights", type=Path, help="folder of a MobileNetV2; left out, only pattern is measured")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    setups = [("pattern", "pattern", "default")]
    if arguments.weights:
        setups.insert(0, ("MobileNetV2", f"local:{arguments.weights}", "sample"))
    figures = {}
    for title, backbone, preprocess in setups:
        begun = time.perf_counter()
        figures[title] = measure(arguments.silhouettes, backbone, preprocess)
        print(f"\n{title} ({time.perf_counter() - begun:.0f} s)")
        print(f"{'detector':10}{'challenge':>10}{'signal':>10}{'non-signal':>12}{'mimic':>10}   plain scikit-learn")
        for name, record in figures[title].items():
            values = [record[measure_name] for measure_name in SHOWN]
            row = f"{name:10}{values[0]:>10.3f}{values[1]:>10.3f}{values[2]:>12.3f}{values[3]:>10.3f}"
            known = REFERENCE.get(name) if title == "MobileNetV2" else None
            print(row + (f"   {known}" if known else ""))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
