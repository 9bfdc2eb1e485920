"""Find calls that cannot work on Codabench: downloads, worker processes, fixed devices, questions and exits."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from hybridwing.submission.check.findings import Check, or_pass
from hybridwing.submission.check.syntax import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridwing.submission.check.syntax import Module

_BUNDLE = "put the weights into the submission and load them from __file__; at least pin the revision"
_FETCH = re.compile(
    r"(.*\.)?(hf_hub_download|snapshot_download|load_state_dict_from_url|urlopen|urlretrieve|download_url|cached_download"
    r"|download_model)|(requests|httpx)\.(get|post|request|stream)|torch\.hub\.load|hub\.load|wget\.download|gdown\.\w+"
)
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
#: Calls that make a network by name, whose weights come from a hub if these arguments ask for them.
_MAKERS = re.compile(r"(.*\.)?(create_model\w*|get_model|pipeline)|(.*\.)?models\.\w+|.*applications\.\w+")
_EXITS = ("sys.exit", "exit", "quit", "os._exit", "os.abort")
_ASKS = ("input", "breakpoint", "pdb.set_trace", "ipdb.set_trace", "getpass.getpass")
_POOLS = re.compile(
    r"(.*\.)?(ProcessPoolExecutor|multiprocessing\.Pool|mp\.Pool|Pool|mp\.Process|multiprocessing\.Process)"
)


def check_code(modules: tuple[Module, ...], names: tuple[str, ...]) -> list[Check]:
    """Look for each kind of call. A kind that is not found is a pass."""
    kinds = (
        ("downloads", "nothing is fetched from the network", [c for m in modules for c in _downloads(m, names)]),
        ("worker processes", "no DataLoader workers or process pools", [c for m in modules for c in _workers(m)]),
        ("devices", "the device is not fixed", [c for m in modules for c in _devices(m)]),
        ("exits", "no questions to the user and no exits", [c for m in modules for c in _exits(m)]),
    )
    return [check for name, finding, found in kinds for check in or_pass(found, name, finding)]


def _downloads(module: Module, names: tuple[str, ...]) -> Iterator[Check]:
    for name, call in module.calls():
        what = _download(module, name, call, names)
        if what:
            finding = f"{what}: the network may be off, and the time counts"
            yield Check("downloads", "warn", finding, _BUNDLE, module.place(call))


def _download(module: Module, name: str, call: ast.Call, names: tuple[str, ...]) -> str | None:
    """What a call downloads, by its name and its arguments; None if it does not."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    first = module.stated(call.args[0] if call.args else keywords.get("pretrained_model_name_or_path"))
    last = name.rpartition(".")[2]
    if last == "from_pretrained":
        local = any(path == first or path.startswith(f"{first}/") for path in names)
        only_local = isinstance(flag := keywords.get("local_files_only"), ast.Constant) and flag.value is True
        if first and _HUB_NAME.fullmatch(first) and not first.startswith(".") and not local and not only_local:
            return f"{name}({first!r}) downloads a model"
        return None
    if _FETCH.fullmatch(name):
        local = isinstance(source := keywords.get("source"), ast.Constant) and source.value == "local"
        return None if local else f"{name}() downloads"
    if _MAKERS.fullmatch(name):
        if first and re.match(r"hf[-_]hub:|local-dir:", first):
            return None if first.startswith("local-dir") else f"{name}({first!r}) downloads a model"
        for key in ("pretrained", "weights"):
            value = keywords.get(key)
            unset = value is None or (isinstance(value, ast.Constant) and value.value in (None, False, ""))
            if not unset and (isinstance(value, ast.Constant) or "Weights" in dotted(value)):
                return f"{name}({key}=…) downloads weights"
    if last in ("run", "call", "check_call", "check_output", "Popen", "system"):
        words = [str(node.value) for node in ast.walk(call) if isinstance(node, ast.Constant)]
        if re.search(r"\b(wget|curl|pip3? install|git clone|huggingface-cli)\b", " ".join(words)):
            return f"{name}() starts a program that downloads"
    return None


def _workers(module: Module) -> Iterator[Check]:
    remedy = "num_workers=0: the container has 64 MB of shared memory, and workers end with a bus error"
    for name, call in module.calls():
        place = module.place(call)
        for keyword in call.keywords:
            if keyword.arg != "num_workers":
                continue
            if not isinstance(keyword.value, ast.Constant):
                finding = f"{name}(num_workers=…) may be more than 0"
                yield Check("worker processes", "warn", finding, remedy, place)
            elif keyword.value.value:
                finding = f"{name}(num_workers={keyword.value.value!r}) starts worker processes"
                yield Check("worker processes", "fail", finding, remedy, place)
        if _POOLS.fullmatch(name):
            finding = f"{name}() starts processes, which share 64 MB of memory on Codabench"
            yield Check("worker processes", "warn", finding, "do the work in predict itself", place)


def _devices(module: Module) -> Iterator[Check]:
    remedy = 'device = "cuda" if torch.cuda.is_available() else "cpu"'
    asks = any(dotted(node).endswith("is_available") for node in module.nodes if isinstance(node, ast.Attribute))
    for node, text in module.texts():
        number = re.fullmatch(r"(?:cuda|gpu|GPU):(\d+)", text)
        if number and number[1] != "0":
            finding = f"{text!r}: a worker has one GPU or none"
            yield Check("devices", "fail", finding, remedy, module.place(node))
        elif (number or text == "cuda") and not asks:
            yield Check("devices", "fail", f"{text!r} without a GPU is an error", remedy, module.place(node))
    for _, call in module.calls():
        if isinstance(call.func, ast.Attribute) and call.func.attr == "cuda" and not asks:
            yield Check("devices", "fail", ".cuda() without a GPU is an error", remedy, module.place(call))


def _exits(module: Module) -> Iterator[Check]:
    for name, call in module.calls():
        if name in _ASKS:
            finding = f"{name}() waits for an answer that nobody gives"
            yield Check("exits", "fail", finding, "remove it", module.place(call))
        elif name in _EXITS:
            finding = f"{name}() ends the whole run, and no score is left"
            remedy = "raise an error in load, and return a score in predict"
            yield Check("exits", "fail", finding, remedy, module.place(call))
