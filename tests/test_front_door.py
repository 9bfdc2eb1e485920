"""The public names: what README shows runs as it is written, and each stage takes what the one before gave."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import hybridwing as hw
from hybridwing.embeddings.store import read_table

ROOT = Path(__file__).parents[1]
SPLIT = {"split_method": "stratified", "test_fraction": 0.4}


@pytest.fixture
def made(small):
    return small[0]


@pytest.fixture
def embeddings(small):
    return small[1]


@pytest.fixture
def some_images(made, tmp_path):
    """A folder of a few of its photographs."""
    folder = tmp_path / "some"
    folder.mkdir()
    for path in sorted(made.images.iterdir())[:8]:
        (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture(scope="module")
def run(small, tmp_path_factory):
    made, embeddings, _ = small
    return hw.train(made.train, embeddings, tmp_path_factory.mktemp("door") / "run", detectors=["svm"], **SPLIT)


def test_a_bare_import_brings_nothing_heavy():
    heavy = ("numpy", "pandas", "sklearn", "torch", "PIL", "matplotlib", "pyarrow")
    program = f"import sys, hybridwing; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", hw.__all__)
def test_every_public_name_is_there_and_shows_an_example(name):
    assert ">>> " in (getattr(hw, name).__doc__ or ""), name
    assert name in dir(hw)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="has no attribute 'predict'; it has Backbone, Compute"):
        _ = hw.predict


def readme_snippet() -> str:
    (found,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    return found


def run_snippet(table: Path, images: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """The snippet of README as it is written, in a folder that holds the files it names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYBRIDWING_WEIGHTS", str(weights))
    shutil.copy(table, "specimens.csv")
    Path("photos").symlink_to(images)
    Path("drawer").mkdir()
    for path in sorted(images.glob("*"))[:6]:
        shutil.copy(path, "drawer")
    names: dict = {}
    # A few photographs hold too few non-hybrids for a rate of 0.95.
    exec(readme_snippet().replace("tnr=0.95", "tnr=0.8"), names)
    return names


