"""What the challenge's ingestion program does with a submission, with a report of it.

Run as ``python ingestion.py IMAGES OUTPUT SUBMISSION``, by whatever interpreter the submission is to run on; imports
the standard library alone, and Pillow where the official program does. Follows ``ingestion_program/ingestion.py`` of
Imageomics/HDR-anomaly-challenge: files in the order in which the folder lists them, folders skipped, files that Pillow
cannot open skipped with a line, one `predict` at a time, ``round(score, 4)``, no newline after the last line, and any
exception ends the run. Beside ``predictions.txt`` it writes ``ingestion_report.json``.
"""
# ruff: noqa: PTH100, PTH105, PTH112, PTH118, PTH123, PTH208, T201
# os.listdir and plain paths, as the official program has them: the order and the names must be the same.

from __future__ import annotations

import json
import os
import sys
import time
import traceback

#: File names and messages kept in the report; a folder may hold any number of files.
_KEPT = 100


class Report:
    """What happened so far; rewritten at every stage, so that a run that is ended leaves it too."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.values: dict[str, object] = {
            "stage": "import", "seconds": {}, "images": 0, "predicted": 0, "skipped": [], "n_skipped": 0,
            "types": {}, "slowest": 0.0, "slowest_image": "", "device": "", "error": "", "image": "",
        }  # fmt: skip

    def write(self) -> None:
        """Write it whole."""
        with open(self._path + ".partial", "w", encoding="utf-8") as file:
            json.dump(self.values, file)
        os.replace(self._path + ".partial", self._path)

    def enter(self, stage: str, begun: float) -> float:
        """Close a stage that began at `begun` and open the next."""
        now = time.perf_counter()
        self.values["seconds"][self.values["stage"]] = now - begun  # type: ignore[index]
        self.values["stage"] = stage
        self.write()
        return now


def ingest(images: str, output: str, submission: str, report: Report) -> None:
    """Import the submission, load it, and score a folder of images with it.

    Parameters
    ----------
    images, output, submission : str
        Folders.
    report : Report
    """
    values = report.values
    begun = time.perf_counter()
    sys.path.append(submission)
    from PIL import Image

    model_class = __import__("model", fromlist=["Model"]).Model
    begun = report.enter("load", begun)
    model = model_class()
    model.load()
    if hasattr(model, "device"):
        values["device"] = str(model.device)[:_KEPT]
    begun = report.enter("predict", begun)
    names = os.listdir(images)
    values["images"] = len(names)
    types: dict[str, int] = {}
    skipped: list[list[str]] = []
    with open(os.path.join(output, "predictions.txt"), "w", encoding="utf-8") as file:
        for place, name in enumerate(names):
            path = os.path.join(images, name)
            if os.path.isdir(path):
                values["images"] -= 1  # type: ignore[operator]
                continue
            try:
                picture = Image.open(path)
            except Exception as error:
                print(f"{path}: {error}")
                values["n_skipped"] += 1  # type: ignore[operator]
                skipped.append([name, f"{type(error).__name__}: {error}"[:_KEPT]])
                values["skipped"] = skipped[:_KEPT]
                continue
            values["image"] = name
            started = time.perf_counter()
            score = model.predict(picture)
            taken = time.perf_counter() - started
            kind = f"{type(score).__module__}.{type(score).__qualname__}"[:_KEPT]
            types[kind] = types.get(kind, 0) + 1
            values["types"] = types
            if taken > values["slowest"]:  # type: ignore[operator]
                values["slowest"], values["slowest_image"] = taken, name
            line = f"{name},{round(score, 4)}"
            file.write(line if place == len(names) - 1 else line + "\n")
            values["predicted"] += 1  # type: ignore[operator]
    values["image"] = ""
    report.enter("done", begun)


def main() -> int:
    """Ingest; on an exception leave the report and the traceback, as the official program does."""
    images, output, submission = (os.path.abspath(place) for place in sys.argv[1:4])
    report = Report(os.path.join(output, "ingestion_report.json"))
    report.write()
    try:
        ingest(images, output, submission, report)
    except BaseException as error:
        report.values["error"] = f"{type(error).__name__}: {error}"[:1000]
        report.write()
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
