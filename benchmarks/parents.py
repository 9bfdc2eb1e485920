"""Are the parents of hybrids told from photographs, where the pair was never seen crossed?

Simulates the training photographs of a collection with the official class counts, fits the subspecies on them, and asks
for the parents of simulated crosses of every pair of subspecies: first generations, and as many second generations and
back-crosses for the hybrid index. Many pairs have offspring that look the same, so an ideal observer stands beside it:
it knows every pattern element and quantitative trait without error, and the genetics, and still has to guess.

    python benchmarks/parents.py [--specimens 4432] [--each 3] [--seed 42] [--weights DINOV2_SMALL] [--json FILE]

With `--weights` the same crosses are also told by a network, place by place, alone and beside `pattern`.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from hybridwing.backbones.compute import DEFAULT
from hybridwing.backbones.load import load
from hybridwing.backbones.pattern import PatternBackbone
from hybridwing.backbones.request import Backbone
from hybridwing.embeddings.embed import embed_photographs, photographs
from hybridwing.evaluation.intervals import Proportion
from hybridwing.explain.parent_fitting import fit_parent_model
from hybridwing.runtime.pattern import prepare
from hybridwing.simulate.genetics import Generation, cross, express
from hybridwing.simulate.individuals import HETEROZYGOTE_SHRINKS, Individual
from hybridwing.simulate.plan import Slot, plan
from hybridwing.simulate.specimen import Rendered, render
from hybridwing.simulate.strata import STRATA, Stratum
from hybridwing.simulate.taxa import TAXA, Traits

if TYPE_CHECKING:
    from hybridwing.backbones.base import LoadedBackbone
    from hybridwing.explain.parents import Parentage

SIZE = 320
NAMES = tuple(sorted(name for name, taxon in TAXA.items() if taxon.species == "A"))
PAIRS = tuple(itertools.combinations(NAMES, 2))
SEEN = ("lativitta", "notabilis")
#: First generations of each of the official non-signal crosses.
OFFICIAL_EACH = 20
OFFICIAL = {tuple(sorted(s.parents)) for s in STRATA if s.hybrid and s.indicator == "minor"}
TRAITS = tuple(Traits.__dataclass_fields__)
#: Within a subspecies; the others are in such units.
SPREAD = np.array([0.08 if name == "iridescence" else 1.0 for name in TRAITS])


def described(rendered: Rendered) -> np.ndarray:
    """Descriptor of a photograph as it lies on disk."""
    buffer = io.BytesIO()
    rendered.picture.save(buffer, "JPEG", quality=90)
    return prepare(Image.open(buffer).convert("RGB")).value


def crosses(each: int, seed: int) -> list[tuple[tuple[str, str], Generation, Rendered]]:
    """Crosses of every unseen pair, photographed in a record of one of the parents."""
    rng = np.random.default_rng(seed)
    records: dict[str, list[int]] = {}
    for stratum in STRATA:
        for name in stratum.parents:
            records.setdefault(name, []).extend(source.record for source in stratum.sources if source.train)
    later = (Generation.F2, Generation.BC_FIRST, Generation.BC_SECOND)
    wanted = [
        (pair, generation)
        for pair in PAIRS
        if pair != SEEN
        for generation in (*[Generation.F1] * each, *itertools.islice(itertools.cycle(later), each))
    ]
    # At the end, so that the figures of all pairs rest on as many of each.
    wanted += [(pair, Generation.F1) for pair in sorted(OFFICIAL) for _ in range(OFFICIAL_EACH)]
    made = []
    for number, (pair, generation) in enumerate(wanted):
        stratum = Stratum(pair, "minor", 0, (), generations=((generation, 1.0),))
        record = int(rng.choice(records[pair[rng.integers(2)]]))
        slot = Slot(1_000_000 + number, stratum, record, "test", val=False, ventral=False)
        made.append((pair, generation, render(slot, seed, SIZE)))
    return made


def look(pair: tuple[str, str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Elements and mean traits of the first generation of a pair."""
    first, second = (TAXA[name] for name in pair)
    diploid = cross(first.genotype, second.genotype, Generation.F1, np.random.default_rng(0))
    shown = express(diploid.genotype)
    alike = [taxon for taxon in (first, second) if express(taxon.genotype) == shown]
    sides = (alike[0], alike[0]) if alike else (first, second)
    traits = np.mean([[getattr(side.traits, name) for name in TRAITS] for side in sides], axis=0)
    if not alike:
        wnta = diploid.genotype.wnta
        traits[TRAITS.index("band_size")] -= HETEROZYGOTE_SHRINKS * (wnta[0] is not wnta[1])
    return shown.elements(), traits


