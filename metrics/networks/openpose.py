"""The body network of OpenPose (Cao et al., CVPR 2017, figure 3), laid out as `pose_model.pth`, and a frame's maps.

Preparation of the frames and averaging of the maps follow the published script (pose-evaluation, extract.py) and the
repository that it runs, `tensorboy/pytorch_Realtime_Multi-Person_Pose_Estimation` (evaluate/coco_eval.py): several
scales, each also mirrored.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from lia_bench.metrics.networks.skeleton import JOINTS, LIMBS

STRIDE = 8
"""Pixels of the picture to one cell of the maps, in both directions."""

FIELD_CHANNELS = 38
CONFIDENCE_CHANNELS = 19
STAGES = 6

_VGG_CHANNELS = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512))
_FEATURES = 128


class OpenPoseNetwork(nn.Module):
    """Ten convolutions of VGG-19, two that narrow their result, and six stages of two branches each.

    Every stage but the first sees the maps of the stage before it beside the features.
    """

    def __init__(self) -> None:
        super().__init__()
        self.model0 = _front_end()
        for stage in range(1, STAGES + 1):
            make = _first_stage if stage == 1 else _later_stage
            self.add_module(f"model{stage}_1", make(FIELD_CHANNELS))
            self.add_module(f"model{stage}_2", make(CONFIDENCE_CHANNELS))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Maps of the last stage.

        Args:
            pictures: (B, 3, H, W) BGR, levels / 256 - 0.5; H and W are multiples of 8.

        Returns:
            Part affinity fields (B, 38, H / 8, W / 8), x and y in turn for each of 19 limbs, and confidence maps
            (B, 19, H / 8, W / 8) of 18 joints and of the background.
        """
        features: Tensor = self.model0(pictures)
        seen = features
        for stage in range(1, STAGES + 1):
            fields: Tensor = self.get_submodule(f"model{stage}_1")(seen)
            confidence: Tensor = self.get_submodule(f"model{stage}_2")(seen)
            seen = torch.cat([fields, confidence, features], dim=1)
        return fields, confidence


def _convolution(channels: int, out: int, kernel: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, out, kernel, padding=kernel // 2), nn.ReLU(inplace=True)]


def _front_end() -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 3
    for block in _VGG_CHANNELS:
        if layers:
            layers.append(nn.MaxPool2d(kernel_size=2))
        for out in block:
            layers += _convolution(channels, out, kernel=3)
            channels = out
    layers += _convolution(channels, 256, kernel=3)
    return nn.Sequential(*layers, *_convolution(256, _FEATURES, kernel=3))


def _first_stage(out: int) -> nn.Sequential:
    layers = [layer for _ in range(3) for layer in _convolution(_FEATURES, 128, kernel=3)]
    return nn.Sequential(*layers, *_convolution(128, 512, kernel=1), nn.Conv2d(512, out, kernel_size=1))


def _later_stage(out: int) -> nn.Sequential:
    layers = _convolution(FIELD_CHANNELS + CONFIDENCE_CHANNELS + _FEATURES, 128, kernel=7)
    for _ in range(4):
        layers += _convolution(128, 128, kernel=7)
    return nn.Sequential(*layers, *_convolution(128, 128, kernel=1), nn.Conv2d(128, out, kernel_size=1))


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
