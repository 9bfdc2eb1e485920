"""Make a whole collection: images, tables and truth in one folder."""

from __future__ import annotations

import logging
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from hybridwing.errors import SimulationError
from hybridwing.files import write_text
from hybridwing.folders import new_folder
from hybridwing.main_script import main_script_hidden, processors
from hybridwing.simulate.plan import plan
from hybridwing.simulate.specimen import write_specimen
from hybridwing.simulate.tables import README, write_reference, write_train, write_truth

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from hybridwing.simulate.plan import Slot
    from hybridwing.simulate.specimen import Specimen

LEAST_SIZE, MOST_SIZE = 64, 4096
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SimulatedCollection:
    """A collection on disk."""

    root: Path  # Its folder
    images: Path  # Folder of the photographs, ``<filename>`` of the tables
    # Tables in the official forms
    train: Path
    ref_val: Path
    ref_test: Path
    truth: Path  # Table of everything that is known; ``truth.parent / "masks"`` holds the masks
    # Rows in the tables; val is inside test
    n_train: int
    n_val: int
    n_test: int


def simulate(
    out: Path | str,
    *,
    specimens: int = 1000,
    seed: int = 42,
    size: int = 512,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SimulatedCollection:
    """Make a collection of simulated specimens.

    It is built in a hidden folder beside `out` and gets its name at the end, so `out` is whole or not there.

    Parameters
    ----------
    out : Path
        Folder to make; it may exist if it is empty.
    specimens : int
        Images in all, train and test together; see `hybridwing.simulate.proportions.scale`.
    seed : int
        Non-negative. The same seed gives the same bytes, whatever the number of workers.
    size : int
        Long side of the pictures in pixels, 64 to 4096; they are 4 : 3.
    workers : int, optional
        Processes; 1 works in this one. By default one for each CPU that may be used.
    progress : callable, optional
        Called with the numbers of images done and of all, after every image.

    Returns
    -------
    SimulatedCollection

    Raises
    ------
    SimulationError
        If `out` holds something already, or a setting is out of its range, or there are too few specimens for
        every class.

    Examples
    --------
    >>> made = simulate("small", specimens=200, size=64, workers=1)
    >>> made.n_train + made.n_test
    200
    """
    out = Path(out).absolute()
    _check(out, seed, size, workers)
    slots = plan(specimens, seed)
    with new_folder(out, mark="train.csv", contents=()) as building:
        made = _photographs(building, slots, seed, size, workers, progress)
        write_train(building / "train.csv", made)
        write_reference(building / "ref_val.csv", made, val=True)
        write_reference(building / "ref_test.csv", made, val=False)
        write_truth(building / "truth" / "truth.csv", made)
        write_text(building / "truth" / "README.txt", README)
    logger.info("simulated %d images in %s", len(made), out)
    n_train = sum(slot.split == "train" for slot in slots)
    return SimulatedCollection(
        out,
        out / "images",
        out / "train.csv",
        out / "ref_val.csv",
        out / "ref_test.csv",
        out / "truth" / "truth.csv",
        n_train,
        n_val=sum(slot.val for slot in slots),
        n_test=len(slots) - n_train,
    )


def _check(out: Path, seed: int, size: int, workers: int | None) -> None:
    if not LEAST_SIZE <= size <= MOST_SIZE:
        raise SimulationError(
            f"the size of the pictures must be from {LEAST_SIZE} to {MOST_SIZE} pixels (size=, --size); got {size}"
        )
    if seed < 0:
        raise SimulationError(f"the seed must not be negative (seed=, --seed); got {seed}")
    if workers is not None and workers < 1:
        raise SimulationError(f"workers must be at least 1; got {workers}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SimulationError(f"{out} exists and is not an empty folder; choose another or remove it first")


def _photographs(
    building: Path,
    slots: tuple[Slot, ...],
    seed: int,
    size: int,
    workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> list[Specimen]:
    images, masks = building / "images", building / "truth" / "masks"
    images.mkdir()
    masks.mkdir(parents=True)
    work = partial(write_specimen, seed=seed, size=size, images=images, masks=masks)
    made = []
    # closing stops the workers before the folder they write to is removed
    with closing(_in_order(work, slots, workers)) as specimens:
        for specimen in specimens:
            made.append(specimen)
            if progress is not None:
                progress(len(made), len(slots))
    return made


def _in_order(
    work: Callable[[Slot], Specimen], slots: tuple[Slot, ...], workers: int | None
) -> Generator[Specimen, None, None]:
    count = processors() if workers is None else workers
    if count == 1:
        yield from map(work, slots)
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        with main_script_hidden():  # the workers are started here
            made = pool.map(work, slots, chunksize=max(1, min(32, len(slots) // (4 * count))))
        yield from made