def ideal(animal: Individual, looks: dict[tuple[str, str], tuple[tuple[str, ...], np.ndarray]]) -> tuple[str, str]:
    """The likeliest pair of a first generation whose elements and traits are known without error."""
    traits = np.array(list(asdict(animal.traits).values()))
    fits = {
        pair: -float((((traits - mean) / SPREAD) ** 2).sum())
        for pair, (elements, mean) in looks.items()
        if elements == animal.phenotype.elements()
    }
    return max(fits, key=lambda pair: fits[pair])


def with_a_network(
    weights: Path,
    seed: int,
    slots: tuple[list[Slot], list[Slot]],
    made: list[tuple[tuple[str, str], Generation, Rendered]],
) -> dict[str, str]:
    """How well parents are told by `pattern`, by a network's places, and by both; `slots` are learned and new ones."""
    request = Backbone(("pattern", f"local:{weights}"), view=("specimen", "forewings"), feature="patches-4x4")
    loaded = load(request, DEFAULT)
    learn, new = ([render(slot, seed, SIZE) for slot in some] for some in slots)
    X, unseen, crossed = (embedded(loaded, some) for some in (learn, new, [rendered for _, _, rendered in made]))
    ends = np.cumsum(loaded.spec.widths)
    network = tuple(slice(*pair) for pair in itertools.pairwise(ends))
    figures = {}
    first = [row for row, (_, generation, _) in enumerate(made) if generation is Generation.F1]
    for title, traits in {
        "pattern": loaded.spec.traits,
        "the network": network,
        "both": (*loaded.spec.traits, *network),
    }.items():
        model = fit_parent_model(X, [slot.stratum.name for slot in slots[0]], traits)
        assert model is not None
        found = model.parentage(crossed)
        figures[f"by {title}: F1, both parents right"] = share([found[row].parents == made[row][0] for row in first])
        looks = model.looks(crossed)
        figures[f"by {title}: F1, the likeliest pair right"] = share(
            [looks[row].parents == made[row][0] for row in first]
        )
        figures[f"by {title}: new non-hybrids, subspecies right"] = share(
            [one.identities[0][0] == slot.stratum.name for one, slot in zip(model.looks(unseen), slots[1], strict=True)]
        )
    return figures


def embedded(loaded: LoadedBackbone, rendered: list[Rendered]) -> np.ndarray:
    """Embeddings of photographs as they lie on disk, in their order."""
    with tempfile.TemporaryDirectory() as place:
        paths = [Path(place) / f"{number:05}.jpg" for number in range(len(rendered))]
        for one, path in zip(rendered, paths, strict=True):
            one.picture.save(path, "JPEG", quality=90)
        table = embed_photographs(photographs(paths), loaded)
        return table.vectors[table.rows_of([str(path) for path in paths])]


