"""Name real photographs by their subspecies, and find composites of two of them among them.

    python benchmarks/real_photographs.py FOLDER [--weights DINOV2_SMALL] [--sheet composites.png]

FOLDER holds a folder of upright photographs of one specimen each for every subspecies, named species first, as
``H.e.phyllis``. Each photograph is left out in turn, and all others name it among the subspecies of its species; those
that have no other photograph cannot be named and are not asked. Files tell no day or camera, so sessions are not left
out.

There are no hybrids among these. Stand-ins for them are *composites*: the forewings of one photograph and the hindwings
of one of another subspecies of the same species. They are no hybrids, whose elements mix within a wing too. Both
photographs are left out, the detector learns from all others without known hybrids, and the composites' scores are
held against those of the photographs when these are left out, all drawn in the same way. The area under the ROC curve
is that of ranking a composite above a photograph; its interval is by the bootstrap over photographs.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import roc_auc_score

from hybridwing.backbones.compute import DEFAULT
from hybridwing.backbones.load import load
from hybridwing.backbones.request import Backbone
from hybridwing.detectors.registry import detector_for_run
from hybridwing.embeddings.embed import embed_photographs, photographs
from hybridwing.evaluation.intervals import Proportion
from hybridwing.explain.parent_fitting import fit_parent_model
from hybridwing.images.decode import read_rgb
from hybridwing.images.find import find_images
from hybridwing.runtime.finding import find_in_copy
from hybridwing.runtime.specimen import working_copy
from hybridwing.runtime.wings import LEFT_HINDWING, RIGHT_HINDWING, turned

Picture = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""An upright specimen, RGB in [0, 1], and where its hindwings are."""

DETECTOR = "ridge"
CROSSED = 40
"""Composites at most."""


def upright(path: Path) -> Picture:
    found = find_in_copy(working_copy(read_rgb(path)))
    planes = [turned(found.copy[:, :, channel], found.wings.angle) for channel in range(3)]
    return np.stack(planes, axis=2), np.isin(found.wings.parts, (LEFT_HINDWING, RIGHT_HINDWING))


def box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def composite(fore: Picture, hind: Picture) -> NDArray[np.float32]:
    """The one with the hindwings of the other, stretched to the place where its own were."""
    pixels, own = fore[0].copy(), fore[1]
    frame = np.concatenate([pixels[0], pixels[-1]])
    pixels[own] = np.median(frame, axis=0)
    left, top, right, bottom = box(own)
    size = (right - left, bottom - top)
    given = box(hind[1])
    mask = np.asarray(Image.fromarray(hind[1]).crop(given).resize(size))
    for channel in range(3):
        plane = Image.fromarray(hind[0][:, :, channel]).crop(given).resize(size, Image.Resampling.BILINEAR)
        part = pixels[top:bottom, left:right, channel]
        part[mask] = np.asarray(plane)[mask]
    return pixels


def save(pixels: NDArray[np.float32], path: Path) -> Path:
    Image.fromarray((np.clip(pixels, 0, 1) * 255).round().astype(np.uint8)).save(path)
    return path


def embedded(backbone: Backbone, paths: list[Path]) -> NDArray[np.float32]:
    table = embed_photographs(photographs(paths), load(backbone, DEFAULT))
    return table.vectors[table.rows_of([str(path) for path in paths])]


def named(X: NDArray[np.float32], names: list[str], traits: tuple[int, ...]) -> list[bool]:
    """Of each photograph whose subspecies has another: whether all others name it right."""
    right = []
    for place, name in enumerate(names):
        rest = [other for other in range(len(names)) if other != place and names[other][:3] == name[:3]]
        known = [names[other] for other in rest]
        if name in known:
            model = fit_parent_model(X[rest], known, traits)
            assert model is not None
            right.append(model.looks(X[[place]])[0].identities[0][0] == name)
    return right


def scores(X, asked, names: list[str], leave: list[tuple[int, ...]], widths: tuple[int, ...]) -> NDArray[np.float64]:
    """Score of each of `asked` by a detector that has not seen the photographs it was made of."""
    found = []
    for one, out in zip(asked, leave, strict=True):
        rest = [place for place in range(len(names)) if place not in out]
        detector = detector_for_run(DETECTOR, seed=42, blocks=widths)
        detector.fit(X[rest], np.zeros(len(rest), np.int64), subspecies=[names[place] for place in rest])
        found.append(detector.decision_function(one[None])[0])
    return np.array(found)


def area(pure: NDArray[np.float64], made: NDArray[np.float64]) -> str:
    rng = np.random.default_rng(0)

    def auc(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        return float(roc_auc_score([0] * len(a) + [1] * len(b), np.concatenate([a, b])))

    drawn = [auc(rng.choice(pure, len(pure)), rng.choice(made, len(made))) for _ in range(1000)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{auc(pure, made):.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, help="folder of a DINOv2-small; left out, pattern looks alone")
    parser.add_argument("--sheet", type=Path, help="draw the composites here")
    options = parser.parse_args()
    paths = list(find_images([options.folder]).images)
    names = [path.parent.name for path in paths]
    pairs = [(a, b) for a in range(len(paths)) for b in range(len(paths))
             if names[a] != names[b] and names[a][:3] == names[b][:3]
             and min(names.count(names[a]), names.count(names[b])) > 2]  # fmt: skip
    rng = np.random.default_rng(1)
    pairs = [pairs[place] for place in rng.permutation(len(pairs))[:CROSSED]]
    print(f"{len(paths)} photographs of {len(set(names))} subspecies; {len(pairs)} composites")
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        pictures = [upright(path) for path in paths]
        redrawn = [save(picture[0], root / f"{number}.png") for number, picture in enumerate(pictures)]
        made = [save(composite(pictures[a], pictures[b]), root / f"{a}x{b}.png") for a, b in pairs]
        if options.sheet:
            sheet(made, options.sheet)
        requests = {"pattern": Backbone("pattern")}
        if options.weights:
            dino = f"local:{options.weights}"
            views, feature = ("specimen", "forewings"), "patches-4x4"
            requests["DINOv2-small, places"] = Backbone(dino, view=views, feature=feature)
            requests["both"] = Backbone(("pattern", dino), view=views, feature=feature)
        for title, request in requests.items():
            spec = load(request, DEFAULT).spec
            widths = spec.widths
            right = named(embedded(request, paths), names, spec.traits)
            share = Proportion(sum(right), len(right))
            X, crossed = embedded(request, redrawn), embedded(request, made)
            pure = scores(X, X, names, [(number,) for number in range(len(X))], widths)
            found = area(pure, scores(X, crossed, names, pairs, widths))
            print(f"{title:24} named right {share.share:.3f} ({share.interval.low:.3f} to {share.interval.high:.3f}; "
                  f"{share.count} of {share.total})   composites above photographs {found}", flush=True)  # fmt: skip


def sheet(made: list[Path], out: Path) -> None:
    """Ten composites in two rows."""
    side = 256
    canvas = Image.new("RGB", (5 * side, 2 * side), "white")
    for number, path in enumerate(made[:10]):
        with Image.open(path) as picture:
            picture.thumbnail((side, side))
            canvas.paste(picture, (number % 5 * side, number // 5 * side))
    canvas.save(out)


if __name__ == "__main__":
    main()
