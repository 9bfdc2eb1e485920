"""Hold the embedding engine against the bare forward pass, the challenge sample's loop and pybioclip, in one run.

    python benchmarks/embedding.py [--model vit-b-16 | --weights FOLDER] [--images 64] [--rounds 3] [--device auto]
        [--json results.json]

Photographs of 18 megapixels (JPEG, some 5 MB each) are made on the spot, and, where no folder of weights is named, a
model of the true size with random ones: speed does not depend on them. Every round measures, in turn,

- the bare forward pass, on inputs that lie ready in memory, in the engine's batches;
- the engine, from the folder of JPEGs to the parquet file, without its cache;
- the sample's loop, restated from its training code: a Dataset that decodes each photograph in full and squashes it to
  224 × 224, a DataLoader with batches of 4 and 8 worker processes, and embeddings concatenated batch by batch.

The engine and the forward pass are measured with torch and as they come (`auto`: with OpenVINO where it is installed).
Images a second are by the clock; processor time, of all threads and processes together, is what to go by on a machine
that others use too. The stages of a photograph are timed one by one, in one thread but for the forward pass. On a GPU
the share of its peak is what the forward pass reaches of a large matrix product's speed, measured in the same run and
precision.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from decoding import by_pillow
from PIL import Image

from hybridwing.backbones.compute import Compute
from hybridwing.backbones.load import load
from hybridwing.backbones.request import Backbone
from hybridwing.embeddings.embed import photographs
from hybridwing.embeddings.job import embed_to_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybridwing.backbones.base import LoadedBackbone

#: Width, layers, heads, patch of the models; DINOv2 has its own class.
MODELS = {"vit-b-16": (768, 12, 12, 16), "vit-l-14": (1024, 24, 16, 14), "dinov2-base": (768, 12, 12, 14)}
SIZE, SIDE = (5184, 3456), 224
DISTINCT = 8
SAMPLE_BATCH, SAMPLE_WORKERS = 4, 8
#: Where the photographs lie, in the folder of a measurement.
PHOTOGRAPHS = "photographs"


def make_photographs(folder: Path, count: int) -> None:
    """Photographs with a specimen-like blob, a gradient and the noise of a sensor; hard links beyond the first few."""
    folder.mkdir()
    width, height = SIZE
    for number in range(count):
        path = folder / f"{number:04d}.jpg"
        if number >= DISTINCT:
            path.hardlink_to(folder / f"{number % DISTINCT:04d}.jpg")
            continue
        rng = np.random.default_rng(number)
        coarse = rng.normal(150, 45, (54, 81, 3)).clip(0, 255).astype(np.uint8)
        picture = np.asarray(Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC), np.float32)
        picture = picture + rng.normal(0, 5.5, (height, width, 1)).astype(np.float32)
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(path, quality=90)


def make_model(folder: Path, name: str) -> None:
    """A model of the true size, with random weights, in Hugging Face's layout."""
    import torch
    import transformers

    torch.manual_seed(0)
    width, layers, heads, patch = MODELS[name]
    common = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads, "patch_size": patch}
    if name.startswith("dinov2"):
        model = transformers.Dinov2Model(transformers.Dinov2Config(image_size=518, **common))
    else:
        model = transformers.ViTModel(transformers.ViTConfig(intermediate_size=4 * width, **common))
    model.save_pretrained(folder)
    settings = {"size": {"shortest_edge": SIDE}, "do_center_crop": True, "crop_size": SIDE, "resample": 3}
    normal = {"image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28], "do_normalize": True}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings | normal), encoding="utf-8")


def timed(work: Callable[[], object], count: int) -> tuple[float, float]:
    """Images a second by the clock, and a second of processor time, that of child processes included."""
    begun, spent = time.perf_counter(), sum(os.times()[:4])
    work()
    return count / (time.perf_counter() - begun), count / (sum(os.times()[:4]) - spent)


def stages(backbone: LoadedBackbone, folder: Path) -> dict[str, float]:
    """Milliseconds of processor time that each stage of a photograph takes: the best of several."""

    def least(work: Callable[[], object], count: int = 1) -> float:
        spent = []
        for _ in range(5):
            begun = time.process_time()
            work()
            spent.append(time.process_time() - begun)
        return round(1000 * min(spent) / count, 1)

    path = str(next(folder.iterdir()))
    short_side = backbone.spec.preprocess.short_side
    picture, whole = by_pillow(path, short_side), by_pillow(path)
    batch = [backbone.prepare(picture).value] * backbone.batch_size
    return {
        "decode": least(lambda: by_pillow(path, short_side)),
        "preprocess": least(lambda: backbone.prepare(picture)),
        "forward": least(lambda: backbone.forward(batch), len(batch)),
        "sample: decode": least(lambda: by_pillow(path)),
        "sample: resize": least(lambda: whole.resize((SIDE, SIDE), Image.Resampling.BILINEAR)),
    }


def bare(backbone: LoadedBackbone, inputs: list[np.ndarray]) -> None:
    """The forward pass on inputs that lie ready."""
    for start in range(0, len(inputs), backbone.batch_size):
        backbone.forward(inputs[start : start + backbone.batch_size])


def engine(backbone: LoadedBackbone, folder: Path, out: Path) -> None:
    """From the folder to the file."""
    summary = embed_to_file(photographs(folder).items, backbone, out)
    assert summary.embedded == summary.images


class SampleDataset:
    """Full decode, squash, scale and normalise, as the sample does with torchvision."""

    def __init__(self, photographs: Path) -> None:
        self.paths = sorted(photographs.iterdir())

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        import torch

        picture = Image.open(self.paths[index]).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous().float().div(255)
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        return (pixels - mean[:, None, None]) / std[:, None, None], 0


def sample_loop(model: Any, photographs: Path, device: str) -> None:
    """The sample's loop over batches."""
    import torch
    from torch.utils.data import DataLoader

    loader = DataLoader(SampleDataset(photographs), batch_size=SAMPLE_BATCH, shuffle=False, num_workers=SAMPLE_WORKERS)
    features = None
    for pixels, _labels in loader:
        with torch.no_grad():
            made = model(pixel_values=pixels.to(device)).last_hidden_state[:, 0].cpu().numpy()
            features = made if features is None else np.concatenate((features, made), axis=0)


def pybioclip(photographs: Path) -> Callable[[], object] | str:
    """Embed path of pybioclip, with its own model class and random weights; or why it cannot be measured."""
    if importlib.util.find_spec("bioclip") is None:
        return "pybioclip is not installed"
    try:
        import open_clip
        from bioclip.predict import BaseClassifier, preprocess_img

        class Untrained(BaseClassifier):  # type: ignore[misc]  # its way to embed, without weights of the hub
            def load_pretrained_model(self, *_: object, **__: object) -> None:
                self.model = open_clip.create_model("ViT-B-16", pretrained=None).eval()
                self.preprocess = preprocess_img

        classifier = Untrained()
    except Exception as error:  # torchvision beside another torch, a hub that cannot be reached
        return f"pybioclip does not load here: {str(error).splitlines()[0]}"
    paths = [str(path) for path in sorted(photographs.iterdir())]

    def work() -> None:
        for path in paths:
            classifier.create_image_features_for_image(path, normalize=False)

    return work


def peak_share(model: str, images_per_second: float, precision: str) -> float:
    """Share that a forward pass reaches of the speed of a large matrix product, on the GPU."""
    import torch

    width, layers, _, patch = MODELS[model]
    tokens = (SIDE // patch) ** 2 + 1
    # Multiply-adds of a transformer: projections and MLP, 12 × width² a token, and attention, 2 × tokens × width.
    operations = 2 * layers * tokens * (12 * width**2 + 2 * tokens * width) + 2 * tokens * 3 * patch**2 * width
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]
    a = torch.randn(8192, 8192, device="cuda", dtype=kind)
    for _ in range(3):
        a @ a
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(20):
        a @ a
    torch.cuda.synchronize()
    peak = 20 * 2 * 8192**3 / (time.perf_counter() - begun)
    return images_per_second * operations / peak


def measure(arguments: argparse.Namespace, root: Path) -> dict[str, Any]:
    """All rounds."""
    import torch

    make_photographs(root / PHOTOGRAPHS, arguments.images)
    folder = arguments.weights or root / "model"
    if arguments.weights is None:
        make_model(folder, arguments.model)
    runtimes = ["torch", "auto"]
    request = Backbone(f"local:{folder}", feature="cls")
    backbones = {name: load(request, Compute(arguments.device, arguments.precision, name)) for name in runtimes}
    rng = np.random.default_rng(0)
    inputs = list(rng.standard_normal((arguments.images, 3, SIDE, SIDE)).astype(np.float32))
    device = "cuda" if torch.cuda.is_available() and arguments.device != "cpu" else "cpu"
    import transformers

    plain = transformers.AutoModel.from_pretrained(folder).to(device).eval()
    works: dict[str, Callable[[], object]] = {}
    for runtime, backbone in backbones.items():
        bare(backbone, inputs[: 2 * backbone.batch_size])  # compiled, warm
        works[f"bare forward, {runtime}"] = partial(bare, backbone, inputs)
        works[f"engine, {runtime}"] = partial(engine, backbone, root / PHOTOGRAPHS, root / "e.parquet")
    works["sample's loop"] = partial(sample_loop, plain, root / PHOTOGRAPHS, device)
    other = pybioclip(root / PHOTOGRAPHS)
    if callable(other):
        works["pybioclip"] = other
    rounds: dict[str, list[float]] = {name: [] for name in works}
    spent: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(arguments.rounds):
        for name, work in works.items():
            by_clock, by_processor = timed(work, arguments.images)
            rounds[name].append(by_clock)
            spent[name].append(by_processor)
            print(f"{name}: {by_clock:.2f} images/s, {1000 / by_processor:.0f} ms", file=sys.stderr, flush=True)
    sizes = [path.stat().st_size for path in (root / PHOTOGRAPHS).iterdir()]
    report: dict[str, Any] = {
        "model": arguments.model if arguments.weights is None else arguments.weights.name,
        "auto": backbones["auto"].runtime,
        "stages_ms": {name: stages(backbone, root / PHOTOGRAPHS) for name, backbone in backbones.items()},
        "processor_ms": {name: [round(1000 / rate, 1) for rate in rates] for name, rates in spent.items()},
        "images": arguments.images,
        "megabytes_a_photograph": round(statistics.mean(sizes) / 1e6, 2),
        "device": device,
        "precision": backbones["torch"].precision,
        "batch_size": backbones["torch"].batch_size,
        "threads": torch.get_num_threads(),
        "images_per_second": {name: [round(rate, 2) for rate in rates] for name, rates in rounds.items()},
        "not_measured": [] if callable(other) else [other],
    }
    report["ratios"] = ratios(rounds, runtimes)
    report["ratios_of_processor_time"] = ratios(spent, runtimes)
    if device == "cuda" and arguments.weights is None:
        best = max(rounds["bare forward, torch"])
        report["share_of_peak"] = round(peak_share(arguments.model, best, backbones["torch"].precision), 3)
    return report


def ratios(rounds: dict[str, list[float]], runtimes: list[str]) -> dict[str, float]:
    """Medians over the rounds of what was measured side by side."""
    made = {}
    for runtime in runtimes:
        mine = rounds[f"engine, {runtime}"]
        for name in (f"bare forward, {runtime}", "sample's loop", "pybioclip"):
            if name in rounds:
                pairs = zip(mine, rounds[name], strict=True)
                made[f"engine, {runtime} / {name}"] = round(statistics.median(a / b for a, b in pairs), 3)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=MODELS, default="vit-b-16")
    parser.add_argument("--weights", type=Path, help="a folder with a real model, instead")
    parser.add_argument("--images", type=int, default=64, help="photographs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        report = measure(arguments, Path(place))
    print(
        f"{report['model']}, {report['images']} photographs of 18 Mpx and {report['megabytes_a_photograph']} MB, "
        f"{report['device']}, {report['precision']}, batches of {report['batch_size']}\n"
    )
    print(f"auto is {report['auto']}\n\n{'':28}{'images/s':>9}   (least, most)     processor ms an image")
    for name, rates in report["images_per_second"].items():
        extent, ms = f"({min(rates):.2f}, {max(rates):.2f})", statistics.median(report["processor_ms"][name])
        print(f"{name:28}{statistics.median(rates):>9.2f}   {extent:18}{ms:>8.0f}")
    print(f"\n{'':52}{'clock':>7}{'processor':>11}")
    for name, ratio in report["ratios"].items():
        print(f"{name:52}{ratio:>7.2f}{report['ratios_of_processor_time'][name]:>11.2f}")
    for name, parts in report["stages_ms"].items():
        print(f"\nprocessor ms of a photograph, {name}: " + ", ".join(f"{part} {ms}" for part, ms in parts.items()))
    for reason in report["not_measured"]:
        print(f"not measured: {reason}")
    if "share_of_peak" in report:
        print(f"share of the GPU's peak: {report['share_of_peak']:.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
