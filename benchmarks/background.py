"""What does the background of the photographs do to detectors of hybrids?

Simulates a collection in which the record of a photograph gives its label away as in the challenge's tables, embeds it
three times with one backbone (the whole picture; the specimen cut out with its background kept; the same cut with the
background masked), trains detectors, and asks about the test images. Every test hybrid is also photographed under a
record that holds no training hybrid: what a detector then loses, it had from the look of the photograph. A score from
the record alone stands beside them; it has so few values that recalls at a threshold mean little, so the area under the
ROC curve over all test images is given too.

    python benchmarks/background.py --backbone local:WEIGHTS/mobilenet_v2_1.0_224 [--specimens 1000] [--seeds 42]
        [--json results.json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import roc_auc_score

from hybridwing.backbones.load import load
from hybridwing.backbones.request import Backbone
from hybridwing.detectors.registry import detector_for_run
from hybridwing.embeddings.engine import embed_images
from hybridwing.evaluation.intervals import Proportion
from hybridwing.simulate.plan import Slot, plan
from hybridwing.simulate.specimen import render
from hybridwing.simulate.styles import record_style

sys.path.append(str(Path(__file__).parent / "detection"))
from measures import Score, resampled, score
from simulated import moved as moved_slots

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE, SEED = 320, 42
CUTS = (
    ("whole picture", "whole", None),
    ("specimen, kept", "specimen", "kept"),
    ("specimen, masked", "specimen", None),
)
DETECTORS = ("svm", "ridge")
GROUPS = (("signal", "major"), ("non_signal", "minor"), ("mimic", "mimic"))
USUAL, BROKEN = "as in training", "broken confound"


@dataclass(frozen=True, eq=False)
class Test:
    """Scores of one kind of test images by one detector, of one seed."""

    values: np.ndarray
    labels: np.ndarray
    groups: np.ndarray

    @property
    def score(self) -> Score:
        return score(self.values, self.labels, self.groups)

    @property
    def area(self) -> float:
        return float(roc_auc_score(self.labels, self.values))

    def at(self, rows: np.ndarray) -> Test:
        return Test(self.values[rows], self.labels[rows], self.groups[rows])


def photograph(slots: list[Slot], seed: int, folder: Path) -> list[tuple[str, Path]]:
    """Write the slots' photographs."""
    folder.mkdir()
    items = []
    for slot in slots:
        path = folder / f"{slot.number:06d}-{slot.record}.jpg"
        render(slot, seed, SIZE).picture.save(path, quality=record_style(slot.record).quality)
        items.append((path.name, path))
    return items


def by_record(slots: list[Slot], asked: list[Slot]) -> np.ndarray:
    """Share of hybrids among a record's training images, drawn to the mean by one image; shape (n,)."""
    labels = np.array([slot.stratum.hybrid for slot in slots], dtype=float)
    records = np.array([slot.record for slot in slots])
    shares = {
        record: (labels[records == record].sum() + labels.mean()) / ((records == record).sum() + 1)
        for record in records
    }
    return np.array([shares.get(slot.record, labels.mean()) for slot in asked])


def ask(seed: int, specimens: int, backbone: str, folder: Path) -> dict[tuple[str, str], dict[str, Test]]:
    """Scores by cut and detector, then by kind of test images."""
    slots = sorted(plan(specimens, seed), key=lambda slot: (slot.split != "train", slot.number))
    again = moved_slots(slots, seed)
    learned = [slot for slot in slots if slot.split == "train"]
    tests = {USUAL: slots[len(learned) :], BROKEN: again[len(learned) :]}
    changed = [new for old, new in zip(slots, again, strict=True) if new.record != old.record]
    items = photograph(slots + changed, seed, folder)
    labels = np.array([slot.stratum.hybrid for slot in tests[USUAL]], dtype=int)
    groups = np.array([slot.stratum.indicator for slot in tests[USUAL]])
    truth = {
        "subspecies": [None if slot.stratum.hybrid else slot.stratum.name for slot in learned],
        "parents": [tuple(sorted(slot.stratum.parents)) if slot.stratum.hybrid else None for slot in learned],
        "records": [str(slot.record) for slot in learned],
    }
    y = np.array([slot.stratum.hybrid for slot in learned], dtype=int)
    found = {
        ("record alone", ""): {kind: Test(by_record(learned, asked), labels, groups) for kind, asked in tests.items()}
    }
    for title, view, background in CUTS:
        encoder = load(Backbone(backbone, view=view, background=background))
        table = embed_images(items, encoder)
        print(f"{title}: {len(table)} images, {len(table.fallbacks)} without the view, seed {seed}", flush=True)
        rows = dict(zip(table.uuids, table.vectors, strict=True))
        X, *asked = (
            np.stack([rows[f"{slot.number:06d}-{slot.record}.jpg"] for slot in part])
            for part in (learned, *tests.values())
        )
        for name in DETECTORS:
            detector = detector_for_run(name, seed=SEED, blocks=encoder.spec.widths).fit(X, y, **truth)
            found[title, name] = {
                kind: Test(detector.decision_function(part), labels, groups)
                for kind, part in zip(tests, asked, strict=True)
            }
    return found


