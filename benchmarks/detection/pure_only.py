"""Recall of hybrids by detectors that were shown none, beside the default detector that was.

    hybridwing embed SILHOUETTES/train.csv --images SILHOUETTES/images --out train.parquet
    hybridwing embed SILHOUETTES/ref_val.csv --images SILHOUETTES/images --out ref_val.parquet
    python benchmarks/detection/pure_only.py --silhouettes SILHOUETTES train.parquet ref_val.parquet
    python benchmarks/detection/pure_only.py --seeds 26 27 28 29 30 31 32 33 34 35 [--specimens 1000] [--cache FOLDER]

Learns from the non-hybrids of the training table alone and prints recalls at a true-negative rate of 95 %.
*Silhouettes*: scores ``ref_val.csv``, with 95 % intervals by the bootstrap over specimens. *Simulation*: means over
collections, and the lead of the default without known hybrids over each method with its 95 % interval over collections;
*broken confound* as in ``benchmarks/detection``. All methods get the same embeddings by `pattern`. PyOD's are measured
where it is installed; it is no dependency.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
from measures import Score, mean_interval, score
from numpy.typing import NDArray
from simulated import collection
from sklearn.covariance import LedoitWolf
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors
from variants import SEED, Training

import hybridwing as hw
from hybridwing.detectors.registry import detector_for_run
from hybridwing.embeddings.selection import as_embeddings, select
from hybridwing.evaluation.bootstrap import challenge_uncertainty
from hybridwing.simulate.proportions import OFFICIAL_SPECIMENS

Floats = NDArray[np.float64]
RECALLS = ("A_score_major_recall", "A_score_minor_recall", "mimic_recall")
OWN = "ridge, no hybrid known"


def all_scores(learned: Training, asked: Floats) -> dict[str, Floats]:
    """Scores by every method, most of which are shown the non-hybrids alone."""
    pure = np.flatnonzero(learned.y == 0)
    names = [learned.subspecies[row] for row in pure]
    alone = replace(learned, X=learned.X[pure], y=learned.y[pure], subspecies=names, parents=[None] * len(pure))
    found = {}
    for title, name, table in (
        (OWN, "ridge", alone),
        ("mahalanobis", "mahalanobis", alone),
        ("ridge, hybrids known", "ridge", learned),
    ):
        detector = detector_for_run(name, seed=SEED, blocks=table.blocks)
        detector.fit(table.X, table.y, subspecies=table.subspecies)
        found[title] = detector.decision_function(asked)
    return {**found, **others(alone.X, asked, np.unique(np.array(names, dtype=str), return_inverse=True)[1])}


def others(known: Floats, asked: Floats, member: NDArray[np.int64]) -> dict[str, Floats]:
    """Scores by methods of outlier detection that know nothing of hybrids."""
    means = np.stack([known[member == place].mean(axis=0) for place in np.unique(member)])
    precision = LedoitWolf(assume_centered=True).fit(known - means[member]).precision_
    apart = asked[:, None, :] - means
    found = {
        "plain Mahalanobis": np.einsum("nkd,de,nke->nk", apart, precision, apart, optimize=True).min(axis=1),
        "kNN distance (k = 5)": NearestNeighbors(n_neighbors=5).fit(known).kneighbors(asked)[0][:, -1],
        "IsolationForest": -IsolationForest(random_state=0).fit(known).score_samples(asked),
    }
    try:
        from pyod.models.ecod import ECOD
        from pyod.models.knn import KNN
    except ImportError:
        print("PyOD is not installed: its ECOD and kNN are left out")
        return found
    return {
        **found,
        "PyOD ECOD": ECOD().fit(known).decision_function(asked),
        "PyOD kNN": KNN().fit(known).decision_function(asked),
    }


def silhouettes(folder: Path, train: Path, reference: Path) -> None:
    parts = []
    for name, path in (("train.csv", train), ("ref_val.csv", reference)):
        table = hw.read_catalogue(folder / name)
        embedded = select(as_embeddings(path), table)
        rows = embedded.rows_of([str(uuid) for uuid in table.uuids])
        parts.append((table.select(rows >= 0), embedded.vectors[rows[rows >= 0]].astype(np.float64)))
    (table, known), (asked, vectors) = parts
    print(f"{(table.labels == 0).sum()} non-hybrids of {len(set(table.subspecies) - {None})} subspecies", end="; ")
    print(f"{table.labels.sum()} hybrids")
    learned = Training(known, table.labels, table.subspecies.tolist(), table.parent_pairs, (known.shape[1],))
    scores = all_scores(learned, vectors)
    measured = challenge_uncertainty(scores, asked.labels, asked.groups, asked.specimens, pairs=[])
    print(f"{'':32}{'signal':>24}{'non-signal':>24}{'mimic':>24}")
    for title, measures in measured.measures.items():
        cells = (measures[name] for name in RECALLS)
        texts = (f"{e.value:.3f} ({e.interval.low:.3f} to {e.interval.high:.3f})" for e in cells)
        print(f"{title:32}" + "".join(f"{text:>24}" for text in texts))


def simulation(seeds: list[int], cache: Path, specimens: int, workers: int) -> None:
    found: dict[str, dict[str, list[Score]]] = {}
    with ProcessPoolExecutor(workers) as executor:
        for seed in seeds:
            made = collection(seed, cache, specimens=specimens, executor=executor)
            test = ~made.trained
            learned = replace(made.training, X=made.vectors[made.trained].astype(np.float64))
            asked = np.vstack([made.vectors[test], made.moved[test]]).astype(np.float64)
            for title, values in all_scores(learned, asked).items():
                halves = zip(("confound as in training", "broken confound"), np.split(values, 2), strict=True)
                for kind, half in halves:
                    one = score(half, made.labels[test], made.indicators[test])
                    found.setdefault(kind, {}).setdefault(title, []).append(one)
    for kind, by_title in found.items():
        print(f"\nSimulation, {specimens} specimens, {len(seeds)} seeds, {kind}; lead of {OWN}")
        print(" " * 24 + "".join(f"{name:>33}" for name in ("challenge", "signal", "non-signal", "mimic")))
        for title, ones in by_title.items():
            own, theirs = (np.array([astuple(one) for one in group]) for group in (by_title[OWN], ones))
            texts = []
            for place, mean in enumerate(theirs.mean(axis=0)):
                lead, low, high = mean_interval((own - theirs)[:, place].tolist())
                texts.append(f"{mean:.3f}" + ("" if title == OWN else f" {lead:+.3f} ({low:+.3f} to {high:+.3f})"))
            print(f"{title:24}" + "".join(f"{text:>33}" for text in texts))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--silhouettes",
        type=Path,
        nargs=3,
        metavar=("FOLDER", "TRAIN", "REF_VAL"),
        help="folder with train.csv and ref_val.csv, and the embeddings of both",
    )
    parser.add_argument("--seeds", type=int, nargs="*", default=[], help="of simulated collections")
    parser.add_argument("--specimens", type=int, default=OFFICIAL_SPECIMENS, help="of each simulated collection")
    parser.add_argument("--cache", type=Path, help="folder to keep embeddings of simulated photographs in")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that simulate")
    options = parser.parse_args()
    if options.silhouettes:
        silhouettes(*options.silhouettes)
    if options.seeds:
        with tempfile.TemporaryDirectory() as place:
            cache = options.cache or Path(place)
            cache.mkdir(parents=True, exist_ok=True)
            simulation(options.seeds, cache, options.specimens, options.workers)


if __name__ == "__main__":
    main()