def share(right: list[bool]) -> str:
    found = Proportion(sum(right), len(right))
    return f"{found.share:.3f} ({found.interval.low:.3f} to {found.interval.high:.3f}; {found.count} of {found.total})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--specimens", type=int, default=4432, help="of the whole collection; 4432 is the official size"
    )
    parser.add_argument("--each", type=int, default=3, help="first generations of each pair, and as many others")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--weights", type=Path, help="folder of a DINOv2-small; left out, pattern looks alone")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    pure = [s for s in plan(arguments.specimens, arguments.seed) if not s.stratum.hybrid]
    slots = [s for s in pure if s.split == "train"]
    vectors = np.stack([described(render(slot, arguments.seed, SIZE)) for slot in slots])
    model = fit_parent_model(vectors, [slot.stratum.name for slot in slots], PatternBackbone().spec.traits)
    assert model is not None
    made = crosses(arguments.each, arguments.seed)
    found = model.parentage(np.stack([described(rendered) for _, _, rendered in made]))
    looks = {pair: look(pair) for pair in PAIRS}
    figures: dict[str, str] = {}

    def told(title: str, rows: list[int]) -> None:
        """How often the parents are right among some first generations."""
        pairs = {row: best_pair(found[row]) for row in rows}
        figures[f"{title}: said to have two parents"] = share([len(found[row].parents) == 2 for row in rows])
        figures[f"{title}: both parents right"] = share([found[row].parents == made[row][0] for row in rows])
        figures[f"{title}: a parent right"] = share([bool({*found[row].parents} & {*made[row][0]}) for row in rows])
        alike = [row for row in rows if pairs[row] in looks]
        figures[f"{title}: if two, a pair whose offspring look the same"] = share(
            [looks[pairs[row]][0] == looks[made[row][0]][0] for row in alike]
        )
        figures[f"{title}: ideal observer, both right"] = share(
            [ideal(made[row][2].animal, looks) == made[row][0] for row in rows]
        )

    even = len(made) - len(OFFICIAL) * OFFICIAL_EACH
    first = [row for row, (_, generation, _) in enumerate(made[:even]) if generation is Generation.F1]
    hidden = [row for row in first if made[row][2].animal.looks_like_parent]
    own = {name: express(TAXA[name].genotype).elements() for name in NAMES}
    apart = [pair for pair in PAIRS if looks[pair][0] not in (own[pair[0]], own[pair[1]])]
    figures["pairs whose first generations look like neither parent"] = (
        f"{len(apart)} of {len(PAIRS)}, of {len({looks[pair][0] for pair in apart})} looks"
    )
    figures["first generations that look exactly like a parent"] = share([row in set(hidden) for row in first])
    told("F1 of all unseen pairs", first)
    told("F1 that do not look like a parent", [row for row in first if row not in set(hidden)])
    told("F1 of the official unseen pairs that do not look like a parent",
         [row for row in range(even, len(made)) if not made[row][2].animal.looks_like_parent])  # fmt: skip
    index = np.array([rendered.animal.diploid.hybrid_index for _, _, rendered in made])
    low = np.array([f.interval.low for f in found])
    high = np.array([f.interval.high for f in found])
    within = (low <= index) & (index <= high)
    figures["true hybrid index within its 95 % interval"] = share(within[:even].tolist())
    figures["the same where two parents are said"] = share(
        [bool(within[row]) for row in range(even) if len(found[row].parents) == 2]
    )
    right = [row for row, (pair, _, _) in enumerate(made[:even]) if found[row].parents == pair]
    if right:
        error = np.mean([abs(found[row].hybrid_index - index[row]) for row in right])
        figures["mean error of the index where both parents are right"] = f"{error:.3f} ({len(right)} hybrids)"
    figures["mean width of the interval"] = f"{np.mean((high - low)[:even]):.3f}"
    if arguments.weights:
        known = {slot.stratum.name for slot in slots}
        new = [s for s in pure if s.split != "train" and not s.ventral and s.stratum.name in known]
        figures |= with_a_network(arguments.weights, arguments.seed, (slots, new), made)
    for name, value in figures.items():
        print(f"{name}: {value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def best_pair(found: Parentage) -> tuple[str, ...]:
    return found.parents if len(found.parents) == 2 else ()


if __name__ == "__main__":
    main()