@pytest.mark.torch
@pytest.mark.slow
def test_the_snippet_of_readme_on_simulated_photographs(made, tmp_path, monkeypatch):
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    tiny = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    model = transformers.Dinov2Model(transformers.Dinov2Config(**tiny))
    model.save_pretrained(tmp_path / "weights" / "dinov2-small")
    settings = {"do_resize": True, "size": {"height": 28, "width": 28}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (tmp_path / "weights" / "dinov2-small" / "preprocessor_config.json").write_text(json.dumps(settings))
    names = run_snippet(made.train, made.images, tmp_path / "weights", tmp_path, monkeypatch)
    assert names["embeddings"].backbone.views == "whole,specimen"
    assert len(names["ranked"].to_frame()) == 6
    assert hw.load_run(tmp_path / "run").manifest == names["run"].manifest


@pytest.mark.torch
@pytest.mark.slow
def test_the_snippet_of_readme_on_real_silhouettes_with_real_weights(shared, tmp_path, monkeypatch):
    pytest.importorskip("transformers", reason="needs transformers")
    weights, folder = shared / "weights", shared / "silhouettes"
    if not (weights / "dinov2-small").is_dir() or not folder.is_dir():
        pytest.skip("the weights or the silhouettes are not at hand")
    table = pd.read_csv(folder / "train.csv", dtype=str, keep_default_na=False)
    # Enough of each kind to hold some out.
    few = table.groupby("hybrid_stat").head(8)
    few.to_csv(tmp_path / "few.csv", index=False)
    names = run_snippet(tmp_path / "few.csv", folder / "images", weights, tmp_path, monkeypatch)
    assert names["run"].manifest.backbone.dimension == 2 * 768
    assert len(names["ranked"].to_frame()) == 6


class TestStages:
    @pytest.mark.slow
    def test_each_takes_the_value_or_the_path(self, small, run, tmp_path):
        made, embeddings, tested = small
        stored = hw.embed(made.train, made.images, out=tmp_path / "e.parquet")
        assert np.array_equal(stored.vectors, embeddings.vectors)
        again = hw.train(made.train, tmp_path / "e.parquet", str(tmp_path / "run"), detectors=["svm"], **SPLIT)
        assert again.manifest.embeddings_sha256 == run.manifest.embeddings_sha256
        frame = run.evaluate(made.ref_test, tested, resamples=20).to_frame()
        assert {"detector", "measure", "value", "low", "high"} == set(frame.columns)
        assert "challenge_score" in set(frame["measure"])

    @pytest.mark.slow
    def test_photographs_and_embeddings_are_ranked_alike(self, some_images, run):
        drawer = run.embed(some_images)
        by_pictures, by_numbers = (run.predict(source, tnr=0.8).to_frame() for source in (some_images, drawer))
        assert by_pictures["score"].tolist() == by_numbers["score"].tolist()
        assert [Path(path).name for path in by_pictures["path"]] == by_numbers["path"].map(str).tolist()

    @pytest.mark.slow
    def test_a_pipeline_of_scikit_learn_over_paths(self, made):
        from sklearn.model_selection import cross_val_score
        from sklearn.pipeline import make_pipeline

        table = hw.read_catalogue(made.train)
        # Few of each kind: every photograph is embedded five times.
        rows = np.concatenate([np.flatnonzero(table.labels == label)[:6] for label in (0, 1)])
        paths, labels = [made.images / table.table["filename"].iloc[row] for row in rows], table.labels[rows]
        pipeline = make_pipeline(hw.Embedder("pattern"), hw.make_detector("svm"))
        assert set(pipeline.fit(paths, labels).predict(paths)) <= {0, 1}
        found = cross_val_score(pipeline, np.array([str(path) for path in paths]), labels, scoring="roc_auc", cv=3)
        assert np.isfinite(found).all()

    def test_an_embedder_gives_a_frame_where_it_is_asked_for(self, made):
        from sklearn.exceptions import NotFittedError
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        paths = sorted(made.images.iterdir())[:2]
        embedder = hw.Embedder("pattern")
        with pytest.raises(NotFittedError):
            embedder.get_feature_names_out()
        pipeline = make_pipeline(embedder, StandardScaler()).set_output(transform="pandas")
        frame = pipeline.fit_transform(paths)
        assert frame.shape == (2, embedder.n_features_out_)
        assert list(frame.columns[:2]) == ["embedder0", "embedder1"]
        assert list(pipeline.get_feature_names_out()) == list(frame.columns)

    def test_an_embedder_names_the_images_that_cannot_be_used(self, made, tmp_path):
        (tmp_path / "x.png").write_bytes(b"no picture")
        with pytest.raises(hw.HybridwingError, match=r"1 image cannot be embedded: .*x\.png \(not an image"):
            hw.Embedder("pattern").transform([tmp_path / "x.png", next(made.images.iterdir())])

    def test_only_catalogues_and_evaluations_are_drawn(self, made):
        assert hw.draw(hw.read_catalogue(made.train)).axes
        with pytest.raises(hw.HybridwingError, match="there is a figure of a catalogue and of an evaluation; got str"):
            hw.draw("x")


class TestModelsOfOnesOwn:
    @pytest.mark.slow
    def test_a_callable_on_a_batch(self, made, tmp_path):
        colours = hw.Backbone.from_callable(lambda batch: batch.mean(axis=(2, 3)), name="mean-colour", version="1")
        table = hw.embed(made.train, made.images, colours)
        assert (table.backbone.name, table.backbone.dimension, table.runtime) == ("python:mean-colour", 3, "python")
        run = hw.train(made.train, table, tmp_path / "run", detectors=["knn"], **SPLIT)
        again = hw.load_run(run.folder, backbone=colours)
        assert len(again.predict(made.images, tnr=0.8).images) == len(list(made.images.iterdir()))
        with pytest.raises(hw.HybridwingError, match=r"given from Python; give it again: Backbone\.from_callable"):
            hw.load_run(tmp_path / "run").predict(made.images, tnr=0.8)

    @pytest.mark.torch
    def test_a_torch_module_is_known_by_its_weights(self, made):
        torch = pytest.importorskip("torch", reason="needs torch")
        module = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten())
        linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(4))
        linear(torch.zeros(1, 3, 224, 224))
        one = hw.embed(made.images, backbone=hw.Backbone.from_callable(module, name="pooled"))
        assert (one.backbone.dimension, one.runtime) == (12, "torch")
        from hybridwing.backbones.load import load

        before = load(hw.Backbone.from_callable(linear)).spec.weights_sha256
        torch.nn.init.ones_(linear[1].weight)
        assert before != load(hw.Backbone.from_callable(linear)).spec.weights_sha256 != ""

    @pytest.mark.parametrize(
        ("network", "message"),
        [
            (lambda batch: batch, r"must return an array of shape \(1, d\) for 1 pictures; it returned \(1, 3"),
            (lambda batch: 1 / 0, "failed on a batch"),
        ],
    )
    def test_a_callable_that_does_not_embed(self, made, network, message):
        with pytest.raises(hw.HybridwingError, match=message):
            hw.embed(made.images, backbone=hw.Backbone.from_callable(network))


