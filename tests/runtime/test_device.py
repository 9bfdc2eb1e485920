from __future__ import annotations

from types import SimpleNamespace

import pytest

from hybridwing.runtime import device as module
from hybridwing.runtime.device import batch_for, free_memory, is_out_of_memory, pick_precision
from hybridwing.runtime.errors import EncoderError

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")
GIB = 1 << 30


@pytest.mark.parametrize(
    ("asked", "device", "capability", "picked"),
    [
        ("auto", CPU, None, "fp32"),
        ("fp32", CPU, None, "fp32"),
        ("bf16", CPU, None, "bf16"),
        ("auto", MPS, None, "fp32"),
        ("fp16", MPS, None, "fp16"),
        ("auto", CUDA, (8, 0), "bf16"),
        ("auto", CUDA, (7, 5), "fp16"),
        ("fp32", CUDA, (9, 0), "fp32"),
        ("fp16", CUDA, (9, 0), "fp16"),
        ("bf16", CUDA, (9, 0), "bf16"),
    ],
)
def test_precisions(monkeypatch, asked, device, capability, picked):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert pick_precision(asked, device) == picked


@pytest.mark.parametrize(
    ("asked", "device", "said"),
    [
        ("fp16", CPU, "the device 'cpu' does not compute in fp16; use fp32"),
        ("bf16", CUDA, "the device 'cuda' does not compute in bf16; use fp16 or fp32"),
        ("int8", CPU, "precision must be one of auto, fp32, bf16, fp16; got 'int8'"),
    ],
)
def test_precisions_that_are_not_there(monkeypatch, asked, device, said):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 0))
    with pytest.raises(EncoderError, match=said):
        pick_precision(asked, device)


@pytest.mark.parametrize(
    ("device", "need", "free", "batch"),
    [
        (CPU, 10 << 20, 8 * GIB, 32),
        (CPU, 100 << 20, 2 * GIB, 4),
        (CPU, 100 << 20, 3 * GIB, 4),
        (CPU, 4 * GIB, 1 * GIB, 1),
        (CPU, 0, 0, 1),
        (CUDA, 100 << 20, 16 * GIB, 64),
        (CUDA, 1 << 20, 80 * GIB, 256),
    ],
)
def test_batches_fit_a_share_of_the_memory(monkeypatch, device, need, free, batch):
    monkeypatch.setattr(module, "free_memory", lambda _: free)
    assert batch_for(need, device) == batch


def test_the_least_of_what_is_told_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(module, "_CGROUP", tmp_path)
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 4000 kB\n")
    assert free_memory(CPU) == 4000 * 1024
    for name, content in (("memory.max", "3000000"), ("memory.current", "2000000"), ("memory.stat", "anon 5\n")):
        (tmp_path / name).write_text(content)
    assert free_memory(CPU) == 1_000_000
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 500000\n")
    assert free_memory(CPU) == 1_500_000
    (tmp_path / "memory.current").write_text("9000000")
    assert free_memory(CPU) == 0
    (tmp_path / "memory.max").write_text("max")
    assert free_memory(CPU) == 4000 * 1024


@pytest.mark.parametrize(
    ("own", "free"),
    [
        ("0::/slurm/job_7/step_0\n", 1000),
        ("12:memory:/elsewhere\n0::/slurm/job_7/step_0\n", 1000),
        ("0::/slurm\n", 4000 * 1024),
        ("0::/slurm/job_8\n", 3000),
        ("0::/\n", 4000 * 1024),
        ("0::/../../slurm/job_7\n", 4000 * 1024),
        ("1:memory:/slurm/job_7\n", 4000 * 1024),
        ("", 4000 * 1024),
        (None, 4000 * 1024),
    ],
)
def test_a_limit_of_a_group_above_counts(monkeypatch, tmp_path, own, free):
    def limited(group: str, limit: str) -> None:
        (tmp_path / group).mkdir(parents=True, exist_ok=True)
        for name, content in (("memory.max", limit), ("memory.current", "1000"), ("memory.stat", "")):
            (tmp_path / group / name).write_text(content)

    monkeypatch.setattr(module, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(module, "_CGROUP", tmp_path)
    monkeypatch.setattr(module, "_OWN_CGROUP", tmp_path / "own")
    (tmp_path / "meminfo").write_text("MemAvailable: 4000 kB\n")
    if own is not None:
        (tmp_path / "own").write_text(own)
    limited("slurm", "max")
    limited("slurm/job_7", "2000")
    limited("slurm/job_7/step_0", "max")
    limited("slurm/job_8", "4000")
    assert free_memory(CPU) == free


def test_where_nothing_is_told_little_is_assumed(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_MEMINFO", tmp_path / "absent")
    monkeypatch.setattr(module, "_CGROUP", tmp_path)
    monkeypatch.setattr(module.os, "sysconf", lambda name: 1000, raising=False)
    assert free_memory(CPU) == 500_000

    def unknown(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr(module.os, "sysconf", unknown, raising=False)
    assert free_memory(CPU) == 2 * GIB


def test_a_gpu_is_asked_itself(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5 * GIB, 8 * GIB))
    assert free_memory(CUDA) == 5 * GIB
    assert free_memory(CPU) > 0


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried"),
            True,
        ),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_INVALID_VALUE when calling `cublasSgemm(...)`"), False),
        (torch.OutOfMemoryError("whatever it says"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_a_full_memory_is_told_from_other_faults(error, full):
    assert is_out_of_memory(error) == full


def test_what_this_machine_says_of_a_full_memory_is_understood():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


def test_rocm_counts_otherwise(monkeypatch):
    monkeypatch.setattr(torch, "version", SimpleNamespace(hip="6.0"))
    assert pick_precision("auto", CUDA) == "bf16"
