"""How often a threshold that was calibrated out of fold keeps the true-negative rate that it promises.

Draws 40, 80 and 160 non-hybrids of a table 200 times, fits and calibrates a detector on each draw, and looks at the
share of all other non-hybrids that stay at or below the threshold. A promise that holds on average over draws has a
mean of at least the rate; for a single draw the share scatters about it (Vovk 2012), which the last columns show beside
what a separate held-out set of as many specimens would give.

    hybridwing embed TABLE --images IMAGES --out embeddings.parquet
    python benchmarks/kept_rates.py TABLE embeddings.parquet [--detector mahalanobis] [--draws 200]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import beta
from sklearn.decomposition import PCA

import hybridwing as hw
from hybridwing.detectors.out_of_fold import calibrate_out_of_fold, deal
from hybridwing.detectors.registry import detector_for_run
from hybridwing.detectors.threshold import threshold_of
from hybridwing.embeddings.selection import as_embeddings, select
from hybridwing.runtime.scoring import calibrated_scores

if TYPE_CHECKING:
    from hybridwing.detectors.base import Detector


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("embeddings", type=Path)
    parser.add_argument("--detector", default="mahalanobis")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--tnr", type=float, default=0.95)
    parser.add_argument("--sizes", type=int, nargs="+", default=[40, 80, 160])
    arguments = parser.parse_args()
    table = hw.read_catalogue(arguments.table)
    embedded = select(as_embeddings(arguments.embeddings), table)
    rows = embedded.rows_of([str(uuid) for uuid in table.uuids])
    kept = (rows >= 0) & (table.labels == 0)
    table, vectors = table.select(kept), embedded.vectors[rows[kept]]
    # Twenty directions that are the same for all draws, so that thousands of fits take a minute.
    vectors = PCA(20, random_state=0).fit_transform(vectors).astype(np.float32)
    subspecies = table.subspecies

    print(f"{arguments.detector}, promised {arguments.tnr:g}, {arguments.draws} draws")
    print(f"{'specimens':>9}{'mean':>8}{'5 % of draws below':>20}{'draws that kept it':>20}{'expected of a split':>21}")
    for size in arguments.sizes:
        reached = []
        for draw in range(arguments.draws):
            chosen = np.random.default_rng([size, draw]).permutation(len(table))
            seen, new = chosen[:size], chosen[size:]
            labels, X = np.zeros(size, dtype=np.int8), vectors[seen]

            def fit(part: np.ndarray, seen: np.ndarray = seen, X: np.ndarray = X) -> Detector:
                detector = detector_for_run(arguments.detector, seed=42)
                own = subspecies[seen[part]].tolist()
                return detector.fit(X[part], np.zeros(len(part)), subspecies=own)

            fold = deal(table.specimens[seen], subspecies[seen], labels, 42)
            saved, _ = calibrate_out_of_fold(fit, X, labels, fold)
            scores = np.round(calibrated_scores(saved, vectors[new]), 4)
            reached.append(float((scores <= threshold_of(saved, arguments.tnr).value).mean()))
        rank = int(np.ceil((size + 1) * arguments.tnr - 1e-9))
        expected = beta(rank, size + 1 - rank).sf(arguments.tnr)
        share = np.mean(np.array(reached) >= arguments.tnr)
        low = np.quantile(reached, 0.05)
        print(f"{size:>9}{np.mean(reached):>8.3f}{low:>20.3f}{share:>20.2f}{expected:>21.2f}", flush=True)


if __name__ == "__main__":
    main()
