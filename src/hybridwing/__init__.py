"""Find hybrid butterflies in photographs of specimens.

Every stage takes what the one before gave::

    import hybridwing as hw

    table = hw.read_catalogue("specimens.csv")
    embeddings = hw.embed(table, "photos", hw.Backbone("dinov2-small", view=("whole", "specimen")))
    run = hw.train(table, embeddings, out="run")  # later: hw.load_run("run")
    ranked = run.predict("drawer/", tnr=0.95)  # ranked.to_frame(), ranked.write("ranked.csv")

Nothing heavy is imported before a name is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hybridwing.backbones.compute import Compute
    from hybridwing.backbones.request import Backbone
    from hybridwing.catalogue.decisions import join_decisions
    from hybridwing.catalogue.describe import describe
    from hybridwing.catalogue.readers import read_catalogue
    from hybridwing.detectors.registry import make_detector
    from hybridwing.download.fetch import download as download_images
    from hybridwing.download.hosts import Politeness
    from hybridwing.download.plan import Sample
    from hybridwing.embeddings.embed import embed
    from hybridwing.embeddings.embedder import Embedder
    from hybridwing.embeddings.foreign import read_embeddings
    from hybridwing.errors import HybridwingError
    from hybridwing.evaluation.challenge_score import score_files as score
    from hybridwing.report.draw import draw
    from hybridwing.runs.run import load_run
    from hybridwing.runs.train import train
    from hybridwing.simulate.collection import simulate as simulate_collection
    from hybridwing.validation.validate import validate

#: Where each public name lives.
_HOMES = {
    "Backbone": "hybridwing.backbones.request",
    "Compute": "hybridwing.backbones.compute",
    "Embedder": "hybridwing.embeddings.embedder",
    "HybridwingError": "hybridwing.errors",
    "Politeness": "hybridwing.download.hosts",
    "Sample": "hybridwing.download.plan",
    "describe": "hybridwing.catalogue.describe",
    "download_images": "hybridwing.download.fetch:download",
    "draw": "hybridwing.report.draw",
    "embed": "hybridwing.embeddings.embed",
    "join_decisions": "hybridwing.catalogue.decisions",
    "load_run": "hybridwing.runs.run",
    "make_detector": "hybridwing.detectors.registry",
    "read_catalogue": "hybridwing.catalogue.readers",
    "read_embeddings": "hybridwing.embeddings.foreign",
    "score": "hybridwing.evaluation.challenge_score:score_files",
    "simulate_collection": "hybridwing.simulate.collection:simulate",
    "train": "hybridwing.runs.train",
    "validate": "hybridwing.validation.validate",
}

__all__ = [
    "Backbone",
    "Compute",
    "Embedder",
    "HybridwingError",
    "Politeness",
    "Sample",
    "describe",
    "download_images",
    "draw",
    "embed",
    "join_decisions",
    "load_run",
    "make_detector",
    "read_catalogue",
    "read_embeddings",
    "score",
    "simulate_collection",
    "train",
    "validate",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hybridwing' has no attribute {name!r}; it has {', '.join(sorted(_HOMES))}")
    home, _, other = _HOMES[name].partition(":")
    value = getattr(importlib.import_module(home), other or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
