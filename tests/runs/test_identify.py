"""Naming subspecies and parents."""

from __future__ import annotations

from statistics import mode

import pytest

from hybridwing.csv_files import read_rows
from hybridwing.errors import RunError
from hybridwing.runs.identify import COLUMNS, UNLIKE
from hybridwing.runs.train import train


def test_subspecies_are_named_and_parents_stand_apart(trained, data, tmp_path):
    found = trained.identify(data.test_embeddings)
    found.write(tmp_path / "names.csv")
    with (tmp_path / "names.csv").open(newline="", encoding="utf-8") as file:
        lines = list(read_rows(file))
    assert list(lines[0]) == list(COLUMNS)
    assert len(lines) == len(data.test_embeddings.uuids)
    for image, line in zip(found.images, lines, strict=True):
        assert bool(line["identity_1"]) == (not image.reason and not image.is_cross)
        assert bool(line["parent_1"]) == bool(line["parent_2"]) == (not image.reason and image.is_cross)
        assert (image.name == UNLIKE) == bool(image.reason)
        assert 0 < image.looks.hybrid_index < 1
        chances = [probability for _, probability in image.looks.identities]
        assert chances == sorted(chances, reverse=True)
        assert sum(chances) <= 1 + 1e-9


def test_most_non_hybrids_get_their_name(trained, data):
    table = data.train.select(data.train.labels == 0)
    truth = dict(zip(table.uuids, table.subspecies, strict=True))
    found = {str(image.path): image.looks.identities[0][0] for image in trained.identify(data.train_embeddings).images}
    usual = {code: mode(found[uuid] for uuid in truth if truth[uuid] == code) for code in set(truth.values())}
    assert len(set(usual.values())) > len(usual) / 2, "most codes of the table have a name of their own"
    assert sum(found[uuid] == usual[code] for uuid, code in truth.items()) > 0.8 * len(truth)


def test_a_run_that_knows_no_subspecies_says_so(data, tmp_path):
    table = data.train.select(data.train.labels == 0)
    one = table.select(table.subspecies == table.subspecies[0])
    run = train(one, data.train_embeddings, tmp_path / "run")
    with pytest.raises(RunError, match="cannot name subspecies"):
        run.identify(data.test_embeddings)
