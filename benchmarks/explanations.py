"""How faithful explanations are, on simulated hybrids whose inherited elements are known.

    python benchmarks/explanations.py COLLECTION RUN [--detector svm] [--most 60] [--cover]
    python benchmarks/explanations.py --silhouettes FOLDER [--most 60]

COLLECTION is what ``hybridwing simulate`` made, RUN was trained on its ``train.csv`` with ``--images``. Test hybrids
of species A that look like neither parent are explained. What is true of a place is read off the truth masks, laid into
the same frame: a parent's element there is the one that most of its pure training specimens have.

- *right parent*: of the places that the parent map gives to a parent, where the parents' elements differ and the
  hybrid has one of the two, the share that is that parent's;
- *pointing game*: whether the place that leans most to a parent, where the two differ visibly, is that parent's;
- *the same of the score*: whether the cell that raised it most holds what the base parent lacks. This is more about
  the detector than about its explanation: no more than chance would say that the detector looks elsewhere;
- *removal*: whether setting the ten groups that count most to the base's lowers the score more than ten random ones;
  where places are covered, whether covering ten does;
- *sum*: the largest difference between the contributions' sum and what they explain;
- *shuffled*: mean correlation of maps with those of a model fitted on shuffled labels (Adebayo et al. 2018, NeurIPS).

On silhouettes of real specimens nobody knows what a hybrid inherited. Composites stand in for hybrids: the forewings of
one specimen beside the hindwings of one of another subspecies, in the frame that maps are drawn in. The parents' means
are of other specimens. Of the places given to a parent, the share that is that parent's is counted, and the pointing
game is played.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from hybridwing.backbones.compute import Compute
from hybridwing.catalogue.readers import read_catalogue
from hybridwing.detectors.fitting import fit_detector
from hybridwing.detectors.registry import make_detector
from hybridwing.embeddings.engine import embed_images
from hybridwing.explain.contributions import contributions, contributions_of_places
from hybridwing.explain.occlusion import cover
from hybridwing.explain.parent_map import VISIBLE, parent_map
from hybridwing.explain.wing_model import WingModel, fit_wings
from hybridwing.explain.wing_pictures import SIDE, WingCutter, WingPicture
from hybridwing.images.decode import read_rgb
from hybridwing.runs.explaining import Explainer
from hybridwing.runs.run import load_run
from hybridwing.runtime.finding import find_wings
from hybridwing.runtime.scoring import calibrated_scores
from hybridwing.runtime.wings import box_of

DECIDED, AGREED, REFERENCES = 0.35, 0.7, 8


def elements(image: Path, mask: Path) -> np.ndarray:
    """True element of each place, shape (2, SIDE, SIDE); -1 beside the wings."""
    found = find_wings(read_rgb(image, 300))
    height, width = found.copy.shape[:2]
    with Image.open(mask) as opened:
        truth = Image.fromarray(np.asarray(opened)).resize((width, height), Image.Resampling.NEAREST)
    known = Image.fromarray((np.asarray(truth) >> 3) + 100 * ((np.asarray(truth) & 7) > 0).astype(np.uint8))
    upright = np.asarray(known.rotate(found.wings.angle, Image.Resampling.NEAREST, expand=True)).astype(int) - 100
    out = np.full((2, SIDE, SIDE), -1)
    for pair, numbers in enumerate(((1, 2), (3, 4))):
        for number in numbers:
            box = box_of(found.wings.parts == number, 3)
            if box is not None and (out[pair] < 0).all():
                cut = upright[box][:, :: -1 if number in (2, 4) else 1]
                rows, columns = (((np.arange(SIDE) + 0.5) * size / SIDE).astype(int) for size in cut.shape)
                out[pair] = np.maximum(cut[np.ix_(rows, columns)], -1)
    return out


def usual(stack: np.ndarray) -> np.ndarray:
    """The element that most specimens have at each place; -1 where fewer than 0.7 of them agree."""
    counts = np.stack([(stack == element).mean(axis=0) for element in range(10)])
    return np.where(counts.max(axis=0) >= AGREED, counts.argmax(axis=0), -1)


def shuffled_detector(knows: Explainer, rng: np.random.Generator):
    """The detector fitted on the run's embeddings with shuffled labels."""
    table = knows.run.embeddings
    labels = rng.permutation((table.metadata["label"] == "hybrid").to_numpy(dtype=np.int8))
    names = [str(one) for one in rng.permutation(table.metadata["subspecies"].fillna("8").to_numpy(dtype=object))]
    half = np.arange(len(labels)) % 2 == 0
    detector = make_detector(knows.saved.header.kind)
    told = [None if label else name for name, label in zip(names, labels, strict=True)]
    return fit_detector(
        detector, table.vectors[half], labels[half], table.vectors[~half], labels[~half],
        subspecies=[name for name, kept in zip(told, half, strict=True) if kept],
        parents=[("8", "9") if label else None for label in labels[half]],
    )  # fmt: skip