def joined(parts: list[dict[str, Test]], kind: str) -> dict[str, object]:
    """Means over seeds, the interval of the first seed's challenge score, and all seeds' recalls with intervals."""
    scores = [asdict(part[kind].score) for part in parts]
    row: dict[str, object] = {key: float(np.mean([one[key] for one in scores])) for key in scores[0]}
    row["challenge_interval"] = resampled(parts[0][kind].values, parts[0][kind].labels, parts[0][kind].groups)
    row["area"] = float(np.mean([part[kind].area for part in parts]))
    row["area_interval"] = quantiles([part.area for (part,) in drawn(parts[0][kind])])
    for key, group in GROUPS:
        hybrids = [((part[kind].groups == group) & (part[kind].labels == 1)).sum() for part in parts]
        hits = sum(round(one[key] * count) for one, count in zip(scores, hybrids, strict=True))
        interval = Proportion(int(hits), int(sum(hybrids))).interval
        row[f"{key}_interval"] = (interval.low, interval.high)
    return row


def drawn(*tests: Test, n: int = 500) -> Iterator[tuple[Test, ...]]:
    """Tests of the same specimens, drawn again within every group and label."""
    rng = np.random.default_rng(0)
    groups, labels = tests[0].groups, tests[0].labels
    strata = [np.flatnonzero((groups == group) & (labels == label)) for group in np.unique(groups) for label in (0, 1)]
    for _ in range(n):
        rows = np.concatenate([rng.choice(stratum, len(stratum)) for stratum in strata])
        yield tuple(test.at(rows) for test in tests)


def quantiles(values: list[float]) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def lost(parts: list[dict[str, Test]]) -> dict[str, tuple[float, float, float]]:
    """Lost when the confound is broken: mean over seeds, and the 95 % interval over the first one's specimens."""
    pairs = [(part[USUAL], part[BROKEN]) for part in parts]
    draws = list(drawn(*pairs[0]))
    return {
        "challenge": (
            float(np.mean([one.score.challenge - other.score.challenge for one, other in pairs])),
            *quantiles([one.score.challenge - other.score.challenge for one, other in draws]),
        ),
        "area": (
            float(np.mean([one.area - other.area for one, other in pairs])),
            *quantiles([one.area - other.area for one, other in draws]),
        ),
    }


def cell(row: dict[str, object], key: str) -> str:
    low, high = row[f"{key}_interval"]  # type: ignore[misc]
    return f"{row[key]:.3f} ({low:.2f} to {high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", required=True, help="one with weights, e.g. local:FOLDER")
    parser.add_argument("--specimens", type=int, default=1000)
    parser.add_argument("--seeds", default="42", help="with commas between")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    with tempfile.TemporaryDirectory() as place:
        found = [ask(seed, arguments.specimens, arguments.backbone, Path(place) / str(seed)) for seed in seeds]
    figures: dict[str, object] = {"backbone": arguments.backbone, "specimens": arguments.specimens, "seeds": seeds}
    columns = ("challenge", "signal", "non_signal", "mimic", "area")
    print("\n" + " " * 44 + "".join(f"{key:24}" for key in columns))
    for title, name in found[0]:
        parts = [one[title, name] for one in found]
        for kind in (USUAL, BROKEN):
            row = joined(parts, kind)
            figures[f"{title} | {name} | {kind}"] = row
            print(f"{f'{title} {name}'.strip() + f', {kind}':44}" + "".join(f"{cell(row, key):24}" for key in columns))
        losses = figures[f"{title} | {name} | lost"] = lost(parts)
        shown = (f"{key} {mean:+.3f} ({low:+.3f} to {high:+.3f})" for key, (mean, low, high) in losses.items())
        print(f"{'':4}lost: {', '.join(shown)}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
