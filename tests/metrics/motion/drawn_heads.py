"""Drawn heads whose true angles and expressions are known, and what scores them."""

from dataclasses import fields
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lia_bench.metrics.extractors.extractor import ExtractorSetting
from lia_bench.metrics.extractors.mediapipe_landmarks import MediapipeFace
from lia_bench.metrics.specification import Protocol
from lia_bench.preprocessing.recipes.sample.identities import draw_identity
from lia_bench.preprocessing.recipes.sample.motion import Motion
from lia_bench.preprocessing.recipes.sample.renderer import TalkingHead
from tests.preprocessing.detectors import install_real

CPU = torch.device("cpu")


@cache
def drawn(person: int, **motion: float) -> Tensor:
    """A frame of person number `person`, uint8 (3, 360, 640), at rest but for values of `Motion`: angles in degrees."""
    values = {field.name: 0.0 for field in fields(Motion)} | {"size": 1.0, "lids": 1.0} | motion
    for angle in ("yaw", "pitch", "roll"):
        values[angle] = float(np.radians(values[angle]))
    moment = Motion(**{name: np.array([value]) for name, value in values.items()})
    frame = TalkingHead(draw_identity(0, person), 0, person).picture(moment, 0).frame
    return torch.from_numpy(frame).permute(2, 0, 1)


def landmarker(real_data: Path, protocol: Protocol = Protocol.LITERATURE) -> MediapipeFace:
    """MediaPipe's, with its real weights."""
    install_real("face-landmarker", real_data)
    return MediapipeFace(ExtractorSetting(CPU, protocol))
