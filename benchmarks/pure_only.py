"""Recall of hybrids by detectors that were shown none, beside the default detector that was.

Learns from the non-hybrids of ``train.csv`` alone, scores ``ref_val.csv``, and prints the recalls at a true-negative
rate of 95 % with 95 % intervals by the bootstrap over specimens. Other methods get the same embeddings. ECOD is
measured where PyOD is installed; it is no dependency.

    hybridwing embed SILHOUETTES/train.csv --images SILHOUETTES/images --out train.parquet
    hybridwing embed SILHOUETTES/ref_val.csv --images SILHOUETTES/images --out ref_val.parquet
    python benchmarks/pure_only.py SILHOUETTES train.parquet ref_val.parquet
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

import hybridwing as hw
from hybridwing.detectors.registry import detector_for_run
from hybridwing.embeddings.selection import as_embeddings, select
from hybridwing.evaluation.bootstrap import challenge_uncertainty

Floats = NDArray[np.float64]
RECALLS = ("A_score_major_recall", "A_score_minor_recall", "mimic_recall")


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("silhouettes", type=Path, help="folder with train.csv and ref_val.csv")
    parser.add_argument("embeddings", type=Path, nargs=2, help="of the two tables")
    arguments = parser.parse_args()
    tables = [hw.read_catalogue(arguments.silhouettes / name) for name in ("train.csv", "ref_val.csv")]
    found = [select(as_embeddings(path), table) for path, table in zip(arguments.embeddings, tables, strict=True)]
    parts = []
    for table, embedded in zip(tables, found, strict=True):
        rows = embedded.rows_of([str(uuid) for uuid in table.uuids])
        parts.append((table.select(rows >= 0), embedded.vectors[rows[rows >= 0]].astype(np.float64)))
    (train, known), (asked, vectors) = parts
    pure = train.labels == 0
    alone, own = train.select(pure), known[pure]
    print(f"{len(alone)} non-hybrids of {len(set(alone.subspecies))} subspecies; {int(train.labels.sum())} hybrids")

    scores = {}
    for title, detector, table, X in (
        ("ridge, no hybrid known", "ridge", alone, own),
        ("mahalanobis", "mahalanobis", alone, own),
        ("ridge, hybrids known", "ridge", train, known),
    ):
        fitted = detector_for_run(detector, seed=42, blocks=found[0].backbone.widths).fit(
            X,
            table.labels,
            subspecies=table.subspecies.tolist(),
            parents=table.parent_pairs,
            records=table.records.tolist(),
        )
        scores[title] = fitted.decision_function(vectors)
    scores.update(others(own, vectors, np.unique(alone.subspecies.astype(str), return_inverse=True)[1]))

    measured = challenge_uncertainty(scores, asked.labels, asked.groups, asked.specimens, pairs=[])
    print(f"{'':32}{'signal':>24}{'non-signal':>24}{'mimic':>24}")
    for title, measures in measured.measures.items():
        cells = (measures[name] for name in RECALLS)
        texts = (f"{e.value:.3f} ({e.interval.low:.3f} to {e.interval.high:.3f})" for e in cells)
        print(f"{title:32}" + "".join(f"{text:>24}" for text in texts))


if __name__ == "__main__":
    main()
