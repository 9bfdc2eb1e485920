"""Do with a submission what the challenge's ingestion program does, and write a report.

Run as ``python ingestion.py IMAGES OUTPUT SUBMISSION``, by whatever interpreter the submission is to run on; imports
the standard library alone, and Pillow where the official program does. Follows ``ingestion_program/ingestion.py`` of
Imageomics/HDR-anomaly-challenge: files in the order in which the folder lists them, folders skipped, files that Pillow
cannot open skipped with a line, one `predict` at a time, ``round(score, 4)``, no newline after the last line, and any
exception ends the run. Beside ``predictions.txt`` it writes ``ingestion_report.json``.

With a fourth argument, ``every``, it goes on after an exception in `predict`, and reports on each file.
"""
# ruff: noqa: PTH100, PTH105, PTH112, PTH118, PTH123, PTH208, T201
# os.listdir and plain paths, as the official program has them: the order and the names must be the same.

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from typing import Any

#: File names and messages kept in the report; a folder may hold any number of files.
_KEPT = 100


class Report:
    """What happened so far. It is rewritten at every stage, so that a run that is killed leaves it too."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._begun = time.perf_counter()
        self.values: dict[str, Any] = {
            "stage": "import", "seconds": {}, "images": 0, "predicted": 0, "skipped": [], "n_skipped": 0,
            "types": {}, "error": "", "image": "", "place": "", "missing": "", "attempts": [],
        }  # fmt: skip

    def write(self) -> None:
        """Write it whole."""
        with open(self._path + ".partial", "w", encoding="utf-8") as file:
            json.dump(self.values, file)
        os.replace(self._path + ".partial", self._path)

    def enter(self, stage: str) -> None:
        """Close the stage that is going on and open the next."""
        now = time.perf_counter()
        self.values["seconds"][self.values["stage"]] = now - self._begun
        self.values["stage"], self._begun = stage, now
        self.write()


def described(error: BaseException, submission: str) -> dict[str, str]:
    """An exception, where in the submission it was raised, and the module that is missing."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename.startswith(submission)]
    place = f"{os.path.relpath(frames[-1].filename, submission)}:{frames[-1].lineno}" if frames else ""
    missing = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    return {"error": f"{type(error).__name__}: {error}"[:500], "place": place[:500], "missing": missing[:500]}


def attempt(model: Any, picture: object, submission: str) -> dict[str, object]:
    """What a prediction gives: type, what is written, the value in full, and the seconds; or the exception."""
    begun = time.perf_counter()
    found: dict[str, object] = {}
    try:
        score = model.predict(picture)
        kind = type(score)
        found["type"] = (kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}")[:500]
        found["written"] = str(round(score, 4))[:_KEPT]
        found["raw"] = repr(float(score))[:_KEPT]
    except BaseException as error:
        found.update(described(error, submission))
    found["seconds"] = time.perf_counter() - begun
    return found


def ingest(images: str, output: str, submission: str, report: Report, every: bool = False) -> None:
    """Import the submission, load it, and score a folder of images with it; all places are folders.

    With `every` it goes on after an exception in `predict`, and takes the images in the order of their names.
    """
    values = report.values
    sys.path.append(submission)
    from PIL import Image

    model_class = __import__("model", fromlist=["Model"]).Model
    report.enter("load")
    model = model_class()
    model.load()
    report.enter("predict")
    names = sorted(os.listdir(images)) if every else os.listdir(images)
    values["images"] = len(names)
    with open(os.path.join(output, "predictions.txt"), "w", encoding="utf-8") as file:
        for place, name in enumerate(names):
            path = os.path.join(images, name)
            if os.path.isdir(path):
                values["images"] -= 1
                continue
            try:
                picture = Image.open(path)
            except Exception as error:
                print(f"{path}: {error}")
                values["n_skipped"] += 1
                if len(values["skipped"]) < _KEPT:
                    values["skipped"].append([name, f"{type(error).__name__}: {error}"[:_KEPT]])
                continue
            values["image"] = name
            if every:
                values["attempts"].append({"file": name, **attempt(model, picture, submission)})
                report.write()
                continue
            score = model.predict(picture)
            kind = f"{type(score).__module__}.{type(score).__qualname__}"[:_KEPT]
            values["types"][kind] = values["types"].get(kind, 0) + 1
            line = f"{name},{round(score, 4)}"
            file.write(line if place == len(names) - 1 else line + "\n")
            values["predicted"] += 1
    values["image"] = ""
    report.enter("done")


def main() -> int:
    """Ingest; on an exception leave the report and the traceback, as the official program does."""
    images, output, submission = (os.path.abspath(place) for place in sys.argv[1:4])
    report = Report(os.path.join(output, "ingestion_report.json"))
    report.write()
    try:
        ingest(images, output, submission, report, every=sys.argv[4:] == ["every"])
    except BaseException as error:
        report.values.update(described(error, submission))
        report.write()
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
