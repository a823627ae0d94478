"""The 18 joints of a body by OpenPose's network, as in the published evaluation script of AKD and MKR for bodies.

Source of the network: Cao et al., CVPR 2017. Preparation of the frames and averaging of the maps follow the script
(pose-evaluation, extract.py) and the repository that it runs, `tensorboy/pytorch_Realtime_Multi-Person_Pose_Estimation`
(evaluate/coco_eval.py): five scales, each also mirrored.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lia_bench.core.torch_weights import fill_network, load_torch_weights
from lia_bench.core.weights import locate
from lia_bench.metrics.extractors.extractor import ExtractorSetting, ExtractorSpecification
from lia_bench.metrics.extractors.pose_decoding import (
    JOINTS,
    LIMBS,
    find_peaks,
    group_into_persons,
    last_of_each_joint,
    most_complete,
)
from lia_bench.metrics.networks.openpose import FIELD_CHANNELS, STRIDE, OpenPoseNetwork
from lia_bench.metrics.protocols import Protocol

WEIGHTS_NAME = "openpose"
SIDES = (184, 368, 552, 736, 920)
"""What the frame's shorter side is scaled to, in pixels: 368, the side in training, times 0.5 to 2.5."""

EXTRACTOR = ExtractorSpecification(
    name="openpose",
    summary="18 joints of a body by OpenPose: VGG-19 and six stages, trained on COCO, five scales and mirrored",
    weights=(WEIGHTS_NAME,),
    shape=(len(JOINTS), 2),
    build="lia_bench.metrics.extractors.openpose:OpenPoseExtractor",
)

PoseNetwork = Callable[[Tensor], tuple[Tensor, Tensor]]
"""As `OpenPoseNetwork.forward`."""


def network_input(frames: Tensor, side: int) -> Tensor:
    """What the network sees of frames (B, 3, H, W) uint8 RGB whose shorter side is scaled to `side`, before padding.

    Equals the script's OpenCV to one level for square frames; where a side is rounded, OpenCV's grid does not end with
    the frame's edge, and this one does.

    Returns:
        (B, 3, h, w) float32 BGR, whole levels / 256 - 0.5.
    """
    height, width = frames.shape[2:]
    scale = side / min(height, width)
    size = (round(height * scale), round(width * scale))
    scaled = functional.interpolate(frames.flip(1).float(), size=size, mode="bilinear", align_corners=False)
    return scaled.round() / 256 - 0.5


def averaged_maps(network: PoseNetwork, frames: Tensor, sides: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Part affinity fields (B, 38, H, W) and confidence maps (B, 19, H, W) of frames, mean over scales.

    Args:
        network: what gives the maps of one scale.
        frames: (B, 3, H, W) uint8 RGB.
        sides: what the shorter side is scaled to, in pixels.
    """
    pictures = [network_input(frames, side) for side in sides]
    canvas_size = _padded_size(max(pictures, key=lambda picture: picture.shape[2]))
    maps = [torch.cat(_maps_of_scale(network, picture, canvas_size, frames.shape[2:]), dim=1) for picture in pictures]
    fields, confidence = torch.stack(maps).mean(dim=0).tensor_split([FIELD_CHANNELS], dim=1)
    return fields, confidence


def _padded_size(picture: Tensor) -> tuple[int, int]:
    height, width = (-(-length // STRIDE) * STRIDE for length in picture.shape[2:])
    return height, width


def _pad_to(picture: Tensor, size: tuple[int, int], value: float) -> Tensor:
    height, width = picture.shape[2:]
    return functional.pad(picture, (0, size[1] - width, 0, size[0] - height), value=value)


def _maps_of_scale(
    network: PoseNetwork, picture: Tensor, canvas_size: tuple[int, int], frame_size: Sequence[int]
) -> list[Tensor]:
    # All scales lie on a canvas of the largest, grey around smaller ones, black in the last cells: the script runs
    # them as one batch, and what lies beside a small picture reaches its maps.
    height, width = picture.shape[2:]
    padded_size = _padded_size(picture)
    canvas = _pad_to(_pad_to(picture, padded_size, value=-0.5), canvas_size, value=0.0)
    resized = []
    for maps in network(canvas):
        cells = maps[:, :, : padded_size[0] // STRIDE, : padded_size[1] // STRIDE]
        pixels = _resize(cells, padded_size)[:, :, :height, :width]
        resized.append(_resize(pixels, frame_size))
    return resized


def _resize(maps: Tensor, size: Sequence[int]) -> Tensor:
    return functional.interpolate(maps, size=tuple(size), mode="bicubic", align_corners=False)


def _other_side(joint: int) -> int:
    side, _, part = JOINTS[joint].partition(" ")
    return JOINTS.index(f"{'left' if side == 'right' else 'right'} {part}") if part else joint


def _mirrored_channels() -> list[int]:
    channel_of = {(limb.start, limb.end): limb.channel for limb in LIMBS}
    mirrored = [0] * FIELD_CHANNELS
    for limb in LIMBS:
        channel = channel_of[_other_side(limb.start), _other_side(limb.end)]
        mirrored[limb.channel : limb.channel + 2] = channel, channel + 1
    return mirrored


def unmirror(fields: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
    """Maps of a mirrored frame, (38, H, W) and (19, H, W), as maps of the frame: left is right, fields point back."""
    background = len(JOINTS)
    joints = [*map(_other_side, range(len(JOINTS))), background]
    direction = torch.tensor([-1.0, 1.0], device=fields.device).repeat(len(LIMBS))[:, None, None]
    return fields.flip(2)[_mirrored_channels()] * direction, confidence.flip(2)[joints]


def maps_of_both_sides(network: PoseNetwork, frame: Tensor, sides: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Part affinity fields (38, H, W) and confidence maps (19, H, W): mean of a frame's and its mirrored copy's.

    Args:
        network: what gives the maps of one scale.
        frame: (3, H, W) uint8 RGB.
        sides: what the shorter side is scaled to, in pixels.
    """
    fields, confidence = averaged_maps(network, torch.stack([frame, frame.flip(2)]), sides)
    back_fields, back_confidence = unmirror(fields[1], confidence[1])
    return (fields[0] + back_fields) / 2, (confidence[0] + back_confidence) / 2


class OpenPoseExtractor:
    """An `Extractor` of body joints: ten runs of the network a frame, so slow without a GPU."""

    def __init__(self, setting: ExtractorSetting, sides: Sequence[int] = SIDES) -> None:
        """Load the network.

        Args:
            setting: device and protocol.
            sides: what a frame's shorter side is scaled to, in pixels; other ones than the published give other joints.

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: they are another network's.
        """
        path = locate(WEIGHTS_NAME)
        self._setting = setting
        self._sides = sides
        network = OpenPoseNetwork()
        # The converted file has bare keys; files that the repository's training left name the network `module`.
        state = load_torch_weights(path)
        fill_network(network, {key.removeprefix("module."): value for key, value in state.items()}, path)
        self._network = network.to(setting.device).requires_grad_(False).eval()

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> NDArray[np.float32]:
        """See `Extractor.__call__`: (B, 18, 2) x, y in whole pixels."""
        return np.stack([self._joints(frame) for frame in frames.to(self._setting.device)])

    def _joints(self, frame: Tensor) -> NDArray[np.float32]:
        fields, confidence = maps_of_both_sides(self._network, frame, self._sides)
        peaks = find_peaks(confidence.cpu().numpy())
        if self._setting.protocol is Protocol.LITERATURE:
            return last_of_each_joint(peaks)
        return most_complete(group_into_persons(peaks, fields.cpu().numpy()))
