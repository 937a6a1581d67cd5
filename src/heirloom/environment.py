"""What can change an artefact's bytes beside code, config and inputs: machine, kernels, libraries, variables.

It names no host and no date, so that a rerun on the same machine, or on one of its kind, gives the same manifest.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom.runtime import device

if TYPE_CHECKING:
    from types import ModuleType

LIBRARIES = {
    "datasets": "datasets",
    "gguf": "gguf",
    "jinja2": "jinja2",
    "lm_eval": "lm-eval",
    "ml_dtypes": "ml_dtypes",
    "mlxtend": "mlxtend",
    "mwparserfromhell": "mwparserfromhell",
    "numpy": "numpy",
    "peft": "peft",
    "pyarrow": "pyarrow",
    "rapidfuzz": "rapidfuzz",
    "regex": "regex",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "sentencepiece": "sentencepiece",
    "sklearn": "scikit-learn",
    "tokenizers": "tokenizers",
    "torch": "torch",
    "transformers": "transformers",
}
"""Module → package of the libraries whose version can change bytes; a manifest names those that its step imported."""

VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "DNNL_CPU_ISA_HINTS",
    "DNNL_DEFAULT_FPMATH_MODE",
    "DNNL_MAX_CPU_ISA",
    "GLIBC_TUNABLES",
    "MKL_CBWR",
    "MKL_DYNAMIC",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "NPY_ENABLE_CPU_FEATURES",
    "ONEDNN_CPU_ISA_HINTS",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
)
"""Environment variables that choose kernels on a CPU. What they have been seen to change stands in docs/log.md."""

CUDA_VARIABLES = (
    "CUBLAS_WORKSPACE_CONFIG",
    "NCCL_ALGO",
    "NCCL_PROTO",
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "TORCH_BLAS_PREFER_CUBLASLT",
)
"""The same on a GPU."""

_PROCESSOR = Path("/proc/cpuinfo")


def environment(*, can_use_gpu: bool) -> dict[str, Any]:
    """Return the environment of a step.

    Parameters
    ----------
    can_use_gpu
        Whether the step's models can live on a GPU; all others compute on the CPU.
    """
    import numpy as np

    device_type = device.current().type if can_use_gpu else "cpu"
    variables = (*VARIABLES, *CUDA_VARIABLES) if device_type == "cuda" else VARIABLES
    return {
        "device": device_type,
        "instruction_set": sorted(np.show_config(mode="dicts")["SIMD Extensions"]["found"]),
        "kernels": _kernels(device_type),
        "libc": " ".join(platform.libc_ver()).strip(),
        "libraries": _library_versions(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "variables": {name: os.environ[name] for name in variables if name in os.environ},
        "vendor": _vendor(),
    }


def _library_versions() -> dict[str, str]:
    """Return package → version, of the libraries that this process has loaded."""
    return {package: metadata.version(package) for module, package in LIBRARIES.items() if module in sys.modules}


def _kernels(device_type: str) -> dict[str, str]:
    """Return library → the kernels that it has chosen on this machine, of the libraries that this process has loaded.

    numpy's list of processor features has no word for bfloat16 products, for which oneDNN has kernels of their own.
    """
    import threadpoolctl

    libraries = threadpoolctl.threadpool_info()
    openblas = sorted({library["architecture"] for library in libraries if library["internal_api"] == "openblas"})
    kernels = {"openblas": " ".join(openblas)} if openblas else {}
    torch: ModuleType | None = sys.modules.get("torch")
    if torch is None:
        return kernels
    device_kernels = {"cuda": torch.cuda.get_device_name()} if device_type == "cuda" else {"onednn": _bfloat16_kernel()}
    return kernels | device_kernels | {"torch": torch.backends.cpu.get_cpu_capability()}


@cache
def _bfloat16_kernel() -> str:
    """Return the kernel that oneDNN takes for a product of bfloat16 matrices, such as ``brg_matmul:avx512_core_bf16``.

    It shows the effective instruction set: what the processor has, what the system lets a process use, and what
    variables forbid. torch offers no name of it, but lets oneDNN say what it runs, on the process's standard output.
    ``none`` where torch does not ask oneDNN.
    """
    import torch

    flush = ctypes.CDLL(None).fflush
    ones = torch.ones(64, 64, dtype=torch.bfloat16)
    with tempfile.TemporaryFile() as output:
        flush(None)
        stdout = os.dup(1)
        os.dup2(output.fileno(), 1)
        try:
            with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):  # type: ignore[no-untyped-call]
                torch.mm(ones, ones)
            flush(None)
        finally:
            os.dup2(stdout, 1)
            os.close(stdout)
        output.seek(0)
        lines = [line.split(",") for line in output.read().decode(errors="replace").splitlines()]
    return next((line[6] for line in lines if line[3:4] == ["exec"] and line[5] == "matmul"), "none")


@cache
def _vendor() -> str:
    """Return who made the processor, empty where the system does not say: MKL takes other kernels beside Intel's."""
    lines = _PROCESSOR.read_text().splitlines() if _PROCESSOR.is_file() else []
    vendors = (line.partition(":")[2].strip() for line in lines if line.startswith(("vendor_id", "CPU implementer")))
    return next(vendors, "")
