"""Summary of an embedding job: counts, and where the time went."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from hybridwing.embeddings.table import Failure


@dataclass(frozen=True)
class Timings:
    """Seconds spent."""

    # These two are summed over the workers, which work beside each other and beside the forward pass.
    decode: float = 0.0
    preprocess: float = 0.0
    forward: float = 0.0
    write: float = 0.0  # Shards and table

    def __add__(self, other: Timings) -> Timings:
        return Timings(
            self.decode + other.decode,
            self.preprocess + other.preprocess,
            self.forward + other.forward,
            self.write + other.write,
        )


@dataclass(frozen=True)
class EmbeddingSummary:
    """What was written, and what it took."""

    out: Path  # The table
    # Images asked for; rows in the table; those of them whose embedding was in the cache; images that an earlier,
    # interrupted call had done (failures among them).
    images: int
    embedded: int
    cached: int
    resumed: int
    failures: tuple[Failure, ...]
    fallbacks: int  # Rows that show another view than the one asked for
    dimension: int  # Length of an embedding
    batch_size: int
    workers: int
    precision: str
    seconds: float  # From the first image to the finished table, by the clock
    timings: Timings
    damaged: int = 0  # Images that are damaged and that this call used as far as they go
    assumed: str = ""  # What had to be assumed of the backbone; empty for most

    @property
    def images_per_second(self) -> float:
        """Of the images that this call looked at."""
        return (self.images - self.resumed) / max(self.seconds, 1e-9)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return {**asdict(self), "out": str(self.out), "images_per_second": self.images_per_second}
