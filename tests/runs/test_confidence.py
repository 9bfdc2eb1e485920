"""Names of subspecies as they compare, and which embeddings come in parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hybridwing.backbones.base import BackboneSpec
from hybridwing.backbones.pattern import PatternBackbone
from hybridwing.catalogue.schema import COLUMNS, Catalogue
from hybridwing.runs.confidence import blocks_of, named
from hybridwing.runtime.pattern import DIMENSION, PARTS
from hybridwing.runtime.preprocess import Preprocess


def test_codes_become_names_unless_they_are_no_codes_of_the_challenge(data):
    assert set(named(data.train).subspecies) & {"lativitta", "notabilis"}
    strange = data.train.table.assign(subspecies=data.train.table["subspecies"].where(data.train.table["hybrid"], "99"))
    odd = Catalogue(strange.astype(dict(COLUMNS)), "training", data.train.source, "")
    assert named(odd) is odd
    assert named(data.test) is data.test


def test_only_the_descriptor_comes_in_parts(stub):
    spec = PatternBackbone().spec
    assert np.sum(blocks_of(spec)) == DIMENSION
    assert blocks_of(replace(spec, dimension=7)) is None
    assert blocks_of(stub.spec) is None


def test_of_a_composite_every_view_is_a_part_and_the_descriptor_has_its_own(stub):
    pattern, behind = PatternBackbone().spec, replace(stub.spec, preprocess=Preprocess(size=8, view="hindwings"))
    assert blocks_of(BackboneSpec.of_parts([stub.spec, pattern, behind])) == (48, *PARTS, 48)