def correlation(one: np.ndarray, other: np.ndarray, inside: np.ndarray) -> float:
    """Of two maps, over the places of the wings; 0 where one is flat."""
    a, b = one[inside], other[inside]
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


def composites(folder: Path, most: int) -> None:
    """Parent maps of composites of two real silhouettes."""
    table = read_catalogue(folder / "train.csv")
    usual_two = [name for name, _ in Counter(name for name in table.subspecies if name).most_common(2)]
    cut = {}
    for name in usual_two:
        rows = np.flatnonzero(table.subspecies == name)
        rows = rows[np.linspace(0, len(rows) - 1, 2 * most).round().astype(int)]
        items = [(str(table.uuids[row]), folder / "images" / str(table.table["filename"].iloc[row])) for row in rows]
        cut[name] = embed_images(items, WingCutter(), Compute(workers=1)).vectors
    first, second = usual_two
    learned = np.concatenate([cut[first][::2], cut[second][::2]])
    model = fit_wings(learned, [first] * len(cut[first][::2]) + [second] * len(cut[second][::2]))
    assert model is not None
    pair = tuple(sorted(usual_two))
    right = called = visible = 0
    pointed = []
    for number, (one, other) in enumerate(zip(cut[first][1::2], cut[second][1::2], strict=False)):
        given = [(first, WingPicture.from_vector(one)), (second, WingPicture.from_vector(other))]
        (fore_name, fore), (hind_name, hind) = given if number % 2 else given[::-1]
        made = WingPicture(
            np.stack([fore.colours[0], hind.colours[1]]),
            np.stack([fore.inside[0], hind.inside[1]]),
            np.stack([fore.boxes[0], hind.boxes[1]]),
        )
        told = parent_map(made, model, pair)
        side = np.ones(told.leaning.shape)
        side[0], side[1] = (1 if name == pair[1] else -1 for name in (fore_name, hind_name))
        decided = np.abs(told.leaning) >= DECIDED
        visible, called = visible + int((told.apart >= VISIBLE).sum()), called + int(decided.sum())
        right += int((np.sign(told.leaning) == side)[decided].sum())
        for sign in (-1, 1):
            pointed.append(bool(side.ravel()[(sign * told.leaning * told.apart).argmax()] == sign))
    print(f"{len(pointed) // 2} composites of the subspecies {first} and {second}")
    print(f"right parent           {right / max(called, 1):.3f} of {called} places; {visible} differ visibly")
    print(f"pointing game          {np.mean(pointed):.3f} of {len(pointed)} parents")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path, nargs="?")
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--silhouettes", type=Path, help="folder with train.csv and images")
    parser.add_argument("--detector")
    parser.add_argument("--cover", action="store_true", help="cover places for pattern too")
    parser.add_argument("--most", type=int, default=60)
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    if options.silhouettes:
        composites(options.silhouettes, options.most)
        return
    if options.run is None:
        parser.error("name a collection and a run, or --silhouettes")
    rng = np.random.default_rng(7)
    knows = Explainer(load_run(options.run), options.detector, covers=options.cover or None)
    assert knows.wings is not None
    with (options.collection / "truth" / "truth.csv").open(newline="") as file:
        truth = list(csv.DictReader(file))
    files = {path.name: path for path in (options.collection / "images").rglob("*") if path.is_file()}
    masks = {path.stem: path for path in (options.collection / "truth" / "masks").iterdir()}

    def registered(row: dict[str, str]) -> np.ndarray:
        return elements(files[row["filename"]], masks[Path(row["filename"]).stem])

    pure: dict[str, list[dict[str, str]]] = {}
    for row in truth:
        if row["split"] == "train" and row["generation"] == "pure" and row["side"] == "dorsal":
            pure.setdefault(row["subspecies"], []).append(row)
    hybrids = [
        row for row in truth
        if row["split"] == "test" and row["hybrid"] == "True" and row["species"] == "A"
        and row["looks_like_parent"] == "False" and row["side"] == "dorsal"
        and all(len(pure.get(name, ())) >= 5 for name in row["cross"].split(" x "))
    ]  # fmt: skip
    hybrids = [hybrids[place] for place in sorted(rng.permutation(len(hybrids))[: options.most])]
    needed = {name for row in hybrids for name in row["cross"].split(" x ")}
    parents = {name: usual(np.stack([registered(row) for row in pure[name][:REFERENCES]])) for name in sorted(needed)}
    paths, compute = [files[row["filename"]] for row in hybrids], Compute(cache=options.cache, workers=1)
    found = knows.explain(paths, compute=compute)
    by_name = {one.path.name: one for one in found}
    vectors = knows.run.embed(paths, compute=compute)
    vector_of = {Path(uuid).name: vector for uuid, vector in zip(vectors.uuids, vectors.vectors, strict=True)}
    other = shuffled_detector(knows, rng)
    orders = [rng.permutation(len(knows.wings.names)) for _ in range(10)]
    loaded = knows.run.load_backbone(compute=compute) if knows.covers else None
    wrong = [
        WingModel(knows.wings.names, knows.wings.counts, knows.wings.means[order], knows.wings.spreads[order])
        for order in orders
    ]
    right = called = visible = 0
    pointed, hits, chances, lowered, errors, alike, alike_maps = [], [], [], [], [], [], []
    for row in hybrids:
        why, vector = by_name[row["filename"]], vector_of[row["filename"]]
        pair = tuple(sorted(row["cross"].split(" x ")))
        own, first, second = registered(row), parents[pair[0]], parents[pair[1]]
        told = parent_map(why.picture, knows.wings, pair)
        apart = (first >= 0) & (second >= 0) & (first != second) & ((own == first) | (own == second)) & (told.apart > 0)
        side = np.where(own == second, 1, -1)
        decided = apart & (np.abs(told.leaning) >= DECIDED)
        visible, called = visible + int(apart.sum()), called + int(decided.sum())
        right += int((np.sign(told.leaning) == side)[decided].sum())
        for sign in (-1, 1):
            best = (sign * told.leaning * (told.apart >= VISIBLE) * np.minimum(told.apart, 10)).argmax()
            pointed.append(bool(apart.ravel()[best] and side.ravel()[best] == sign))
        made = why.contributions
        groups = made.groups
        errors.append(abs(made.values.sum() - (made.score - made.base)))
        inside = why.picture.inside > 0.5
        if made.base_name in parents:
            lacking = (own >= 0) & (parents[made.base_name] >= 0) & (own != parents[made.base_name])
            placed = [n for n, group in enumerate(groups) if (group.places & inside).any()]
            best = max(placed, key=lambda n: made.values[n])
            hits.append(bool((groups[best].places & lacking).sum() >= 2))
            chances.append(float(np.mean([(groups[n].places & lacking).sum() >= 2 for n in placed])))
        bases = knows.pure(made.base_name)
        places = len(groups) - made.by_covering
        most = np.argsort(-made.values[:places])[:10]
        draws = [most, *(rng.choice(places, 10, replace=False) for _ in range(20))]
        if loaded is None:
            base = bases.mean(axis=0)
            less = np.repeat(vector[None], len(draws), axis=0)
            for number, draw in enumerate(draws):
                for group in draw:
                    less[number, groups[group].columns] = base[groups[group].columns]
            values = contributions(other, vector, bases, groups)[2]
            shuffled = type(made)(0.0, "", 0.0, groups, values)
        else:
            image = read_rgb(files[row["filename"]], loaded.spec.preprocess.short_side)
            pure_wings = knows.wings.picture(made.base_name)
            less = cover(image, loaded, pure_wings, together=draws).vectors
            alone = cover(image, loaded, pure_wings).vectors
            shuffled = contributions_of_places(other, vector, bases, groups[:-1], alone)
        scores = calibrated_scores(knows.saved, less)
        lowered.append(bool(scores[0] < scores[1:].mean()))
        alike.append(correlation(made.map, shuffled.map, inside))
        alike_maps += [
            correlation(told.leaning, parent_map(why.picture, model, pair).leaning, told.apart > 0) for model in wrong
        ]
    crosses = dict(Counter(row["cross"] for row in hybrids))
    print(f"{len(hybrids)} hybrids of {crosses}, detector {knows.saved.header.kind}")
    share = called / max(visible, 1)
    print(f"right parent           {right / max(called, 1):.3f} of {called} places; decided {share:.3f}")
    print(f"pointing game          {np.mean(pointed):.3f} of {len(pointed)} parents")
    print(f"  the same of score    {np.mean(hits):.3f} of {len(hits)} hybrids (by chance {np.mean(chances):.3f})")
    print(f"removal                {np.mean(lowered):.3f} of {len(lowered)} hybrids")
    print(f"sum                    off by {max(errors):.1e} at most")
    print(f"shuffled labels        correlation {np.mean(alike):.3f}")
    print(f"shuffled classes       correlation {np.mean(alike_maps):.3f} (parent map)")


if __name__ == "__main__":
    main()
