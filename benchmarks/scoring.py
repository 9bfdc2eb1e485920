"""How fast the challenge score is, and how fast the official program's threshold search would be.

Run from the repository root: ``python benchmarks/scoring.py [--rows N] [--search-rows N ...] [--json PATH]``.
Every figure is the wall time of one run on synthetic scores, with labels and groups in the shares of the
challenge's test set.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.metrics import recall_score

from hybridwing.evaluation.challenge_score import challenge_scores, score_files
from hybridwing.evaluation.metrics import threshold_at_tnr

if TYPE_CHECKING:
    from collections.abc import Callable

# Share of each group in the challenge's test set, and of hybrids in the group.
SHARES = {"major": (820 / 2350, 365 / 820), "minor": (435 / 2350, 28 / 435), "mimic": (1095 / 2350, 248 / 1095)}


def synthetic(rows: int, seed: int = 0) -> pd.DataFrame:
    """A predictions-and-reference table; hybrids score higher on average, to four decimals as ingestion writes them."""
    rng = np.random.default_rng(seed)
    groups = rng.choice(list(SHARES), size=rows, p=[share for share, _ in SHARES.values()])
    hybrid = rng.random(rows) < np.array([SHARES[group][1] for group in groups])
    scores = np.round(1 / (1 + np.exp(-rng.normal(hybrid * 1.5, 1.0))), 4)
    names = [f"{number}_CAM{number:07d}_d.JPG" for number in range(rows)]
    return pd.DataFrame(
        {"filename": names, "hybrid_stat": hybrid.astype(np.int32), "ssp_indicator": groups, "preds": scores}
    )


def quadratic_threshold(table: pd.DataFrame) -> float:
    """The search as the official program words it: every candidate relabels and rescans the whole table."""
    candidate = float("nan")
    for candidate in sorted(set(table["preds"])):
        called = table["preds"].apply(lambda score, limit=candidate: 1 if score > limit else 0)
        if recall_score(table["hybrid_stat"], called, pos_label=0) >= 0.95:
            break
    return candidate


def timed(run: Callable[[], object]) -> tuple[float, object]:
    """Seconds that one call takes, and its result."""
    begun = time.perf_counter()
    result = run()
    return time.perf_counter() - begun, result


def measure(rows: int, search_rows: list[int]) -> list[dict[str, object]]:
    """Time whole scorings of `rows` rows and both threshold searches on `search_rows` rows."""
    table = synthetic(rows)
    columns = [table[name].to_numpy() for name in ("preds", "hybrid_stat", "ssp_indicator")]
    seconds, scores = timed(lambda: challenge_scores(*columns))
    found = [{"what": "all official scores, from arrays", "rows": rows, "seconds": seconds}]
    with tempfile.TemporaryDirectory() as folder:
        predictions, reference = Path(folder, "predictions.txt"), Path(folder, "reference.csv")
        table[["filename", "preds"]].to_csv(predictions, header=False, index=False)
        table.drop(columns="preds").to_csv(reference, index=False)
        seconds, from_files = timed(lambda: score_files(predictions, reference))
    assert from_files == scores
    found.append({"what": "all official scores, from files", "rows": rows, "seconds": seconds})
    for size in search_rows:
        small = synthetic(size)
        slow, expected = timed(lambda small=small: quadratic_threshold(small))
        fast, threshold = timed(lambda small=small: threshold_at_tnr(small["preds"], small["hybrid_stat"]))
        assert threshold == expected
        found.append({"what": "threshold search, quadratic", "rows": size, "seconds": slow})
        found.append({"what": "threshold search, sorted once", "rows": size, "seconds": fast})
    return found


def main() -> None:
    """Print the table; write it as JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--search-rows", type=int, nargs="*", default=[2350, 10_000])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = measure(arguments.rows, arguments.search_rows)
    for result in results:
        print(f"{result['what']:36} {result['rows']:>10,} rows {result['seconds']:>10.4f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
