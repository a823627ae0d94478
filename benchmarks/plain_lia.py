"""LIA as it is plainly written: what animate_lia.py compares the model of the zoo with.

Nothing is shared between frames: source and driving frame are encoded for each one, one frame at a time, in eager
float32, and the dictionary is orthonormalised wherever it is used. Layers are as papers define them: a blur filters
pictures of one channel each, and a modulated convolution makes its weights anew for each sample.
"""

import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from lia_bench.models.lia.animator import LiaAnimator

LINE = (1.0, 3.0, 3.0, 1.0)

KEPT, GIVEN_BACK = "kept", "given-back"
"""What the process does with memory that it frees: as lia-bench's commands do, and as the system has it."""


class PlainLia:
    """Relative transfer with the weights of a model of the zoo."""

    def __init__(self, model: LiaAnimator) -> None:
        self.weights: dict[str, Tensor] = model.state_dict()
        self.resolutions = model.configuration.resolutions

    @torch.inference_mode()
    def animate(self, source: Tensor, driving: Tensor) -> Iterator[Tensor]:
        """A frame (3, size, size) in [0, 1] for each driving frame; source and frames are likewise."""
        start = self.magnitudes(self.encode(driving[:1])[0])
        for frame in driving.split(1):
            latent, pyramid = self.encode(source[None])
            walk = self.walk(self.magnitudes(self.encode(frame)[0])) - self.walk(start)
            image = self.decode(latent + walk + self.walk(self.magnitudes(latent)), pyramid)
            yield ((image[0] + 1) / 2).clamp(0, 1)

    def encode(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The code (1, style) of an image in [0, 1], and its features from 8x8 up."""
        feature = self._activated("encoder.stem", image * 2 - 1)
        pyramid: list[Tensor] = []
        for number in range(len(self.resolutions)):
            block = f"encoder.blocks.{number}"
            pyramid.insert(0, feature)
            main = blur(self._activated(f"{block}.first", feature, padding=1), (2, 2))
            main = self._activated(f"{block}.second", main, stride=2)
            shortcut = F.conv2d(blur(feature, (1, 1)), self._scaled(f"{block}.shortcut"), stride=2)
            feature = (main + shortcut) / math.sqrt(2)
        return F.conv2d(feature, self._scaled("encoder.head")).flatten(1), pyramid

    def magnitudes(self, latent: Tensor) -> Tensor:
        """(1, style) to (1, directions)."""
        for number in range(5):
            latent = self._linear(f"magnitude_head.{number}", latent)
        return latent

    def walk(self, magnitudes: Tensor) -> Tensor:
        """(1, directions) to (1, style)."""
        directions: Tensor = torch.linalg.qr(self.weights["dictionary.weight"] + 1e-8).Q
        return (magnitudes.diag_embed() @ directions.t()).sum(1)

    def decode(self, latent: Tensor, pyramid: list[Tensor]) -> Tensor:
        """(1, style) and the source's features to an image around [-1, 1]."""
        feature = self._styled("decoder.first", self.weights["decoder.constant"], latent)
        flow = image = None
        for number, (resolution, source) in enumerate(zip(self.resolutions, pyramid, strict=True)):
            level = f"decoder.levels.{number}"
            feature = self._styled(f"{level}.upsampling", feature, latent, upsampling=True)
            feature = self._styled(f"{level}.convolution", feature, latent)
            own_flow = self._modulated(f"{level}.flow", feature, latent, demodulate=False)
            own_flow = own_flow + self.weights[f"{level}.flow.bias"][:, None, None]
            flow = own_flow if flow is None else own_flow + doubled(flow)
            line = torch.linspace(-1, 1, resolution)
            grid = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1)
            mask = flow[:, 2:].sigmoid()
            warped = F.grid_sample(source, grid + flow[:, :2].tanh().permute(0, 2, 3, 1), align_corners=False) * mask
            feature = warped + feature * (1 - mask)
            colour = self._activated(f"{level}.colour", warped) + self.weights[f"{level}.colour_bias"][:, None, None]
            image = colour if image is None else colour + doubled(image)
        assert image is not None
        return image

    def _scaled(self, name: str) -> Tensor:
        weight = self.weights[f"{name}.weight"]
        return weight / math.sqrt(weight[0].numel())

    def _linear(self, name: str, feature: Tensor) -> Tensor:
        return F.linear(feature, self._scaled(name), self.weights[f"{name}.bias"])

    def _activated(self, name: str, feature: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
        convolved = F.conv2d(feature, self._scaled(name), stride=stride, padding=padding)
        return activate(convolved, self.weights[f"{name}.bias"])

    def _styled(self, name: str, feature: Tensor, latent: Tensor, upsampling: bool = False) -> Tensor:
        convolved = self._modulated(name, feature, latent, upsampling=upsampling)
        return activate(convolved, self.weights[f"{name}.bias"])

    def _modulated(
        self, name: str, feature: Tensor, latent: Tensor, demodulate: bool = True, upsampling: bool = False
    ) -> Tensor:
        style = self._linear(f"{name}.modulation", latent)
        weight = self._scaled(name) * style[0, :, None, None]
        if demodulate:
            weight = weight * (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).rsqrt()
        if upsampling:
            return blur(F.conv_transpose2d(feature, weight.transpose(0, 1), stride=2), (1, 1), gain=4)
        return F.conv2d(feature, weight, padding=weight.shape[-1] // 2)


def activate(feature: Tensor, bias: Tensor) -> Tensor:
    """Bias, leaky ReLU, and the factor that keeps the variance."""
    return F.leaky_relu(feature + bias[:, None, None], 0.2) * math.sqrt(2)


def doubled(image: Tensor) -> Tensor:
    """Twice the side: zeros between the pixels, blurred."""
    channels, height, width = image.shape[1:]
    spread = image.new_zeros(1, channels, 2 * height, 2 * width)
    spread[:, :, ::2, ::2] = image
    return blur(spread, (2, 1), gain=4)


def blur(feature: Tensor, padding: tuple[int, int], gain: float = 1.0) -> Tensor:
    """The [1, 3, 3, 1] filter over pictures of one channel, with zeros before and behind."""
    line = torch.tensor(LINE)
    kernel = torch.outer(line, line) * (gain / line.sum().square())
    batch, channels = feature.shape[:2]
    pictures = F.pad(feature.flatten(0, 1)[:, None], (*padding, *padding))
    filtered = F.conv2d(pictures, kernel[None, None])
    return filtered.reshape(batch, channels, *filtered.shape[2:])


def read(source: Path, clip: Path) -> tuple[Tensor, Tensor]:
    """A picture (3, H, W), and all frames of a video (T, 3, H, W), in [0, 1]."""
    from lia_bench.core.video import open_video, read_image, to_tensor

    with open_video(clip) as video:
        return to_tensor(read_image(source)), torch.stack([to_tensor(frame) for frame in video])


def set_allocator(allocator: str) -> None:
    """Have this process handle freed memory so from now on."""
    from lia_bench.core.memory import keep_freed_memory

    if allocator == KEPT:
        keep_freed_memory()


def main(what: str, allocator: str, checkpoint: str, source: str, clip: str, result: str) -> None:
    """Print the processor time of the model 'alone', or animate a file into a file: the 'whole' command."""
    from lia_bench.core.video import to_frame, write_video
    from lia_bench.models.loading import load_model

    set_allocator(allocator)
    ours = load_model("lia", checkpoint=checkpoint, device="cpu")
    assert isinstance(ours, LiaAnimator)
    model = PlainLia(ours)
    still, driving = read(Path(source), Path(clip))
    if what == "alone":
        for _ in model.animate(still, driving[:1]):
            pass
        begin = time.process_time()
        for _ in model.animate(still, driving):
            pass
        print(json.dumps({"processor": time.process_time() - begin}))
    else:
        frames = list(model.animate(still, driving))
        write_video(Path(result), [to_frame(frame) for frame in frames], 25)


if __name__ == "__main__":
    main(*sys.argv[1:])
