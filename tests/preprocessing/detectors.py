"""Weights of detectors for tests: the real ones of MediaPipe, and files of the true layout for the others."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.weights import WEIGHTS, WeightFile, weights_home

REAL = {
    "blazeface": "face_detector.tflite",
    "face-landmarker": "face_landmarker.task",
    "mediapipe-pose": "pose_landmarker_full.task",
}


def install_real(name: str, real_data: Path) -> None:
    """Put MediaPipe's weights `name` where the project looks for them."""
    path = WEIGHTS[name].path
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(real_data / "weights" / REAL[name], path)


def install_made_up(name: str, network: torch.nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the state of a network of the true layout as the weights `name`, under a name with its own hash."""
    folder = weights_home()
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{name}.pth"
    torch.save(network.state_dict(), draft)
    path = draft.rename(draft.with_name(f"{name}-{sha256_of_file(draft)[:8]}.pth"))
    published: Any = WEIGHTS[name]
    monkeypatch.setitem(WEIGHTS._load(), name, WeightFile(name, path.name, published.source, "a test", "none"))
