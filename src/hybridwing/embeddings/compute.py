"""How embeddings are computed, as one value: none of it changes that of a sound picture, up to the last digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridwing.backbones.registry import load_again, load_backbone, name_again
from hybridwing.images.decode import MAX_MEGAPIXELS, ReadOptions

if TYPE_CHECKING:
    from hybridwing.backbones.base import Backbone, BackboneSpec
    from hybridwing.embeddings.cache import EmbeddingCache


@dataclass(frozen=True)
class Compute:
    """Where and how to compute.

    Attributes
    ----------
    device, precision, runtime : str
    offline : bool
        See :func:`hybridwing.backbones.registry.load_backbone`.
    cache : EmbeddingCache, optional
        Where embeddings that are known are looked up, and new ones are kept.
    allow_damaged : bool
    max_megapixels : float
        See :class:`hybridwing.images.decode.ReadOptions`.
    """

    device: str = "auto"
    precision: str = "auto"
    runtime: str = "torch"
    offline: bool = False
    cache: EmbeddingCache | None = None
    allow_damaged: bool = False
    max_megapixels: float = MAX_MEGAPIXELS

    @property
    def reading(self) -> ReadOptions:
        """Which pictures are read, and which are failures."""
        return ReadOptions(self.allow_damaged, self.max_megapixels)

    def load(
        self,
        name: str,
        *,
        preprocess: str = "default",
        view: str = "whole",
        feature: str = "default",
        background: str | None = None,
    ) -> Backbone:
        """Make a backbone ready to compute in this way; see :func:`hybridwing.backbones.registry.load_backbone`."""
        return load_backbone(
            name,
            preprocess=preprocess,
            view=view,
            feature=feature,
            device=self.device,
            precision=self.precision,
            runtime=self.runtime,
            offline=self.offline,
            background=background,
        )

    def load_again(self, spec: BackboneSpec, *, preprocess: str = "default", names: str | None = None) -> Backbone:
        """Make the backbone of a description ready; `names` says where it is now, if its folder was moved.

        For a composite these are several with commas between, see
        :func:`hybridwing.backbones.registry.load_again`.
        """
        if not spec.parts:
            name, view = names or name_again(spec), spec.preprocess.view
            around = spec.preprocess.background or None
            return self.load(name, preprocess=preprocess, view=view, feature=spec.feature, background=around)
        return load_again(
            spec,
            names=names,
            preprocess=preprocess,
            device=self.device,
            precision=self.precision,
            runtime=self.runtime,
            offline=self.offline,
        )


#: With what the machine has, without a cache.
DEFAULT = Compute()