class TestEmbeddingsMadeElsewhere:
    @pytest.fixture
    def written(self, embeddings, tmp_path):
        """Write the embeddings as other programs do."""

        def write(kind: pa.DataType, names: list[str] | None = None) -> Path:
            keys = names or list(embeddings.uuids)
            table = pa.table(
                {"label": ["?"] * len(keys), "emb": pa.array(embeddings.vectors.tolist(), kind), "uuid": keys}
            )
            pq.write_table(table, tmp_path / "other.parquet")
            return tmp_path / "other.parquet"

        return write

    @pytest.mark.parametrize(
        "kind",
        [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float64(), 862), pa.list_(pa.float32(), 862)],
    )
    def test_every_kind_of_list_gives_the_same_run(self, made, run, written, kind, tmp_path):
        table = hw.read_embeddings(written(kind))
        assert not table.backbone.can_embed
        assert list(table.to_frame().columns) == ["uuid", "label", "emb"]
        other = hw.train(made.train, table, tmp_path / "run", detectors=["svm"], **SPLIT)
        assert other.metrics["svm"] == run.metrics["svm"]
        assert len(other.predict(written(kind), tnr=0.8).images) == len(table)
        with pytest.raises(hw.HybridwingError, match=r"ranks embeddings of that kind .* and cannot embed photographs"):
            other.predict(made.images, tnr=0.8)

    def test_half_precision_is_read(self, written):
        assert hw.read_embeddings(written(pa.list_(pa.float16()))).vectors.dtype == np.float32

    @pytest.mark.parametrize("named", ["/far/away/{}", "C:\\photos\\{}", "{stem}"])
    def test_names_are_matched_where_each_means_one_image(self, made, embeddings, written, named, tmp_path):
        names = [named.format(uuid, stem=Path(uuid).stem) for uuid in embeddings.uuids]
        run = hw.train(made.train, written(pa.list_(pa.float32()), names), tmp_path / "run", detectors=["knn"], **SPLIT)
        assert run.manifest.n_embedded == len(embeddings)

    def test_images_that_the_table_lacks_are_failures(self, made, embeddings, tmp_path):
        frame = pd.DataFrame({"uuid": embeddings.uuids, "emb": list(embeddings.vectors)}).iloc[3:]
        frame.to_parquet(tmp_path / "some.parquet")
        run = hw.train(made.train, tmp_path / "some.parquet", tmp_path / "run", detectors=["knn"], **SPLIT)
        assert [failure.uuid for failure in run.failures] == list(embeddings.uuids[:3])

    def test_a_table_of_other_images_says_what_both_hold(self, made, written, embeddings, tmp_path):
        names = [f"x{number}" for number in range(len(embeddings))]
        with pytest.raises(hw.HybridwingError, match=r"not one image of .* it has the keys x0, x1, .*as 'uuid'"):
            hw.train(made.train, written(pa.list_(pa.float32()), names), tmp_path / "run")

    def test_what_bioclip_embed_writes(self, embeddings, tmp_path):
        values = {
            f"photos/{uuid}": vector.tolist() for uuid, vector in zip(embeddings.uuids, embeddings.vectors, strict=True)
        }
        (tmp_path / "b.json").write_text(json.dumps({"model": "hf-hub:imageomics/bioclip-2", "embeddings": values}))
        assert np.allclose(hw.read_embeddings(tmp_path / "b.json").vectors, embeddings.vectors)

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"embeddings": {"a": [1], "b": [1, 2]}}', '{"embeddings": 3}'])
    def test_json_that_is_something_else(self, tmp_path, text):
        (tmp_path / "b.json").write_text(text)
        with pytest.raises(hw.HybridwingError, match=r"is not what `bioclip embed` writes"):
            hw.read_embeddings(tmp_path / "b.json")

    def test_embeddings_of_another_backbone_are_refused_in_one_way(self, made, run, embeddings):
        colours = hw.embed(made.images, backbone=hw.Backbone.from_callable(lambda batch: batch.mean(axis=(2, 3))))
        message = r"the embeddings were made by python:callable .*, and the run .* is of pattern"
        with pytest.raises(hw.HybridwingError, match=message):
            run.predict(colours, tnr=0.8)
        with pytest.raises(hw.HybridwingError, match=message):
            run.evaluate(made.train, colours)

    @pytest.mark.slow
    def test_ours_carry_what_other_programs_show(self, made, tmp_path):
        hw.embed(made.ref_val, made.images, out=tmp_path / "e.parquet")
        frame = pd.read_parquet(tmp_path / "e.parquet")
        assert list(frame.columns[:2]) == ["uuid", "emb"]
        assert {"label", "subspecies", "record", "specimen", "kingdom", "genus", "species"} <= set(frame.columns)
        assert set(frame["species"]) == {"Heliconius erato", "Heliconius melpomene"}
        assert read_table(tmp_path / "e.parquet").metadata["label"].tolist() == frame["label"].tolist()

    def test_real_tables(self, shared):
        explorer = hw.read_embeddings(shared / "embeddings" / "emb_explorer_example_1k.parquet")
        assert (len(explorer), explorer.backbone.dimension) == (1030, 768)
        assert explorer.metadata["kingdom"].notna().any()

    def test_real_embeddings_named_by_specimen_are_learned_from(self, shared, tmp_path):
        table = hw.read_catalogue(shared / "challenge" / "butterfly_anomaly_train.csv")
        path = shared / "embeddings" / "bioclip_train_subset.parquet"
        run = hw.train(table, path, tmp_path / "run", detectors=["knn"], split_method="stratified")
        assert run.manifest.n_embedded > 200


def test_a_data_frame_stands_for_a_table(small, run):
    made, _, embeddings = small
    frame, table = pd.read_csv(made.ref_test), hw.read_catalogue(made.ref_test)
    for ask in (run.predict, run.identify):
        pd.testing.assert_frame_equal(ask(frame, embeddings).to_frame(), ask(table, embeddings).to_frame())
    evaluated = [run.evaluate(one, embeddings, resamples=50).to_frame() for one in (frame, table)]
    pd.testing.assert_frame_equal(*evaluated)
    few = frame.iloc[:3]
    assert hw.embed(few, made.images, compute=hw.Compute(workers=1)).uuids == tuple(few["filename"])
    assert hw.describe(few).images == 3
