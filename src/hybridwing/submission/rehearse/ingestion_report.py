"""What the ingestion program says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hybridwing.submission.sandbox.left_behind import LeftBehindError, read_file

if TYPE_CHECKING:
    from pathlib import Path

#: Name of the file; also in ``ingestion.py``, which imports nothing of this package.
REPORT = "ingestion_report.json"
#: A report larger than this is not one that the ingestion wrote.
_MOST_BYTES = 1 << 20
_Text = Annotated[str, Field(max_length=1000)]
_Count = Annotated[int, Field(ge=0, le=10**9)]
_Seconds = Annotated[float, Field(ge=0, le=1e9)]


class IngestionReport(BaseModel):
    """What the ingestion says of itself. A submission can forge it: it explains, and decides nothing.

    Attributes
    ----------
    stage : str
        Reached: ``"import"``, ``"load"``, ``"predict"`` or ``"done"``.
    seconds : dict of str to float
        By stage that was completed.
    images, predicted, n_skipped : int
        Files in the folder, scored, and not opened by Pillow.
    skipped : tuple of (str, str)
        The first of these, with the reason.
    types : dict of str to int
        Types of the returned scores.
    slowest : float
        Seconds of the slowest image, and its name in `slowest_image`.
    device : str
        What the model says it runs on.
    error, image : str
        The exception that ended it, and the image it was at.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    stage: _Text = "import"
    seconds: Annotated[dict[_Text, _Seconds], Field(max_length=10)] = {}
    images: _Count = 0
    predicted: _Count = 0
    n_skipped: _Count = 0
    skipped: Annotated[tuple[tuple[_Text, _Text], ...], Field(max_length=100)] = ()
    types: Annotated[dict[_Text, _Count], Field(max_length=20)] = {}
    slowest: _Seconds = 0.0
    slowest_image: _Text = ""
    device: _Text = ""
    error: _Text = ""
    image: _Text = ""

    @property
    def seconds_an_image(self) -> float:
        """Mean time of a prediction; 0 where none was made."""
        return self.seconds.get("predict", 0.0) / self.predicted if self.predicted else 0.0


def read_report(folder: Path) -> IngestionReport:
    """Read the report that an ingestion left; a missing, damaged or badly forged one is as an empty one."""
    try:
        return IngestionReport.model_validate_json(read_file(folder, REPORT, _MOST_BYTES))
    except (LeftBehindError, ValidationError):
        return IngestionReport()
