"""Input at fault: exit code 2, one clear line (or the list of faults) on standard error, nothing written."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hybridwing.embeddings.store import read_table


@pytest.fixture
def refused(call):
    """Call the command and return its one line of complaint."""

    def run(*arguments: object) -> str:
        answer = call(*arguments)
        assert answer.code == 2
        assert answer.out == ""
        assert "Traceback" not in answer.err
        assert answer.err.startswith("error: ")
        assert answer.err.count("\n") == 1
        return answer.err.removeprefix("error: ").rstrip("\n")

    return run


@pytest.fixture
def training(files, tmp_path):
    """Arguments of a training that would work."""

    def arguments(*more: object, table: object = None, images: object = None) -> list[object]:
        place = ("--images", images or files.images, "--out", tmp_path / "run")
        known = () if {"--backbone", "--preprocess"} & set(more) else ("--embeddings", files.train_embeddings)
        return ["train", table or files.train, *place, *known, *more]

    yield arguments
    assert not list(tmp_path.glob("*run*"))


def test_a_missing_table(refused, training, tmp_path):
    assert refused(*training(table=tmp_path / "no.csv")) == f"{tmp_path / 'no.csv'}: there is no such file."


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"a,b\n1,2\n", b"\xff\xfe", b"filename\n"])
def test_what_is_no_table(refused, training, tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content)
    assert refused(*training(table=tmp_path / "t.csv")).startswith(f"{tmp_path / 't.csv'}: ")


def test_one_mistake_in_a_whole_column_is_one_line(call, training, tmp_path):
    lines = ["filename,hybrid_stat,subspecies,parent_subspecies_1,parent_subspecies_2"]
    lines += [f"{number}.jpg,{'perhaps' if number < 2 else f'mark {number}'},1.0,," for number in range(14)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    answer = call(*training(table=tmp_path / "t.csv"))
    assert (answer.code, answer.out) == (2, "")
    shown = answer.err.splitlines()
    assert shown[0] == f"error: {tmp_path / 't.csv'}: 14 faults; correct the table and read it again:"
    assert shown[1].startswith(
        "  rows 2, 3, 4 and 11 more: column 'hybrid_stat': 'perhaps', 'mark 2', 'mark 3' and 10 more: "
        "each of them is not a label; write hybrid or non-hybrid"
    )
    assert len(shown) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--backbone", "dino"], "no backbone is called 'dino'"),
        (["--backbone", "local:/no/such/folder"], "no folder /no/such/folder; looked for config.json"),
        (["--backbone", "local:"], "no backbone is called 'local:'"),
        (["--preprocess", "other"], "preprocess must be one of default, sample; got 'other'"),
        (["--preprocess", "sample"], "the pattern backbone cuts the picture itself"),
        (["--detector", "smv"], "unknown detector 'smv'; there are svm, sgd, knn, gaussian"),
        (["--detector", ""], "no detector is named; choose one or more of svm"),
        (["--detector", " , ,"], "no detector is named"),
        (["--split", "alphabetical"], "unknown split 'alphabetical'"),
        (["--test-fraction", "1.5"], "The fraction to test on must be in (0, 1); got 1.5"),
        (["--test-fraction", "nan"], "The fraction to test on must be in (0, 1)"),
        (["--seed", str(2**32)], "seed 4294967296 is out of range"),
        (["--column", "filename"], "--column takes OURS=THEIRS with OURS one of filename, label"),
        (["--column", "=x"], "--column takes OURS=THEIRS"),
        (["--column", "file=x"], "--column takes OURS=THEIRS"),
        (["--column", "label="], "--column takes OURS=THEIRS"),
        (["--column", "label=a", "--column", "label=b"], "--column names label twice: 'a' and 'b'"),
        (["--column", "label=Status"], "lacks the column 'Status'"),
        (["--embeddings", "/no/such.parquet"], "no embedding table at /no/such.parquet"),
    ],
)
def test_options_of_train(refused, training, options, message):
    assert message in refused(*training(*options))


def test_a_local_backbone_in_a_folder_without_a_model(refused, files, tmp_path):
    (tmp_path / "model").mkdir()
    common = (files.train, "--images", files.images, "--backbone", f"local:{tmp_path / 'model'}")
    assert "holds no config.json" in refused("train", *common, "--out", tmp_path / "run")


def test_a_backbone_beside_embeddings_of_another(refused, files, training, tmp_path):
    assert "leave out --backbone" in refused(*training("--view", "forewings"))
    common = (files.train, "--embeddings", files.train_embeddings, "--out", tmp_path / "run")
    for names in ("dinov2-small", "pattern,bioclip"):
        assert "leave out --backbone" in refused("train", *common, "--backbone", names)


def test_a_missing_folder_of_images(refused, files, tmp_path):
    common = (files.train, "--images", tmp_path / "nowhere", "--out", tmp_path / "e.parquet")
    assert refused("embed", *common) == f"no folder of images at {tmp_path / 'nowhere'}; name it with --images"
    assert refused("train", *common).startswith("no folder of images at")


def test_options_of_embed(refused, files, tmp_path):
    folder = ("embed", files.images, "--out", tmp_path / "e.parquet")
    assert "with --images" in refused("embed", files.train, "--out", tmp_path / "e.parquet")
    assert refused(*folder, "--shard", "3/2") == "a shard is 1/n to n/n; got 3/2"
    assert refused(*folder, "--engine", "spark") == "--engine is local or ray; got 'spark'"
    assert refused(*folder, "--address", "auto") == "--address and --ray-workers are for --engine ray"
    assert "too few for 9000 shares" in refused(*folder, "--shard", "1/9000")
    (tmp_path / "empty").mkdir()
    assert "no images found in" in refused("embed", tmp_path / "empty", "--out", tmp_path / "e.parquet")
    assert "is a whole table and no part of one" in refused(
        "embeddings", "merge", files.train_embeddings, "--out", tmp_path / "m.parquet"
    )
    assert not (tmp_path / "e.parquet").exists()


def test_embeddings_that_do_not_fit(refused, files, training):
    message = refused(*training("--embeddings", files.test_embeddings))
    assert "images are not in the embedding table" in message
    assert "is not a readable parquet file" in refused(*training("--embeddings", files.train))


def test_places_that_cannot_be_written_are_found_before_the_work(refused, files, tmp_path, monkeypatch):
    def never(*_: object, **__: object) -> None:
        pytest.fail("the work began")

    for work in ("embeddings.job.embed_to_file", "embeddings.embed.embed_images"):
        monkeypatch.setattr(f"hybridwing.{work}", never)
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("x")
    for verb, source in (("embed", [files.train, "--images"]), ("predict", [files.run])):
        begin = [verb, *source, files.images]
        assert "is a folder; name the ." in refused(*begin, "--out", tmp_path / "folder")
        assert "give it a name that does" in refused(*begin, "--out", tmp_path / "file")
        assert "file is not a folder" in refused(
            *begin, "--out", tmp_path / "file" / "x" / ("y.parquet" if verb == "embed" else "y.csv")
        )
    own = tmp_path / "specimens.csv"
    own.write_bytes(Path(files.test).read_bytes())
    for verb in ("predict", "identify"):
        begin = [verb, files.run, own, "--images", files.images, "--out", own]
        assert refused(*begin).endswith("exists already; choose another name or say --overwrite")
        assert "is the table that is read" in refused(*begin, "--overwrite")
        assert "knows no subspecies or species 'foo'" in refused(*begin[:-2], "--candidates", "foo")
    page = tmp_path / "page.html"
    page.write_text("mine")
    assert "page.html exists already" in refused("report", files.run, "--out", page)
    assert "page.html exists already" in refused("predict", files.run, own, "--images", files.images, "--report", page)
    mine = tmp_path / "mine.parquet"
    pd.DataFrame({"uuid": ["a"]}).to_parquet(mine)
    for begin in (["embed", files.images], ["embeddings", "merge", files.train_embeddings]):
        assert "was not written by `hybridwing embed`" in refused(*begin, "--out", mine)
        assert "give it a name that does" in refused(*begin, "--out", tmp_path / "e.csv")
    assert own.read_bytes() == Path(files.test).read_bytes()
    begin = ["evaluate", files.run, files.test, "--images", files.images]
    assert "exists already" in refused(*begin, "--out", tmp_path / "folder")
    assert "so it is not replaced" in refused(*begin, "--out", tmp_path / "folder", "--overwrite")
    assert "so it is not replaced" in refused(*begin, "--out", tmp_path / "file", "--overwrite")
    assert (tmp_path / "folder" / "thesis.txt").read_text() == "x"
    assert (tmp_path / "file").read_text() == "x"


def test_a_photograph_is_not_overwritten_by_a_ranking(refused, files):
    photograph = next(files.images.iterdir())
    before = photograph.read_bytes()
    assert "does not end in .csv, .xlsx or .parquet" in refused("predict", files.run, files.images, "--out", photograph)
    assert photograph.read_bytes() == before


@pytest.mark.parametrize("verb", ["evaluate", "predict"])
def test_what_is_no_run(refused, files, tmp_path, verb):
    more = [files.test, "--images", files.images] if verb == "evaluate" else [files.images]
    assert "is no run folder: it has no run.json" in refused(verb, tmp_path, *more)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tnr", "1.5"], "the true-negative rate must be within (0, 1); got 1.5"),
        (["--detector", "sgd"], "has no detector 'sgd'; it has svm, knn"),
        (["--backbone", "dino"], "no backbone is called 'dino'"),
    ],
)
def test_options_of_predict(refused, files, options, message):
    assert message in refused("predict", files.run, files.images, *options)


def test_nothing_to_rank(refused, files, tmp_path):
    assert "no images found in" in refused("predict", files.run, tmp_path)
    assert "no such file or folder" in refused("predict", files.run, tmp_path / "x.jpg")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("a.jpg,0.5\n", "images have no prediction"),
        ("a.jpg,high\n", "looks like a header"),
        ("filename,score\n", "looks like a header"),
        ("a.jpg,nan\n", "not a finite number"),
        ("a.jpg\n", "1 fields instead of 2"),
    ],
)
def test_bad_predictions(refused, files, tmp_path, content, message):
    (tmp_path / "p.txt").write_text(content)
    assert message in refused("score", tmp_path / "p.txt", files.test)


def test_predictions_against_a_table_that_is_no_reference(refused, files, tmp_path):
    (tmp_path / "p.txt").write_text("".join(f"{uuid},0.5\n" for uuid in read_table(files.train_embeddings).uuids))
    assert "a reference table needs the columns" in refused("score", tmp_path / "p.txt", files.train)
    assert "cannot be read" in refused("score", tmp_path / "none.txt", files.test)


def test_settings_of_simulate(refused, tmp_path):
    assert "from 64 to 4096 pixels (size=, --size); got 5" in refused("simulate", tmp_path / "a", "--size", "5")
    assert "3" in refused("simulate", tmp_path / "a", "--specimens", "3")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    assert "is not an empty folder" in refused("simulate", tmp_path / "full")
    assert "exists already" in refused("quickstart", "--out", tmp_path / "full")
    assert "holds no collection" in refused("quickstart", "--out", tmp_path / "full", "--overwrite")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate", "x", "--seed", "-1"),
        ("simulate", "x", "--specimens", "0"),
        ("simulate", "x", "--size", "big"),
        ("predict", "run", "images", "--tnr", "most"),
        ("embed", "table.csv", "--images", "x", "--out", "y", "--batch-size", "0"),
        ("train", "table.csv"),
        ("simulat",),
        ("score", "--jsn"),
    ],
)
def test_arguments_that_cannot_be_parsed(call, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    answer = call(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("Usage: hybridwing")
    assert answer.err.splitlines()[-1].startswith("Error: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", [0, 1, 3])
def test_debug_shows_the_traceback_wherever_it_stands(call, tmp_path, place):
    from hybridwing.errors import RunError

    arguments = ["predict", "nowhere", str(tmp_path)]
    arguments.insert(place, "--debug")
    with pytest.raises(RunError, match="is no run folder"):
        call(*arguments)


def test_debug_after_two_dashes_is_an_argument(refused, files):
    assert "--debug: no such file or folder" in refused("predict", files.run, "--", "--debug")


def test_a_fault_of_the_system_is_a_line_too(refused, files, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "ranked.csv")

    monkeypatch.setattr("hybridwing.runs.predict.predict", fail)
    assert "No space left on device" in refused("predict", files.run, files.images)


def test_control_characters_in_a_name_are_shown_and_not_obeyed(refused, files):
    message = refused("predict", files.run, "\x1b[2Jbad name [bold]x[/bold] :bug:")
    assert message.startswith(r"\x1b[2Jbad name")
    assert "[bold]x[/bold] :bug:" in message


@pytest.mark.parametrize("where", ["hybridwing.simulate.collection.simulate", "hybridwing.cli.command.app"])
def test_ctrl_c_in_this_process(call, tmp_path, monkeypatch, where):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(where, interrupt)
    answer = call("simulate", tmp_path / "out")
    assert (answer.code, answer.out, answer.err) == (130, "", "interrupted\n")
