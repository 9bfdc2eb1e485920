"""Weights from a hub that is imitated on loopback: the real download code runs."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import clip_models
import hub_server
import numpy as np
import pytest

from hybridwing.backbones import hub as module
from hybridwing.backbones.base import BackboneSpec
from hybridwing.backbones.compute import Compute
from hybridwing.backbones.hub import fetch
from hybridwing.backbones.load import load
from hybridwing.backbones.local import LocalBackbone
from hybridwing.backbones.request import Backbone, name_again
from hybridwing.errors import BackboneError, MissingExtraError
from hybridwing.runtime.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

huggingface_hub = pytest.importorskip("huggingface_hub", reason="the extra 'torch' is not installed")
torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
transformers = pytest.importorskip("transformers", reason="the extra 'torch' is not installed")

FIRST, SECOND = "a" * 40, "b" * 40


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[hub_server.Hub]:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.file_download.time, "sleep", lambda _: None)
    with hub_server.serving() as server:
        yield server


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def repository(folder: Path, **values: Any) -> hub_server.Repository:
    return hub_server.Repository({path.name: path.read_bytes() for path in folder.iterdir()}, **values)


def fetched(hub: hub_server.Hub, cache: Path, name: str = "o/model", *args: Any, **options: Any) -> module.Fetched:
    with hub.in_place_of_the_hub(cache):
        return fetch(name, *args, **options)


def refusal(*args: Any, **options: Any) -> str:
    with pytest.raises(BackboneError) as caught:
        fetched(*args, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def embedded(folder: Path, layout: str | None = None) -> np.ndarray:
    picture = np.random.default_rng(1).normal(size=(3, 32, 32)).astype(np.float32)
    return LocalBackbone(folder, Backbone("x"), Compute(device="cpu"), layout).forward([picture])


def test_a_model_of_hugging_face(hub, tmp_path, save):
    folder = save("DINOv2")
    hub.repositories["o/model"] = repository(folder)
    got = fetched(hub, tmp_path / "cache")
    assert (got.layout, got.source) == ("transformers", f"o/model@{FIRST}")
    np.testing.assert_array_equal(embedded(got.folder), embedded(folder))
    assert sorted(path.name for path in got.folder.iterdir()) == [
        "config.json", "model.safetensors", "preprocessor_config.json",
    ]  # fmt: skip


def test_sharded_weights_come_with_all_their_shards(hub, tmp_path, save):
    folder = save("DINOv2")
    whole = embedded(folder)
    model = transformers.AutoModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="5KB")
    hub.repositories["o/model"] = repository(folder)
    got = fetched(hub, tmp_path / "cache", "o/model", FIRST)
    assert len(list(got.folder.glob("model-*.safetensors"))) > 1
    np.testing.assert_array_equal(embedded(got.folder), whole)
    asked = len(hub.asked)
    assert fetched(hub, tmp_path / "cache", "o/model", FIRST) == got
    assert len(hub.asked) == asked
    next(got.folder.glob("model-00002-*.safetensors")).unlink()
    assert "model-00002-of-" in refusal(hub, tmp_path / "cache", "o/model", FIRST, offline=True)


def test_a_model_of_open_clip_and_nothing_else_of_its_repository(hub, tmp_path):
    folder = clip_models.write(tmp_path / "clip")
    for name in ("README.md", "open_clip_pytorch_model.bin", "tokenizer.json", "config.json"):
        (folder / name).write_bytes(b"{}")
    hub.repositories["o/model"] = repository(folder)
    got = fetched(hub, tmp_path / "cache")
    assert got.layout == "open_clip"
    assert sorted(path.name for path in got.folder.iterdir()) == [
        "open_clip_config.json", "open_clip_model.safetensors",
    ]  # fmt: skip
    np.testing.assert_array_equal(embedded(got.folder, "open_clip"), embedded(folder, "open_clip"))


def test_of_two_layouts_the_one_that_is_asked_for(hub, tmp_path, save):
    folder = save("ViT")
    clip_models.write(folder)
    hub.repositories["o/model"] = repository(folder)
    assert fetched(hub, tmp_path / "a").layout == "transformers"
    assert fetched(hub, tmp_path / "b", layout="open_clip").layout == "open_clip"


def test_a_pinned_commit_in_the_cache_is_not_asked_for_again(hub, tmp_path, no_network_later):
    hub.repositories["o/model"] = repository(clip_models.write(tmp_path / "clip"), commits=(FIRST, SECOND))
    got = fetched(hub, tmp_path / "cache", "o/model", FIRST)
    assert got.source == f"o/model@{FIRST}"
    no_network_later()
    assert fetched(hub, tmp_path / "cache", "o/model", FIRST) == got


@pytest.fixture
def no_network_later(request: pytest.FixtureRequest) -> Callable[[], None]:
    return lambda: request.getfixturevalue("no_network")


def test_without_a_revision_the_newest_is_taken_and_its_commit_told(hub, tmp_path, no_network_later):
    hub.repositories["o/model"] = repository(clip_models.write(tmp_path / "clip"))
    assert fetched(hub, tmp_path / "cache").source == f"o/model@{FIRST}"
    hub.repositories["o/model"].commits = (FIRST, SECOND)
    newest = fetched(hub, tmp_path / "cache")
    assert newest.source == f"o/model@{SECOND}"
    no_network_later()
    assert fetched(hub, tmp_path / "cache", offline=True) == newest


@pytest.mark.usefixtures("no_network")
def test_offline_nothing_is_asked_and_the_command_is_named(hub, tmp_path):
    said = refusal(hub, tmp_path / "cache", "o/model", FIRST, "open_clip", offline=True)
    assert said == (
        f"o/model at {FIRST}: open_clip_config.json is not in the hub's cache ({tmp_path / 'cache'}), and offline "
        "nothing is fetched; where there is a network, fetch it with: hf download o/model open_clip_config.json "
        f"open_clip_model.safetensors --revision {FIRST}"
    )
    said = refusal(hub, tmp_path / "cache", offline=True)
    assert "o/model: config.json is not in the hub's cache" in said
    assert said.endswith("hf download o/model --include '*.json' --include '*.safetensors'")


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("value", ["1", "on", "YES", "True"])
def test_the_hubs_own_variable_means_offline(hub, tmp_path, monkeypatch, value):
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    assert "offline nothing is fetched" in refusal(hub, tmp_path / "cache")


@pytest.mark.usefixtures("no_network")
def test_the_hubs_own_setting_means_offline(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert "offline nothing is fetched" in refusal(hub, tmp_path / "cache")


@pytest.mark.parametrize("layout", ["open_clip", "transformers"])
def test_the_command_that_is_named_fetches_what_was_missing(hub, tmp_path, save, layout):
    folder = clip_models.write(tmp_path / "clip") if layout == "open_clip" else save("ViT")
    hub.repositories["o/model"] = repository(folder)
    said = refusal(hub, tmp_path / "cache", "o/model", None, layout, offline=True)
    command = shlex.split(said.rpartition("fetch it with: ")[2])
    program = Path(sys.executable).with_name(command[0])
    if not program.is_file():
        pytest.skip("the command hf is not installed beside this Python")
    environment = {
        **os.environ, "HF_ENDPOINT": hub.endpoint, "HF_HUB_CACHE": str(tmp_path / "cache"), "HF_HOME": str(tmp_path),
    }  # fmt: skip
    done = subprocess.run(
        [program, *command[1:]], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    got = fetched(hub, tmp_path / "cache", "o/model", None, layout, offline=True)
    np.testing.assert_array_equal(embedded(got.folder, layout), embedded(folder, layout))


def test_a_missing_preprocessing_is_not_guessed(hub, tmp_path, save):
    hub.repositories["o/model"] = repository(save("ViT"))
    got = fetched(hub, tmp_path / "cache")
    (got.folder / "preprocessor_config.json").unlink()
    assert "preprocessor_config.json is not in the hub's cache" in refusal(hub, tmp_path / "cache", offline=True)
    del hub.repositories["o/model"].files["preprocessor_config.json"]
    hub.repositories["o/model"].commits = (SECOND,)
    without = fetched(hub, tmp_path / "cache")
    assert fetched(hub, tmp_path / "cache", offline=True) == without


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("gated", "o/model is gated: accept its licence at https://huggingface.co/o/model with an account of your own"),
        ("absent", "the hub has no repository o/model that is open to you; check the name, or log in with: hf auth"),
        ("broken", "o/model could not be fetched: Server error '500 Internal Server Error'"),
        ("cut", "o/model could not be fetched: "),
    ],
)
def test_troubles_of_the_hub(hub, tmp_path, trouble, said):
    hub.repositories["o/model"] = repository(clip_models.write(tmp_path / "clip"), trouble=trouble)
    assert said in refusal(hub, tmp_path / "cache")
    hub.repositories["o/model"].trouble = ""
    assert embedded(fetched(hub, tmp_path / "cache").folder).shape == (1, clip_models.DIMENSION)


def test_a_hub_that_cannot_be_reached(hub, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        hub.port = free.getsockname()[1]  # held, so that no other process listens there meanwhile
        refused = refusal(hub, tmp_path / "cache")
    assert "(what is in the hub's cache can be used without the network: --offline" in refused


def test_a_revision_that_is_not_there(hub, tmp_path):
    hub.repositories["o/model"] = repository(clip_models.write(tmp_path / "clip"))
    assert "o/model has no revision v9; give a commit" in refusal(hub, tmp_path / "cache", "o/model", "v9")


def test_a_name_that_is_none(hub, tmp_path):
    assert "'a/b/c' is no name of a repository; write OWNER/NAME" in refusal(hub, tmp_path / "cache", "a/b/c")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"README.md": b""},
            "holds no model that can be loaded; looked for config.json with model.safetensors or open_",
        ),
        ({"config.json": b"{}", "pytorch_model.bin": b""}, "hf download o/model config.json preprocessor_config.json"),
        ({"open_clip_config.json": b"{}", "open_clip_pytorch_model.bin": b""}, "a pickle alone, open_clip_pytorch_mod"),
        (
            {"config.json": b"{}", "a.bin": b"", "pytorch_model.bin": b""},
            "config.json preprocessor_config.json pytorch_model.bin --local-dir model && python -m hybridwing",
        ),
        (
            {"config.json": b"{}", "pytorch_model-00001-of-00002.bin": b"", "pytorch_model.bin.index.json": b"{}"},
            "o/model holds no safetensors; pytorch_model-00001-of-00002.bin is a pickle, which could run code when "
            "loaded and is refused; hybridwing converts open_clip_pytorch_model.bin beside open_clip_config.json or",
        ),
        ({"config.json": b"{}", "model.safetensors.index.json": b"{}"}, "does not say which files hold the weights"),
        (
            {"config.json": b"{}", "model.safetensors.index.json": b'{"weight_map": {"a": "../../x.safetensors"}}'},
            "names '../../x.safetensors', which is no safetensors file beside it",
        ),
    ],
)
def test_repositories_that_do_not_serve(hub, tmp_path, files, said):
    hub.repositories["o/model"] = hub_server.Repository(files)
    answer = refusal(hub, tmp_path / "cache")
    assert said in answer
    assert answer.startswith("o/model")


def test_a_pickle_of_timm_is_not_said_to_be_convertible(hub, tmp_path):
    hub.repositories["o/model"] = hub_server.Repository({"config.json": b"{}", "pytorch_model.bin": b""})
    answer = refusal(hub, tmp_path / "cache", "o/model", None, "timm")
    assert answer.endswith(
        "pytorch_model.bin, which could run code when loaded and is refused; take another model of timm"
    )


def test_the_library_may_be_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="fetching o/model needs the package 'huggingface_hub'"):
        fetch("o/model")


@pytest.fixture
def registry_hub(hub, tmp_path):
    """What `load` fetches comes from the imitated hub."""
    with hub.in_place_of_the_hub(tmp_path / "cache"):
        yield hub


def test_a_named_backbone(registry_hub, tmp_path):
    pinned = "2957b322090f9cb17ae72c71981c7218a28d81e0"
    files = repository(clip_models.write(tmp_path / "clip"), commits=(pinned, SECOND))
    registry_hub.repositories["imageomics/bioclip-2"] = files
    backbone = load("bioclip-2", Compute(device="cpu"))
    spec = backbone.spec
    assert (spec.name, spec.family, spec.feature) == ("bioclip-2", "open_clip", "projected")
    assert spec.source == f"imageomics/bioclip-2@{pinned}"
    local = load(f"local:{tmp_path / 'clip'}", Compute(device="cpu"))
    assert local.spec.key == spec.key
    registry_hub.repositories.clear()
    offline = load("bioclip-2", Compute(device="cpu", offline=True))
    assert offline.spec == spec


def test_any_repository_by_name_is_found_again_by_its_commit(registry_hub, tmp_path, save):
    registry_hub.repositories["o/model"] = repository(save("DINOv2"), commits=(FIRST, SECOND))
    spec = load(Backbone("hf:o/model", feature="cls"), Compute(device="cpu")).spec
    assert spec.name == f"hf:o/model@{SECOND}"
    assert (spec.source, spec.feature, spec.dimension) == (f"o/model@{SECOND}", "cls", 16)
    registry_hub.repositories["o/model"].commits = (FIRST, SECOND, "c" * 40)
    assert load(Backbone(spec.name, feature="cls"), Compute(device="cpu")).spec == spec
    assert load(f"hf:o/model@{FIRST}", Compute(device="cpu")).spec.source == f"o/model@{FIRST}"


def test_the_first_bioclip_says_how_to_convert_it(registry_hub, tmp_path):
    folder = clip_models.write(tmp_path / "clip")
    (folder / "open_clip_model.safetensors").rename(folder / "open_clip_pytorch_model.bin")
    registry_hub.repositories["imageomics/bioclip"] = repository(folder, commits=(FIRST,))
    with pytest.raises(BackboneError) as caught:
        load("bioclip")
    said = str(caught.value)
    assert (
        "imageomics/bioclip holds its weights as a pickle alone, open_clip_pytorch_model.bin, which could run" in said
    )
    assert (
        "hf download imageomics/bioclip open_clip_config.json open_clip_pytorch_model.bin --local-dir bioclip && "
        "python -m hybridwing.backbones.convert bioclip; then use local:bioclip"
    ) in said


def test_the_first_bioclip_is_taken_where_a_newer_commit_holds_safetensors(registry_hub, tmp_path):
    folder = clip_models.write(tmp_path / "clip")
    registry_hub.repositories["imageomics/bioclip"] = repository(folder, commits=(FIRST, SECOND))
    spec = load("bioclip", Compute(device="cpu")).spec
    assert (spec.name, spec.source) == ("bioclip", f"imageomics/bioclip@{SECOND}")


def test_a_run_finds_the_weights_it_was_made_with_again(registry_hub, tmp_path):
    old, new = clip_models.write(tmp_path / "old"), clip_models.write(tmp_path / "new", clip_models.tensors(seed=1))
    registry_hub.repositories["imageomics/bioclip"] = repository(old, commits=(SECOND,))
    spec = load("bioclip", Compute(device="cpu")).spec
    registry_hub.repositories["imageomics/bioclip"] = repository(new, commits=(FIRST,))
    assert load("bioclip", Compute(device="cpu")).spec.key != spec.key
    registry_hub.repositories.clear()
    assert name_again(spec) == f"bioclip@{SECOND}"
    for offline in (False, True):
        again = load(name_again(spec), Compute(device="cpu", offline=offline)).spec
        assert (again.key, again.source) == (spec.key, spec.source)
    assert name_again(again) == name_again(spec)


def test_a_list_that_pins_another_commit_later_does_not_matter(registry_hub, tmp_path):
    registry_hub.repositories["imageomics/bioclip-2"] = repository(
        clip_models.write(tmp_path / "clip"), commits=(FIRST, SECOND)
    )
    backbone = load(f"bioclip-2@{FIRST}", Compute(device="cpu"))
    assert backbone.spec.source == f"imageomics/bioclip-2@{FIRST}"


@pytest.mark.parametrize(
    ("name", "source", "again"),
    [
        ("pattern", "", "pattern"),
        ("local:/a@b", "", "local:/a@b"),
        (f"hf:o/m@{FIRST}", f"o/m@{FIRST}", f"hf:o/m@{FIRST}"),
        ("dinov2-base", f"facebook/dinov2-base@{FIRST}", f"dinov2-base@{FIRST}"),
        ("dinov2-base@main", f"facebook/dinov2-base@{FIRST}", f"dinov2-base@{FIRST}"),
        # Made when the list named another repository: the commit is none of this one's.
        ("dinov2-base", f"elsewhere/dinov2-base@{FIRST}", "dinov2-base"),
        ("timm:vit", f"timm/vit@{FIRST}", f"timm:vit@{FIRST}"),
    ],
)
def test_names_that_find_the_same_again(name, source, again):
    assert name_again(BackboneSpec(name, "x", "x", "", "cls", 3, Preprocess(), source)) == again


@pytest.mark.usefixtures("no_network")
def test_offline_the_first_bioclip_says_how_to_convert_it(registry_hub):
    pinned = "ce901ab3c6a913f9e9ef94ce6d27761069f4f01c"
    with pytest.raises(BackboneError) as caught:
        load("bioclip", Compute(offline=True))
    assert (
        "offline nothing is fetched; where there is a network, and where you trust its source, convert its pickle, "
        "open_clip_pytorch_model.bin, once with: hf download imageomics/bioclip open_clip_config.json "
        f"open_clip_pytorch_model.bin --revision {pinned} --local-dir bioclip && python -m "
        "hybridwing.backbones.convert bioclip; then use local:bioclip"
    ) in str(caught.value)
    # Of a commit that a run was made with safetensors were fetched once: they can be fetched again.
    with pytest.raises(BackboneError, match=f"fetch it with: hf download .* --revision {SECOND}"):
        load(f"bioclip@{SECOND}", Compute(offline=True))


def test_a_whole_run_through_the_environment(hub, tmp_path):
    """In a process of its own: the library reads its address when it is imported."""
    hub.repositories["o/model"] = repository(clip_models.write(tmp_path / "clip"))
    program = (
        "import json; from hybridwing.backbones.load import load; from hybridwing.backbones.compute import Compute; "
        "a, b = (load('hf:o/model', Compute(device='cpu', offline=off)).spec for off in (False, True)); "
        "print(json.dumps([a.source, a == b, a.dimension]))"
    )
    environment = {**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "home")}
    for name in ("HF_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [f"o/model@{FIRST}", True, clip_models.DIMENSION]
