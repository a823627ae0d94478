"""What pixels alone say of two frames: L1, PSNR, SSIM and MS-SSIM.

The local statistics of the last two are most of the cost of these metrics. Definitions and, within rounding, numbers
are those of torchmetrics; blurring rows and columns apart, with channels last, takes a tenth of its time.
"""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from lia_bench.metrics.frame_metric import FrameMetric


class L1(FrameMetric):
    """Mean of |generated - reference| over pixels and channels of images in [0, 1] (LIA, section 5.2).

    >>> metric = L1()
    >>> metric.update(torch.zeros(2, 3, 8, 8), torch.full((2, 3, 8, 8), 0.25))
    >>> metric.update(torch.zeros(2, 3, 8, 8), torch.full((2, 3, 8, 8), 0.75))
    >>> float(metric.compute()), int(metric.valid_frames)
    (0.5, 4)
    """

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """L1 of each frame, summed in 64 bits."""
        return (generated - reference).abs().mean(dim=(1, 2, 3), dtype=torch.float64)


class PSNR(FrameMetric):
    """10 log10(1 / MSE) with the mean squared error over all pixels, channels and frames of the clip.

    Taking the logarithm once a clip keeps a first frame that equals its source from making the mean infinite. A clip
    that equals its reference is infinite.
    """

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """Mean squared error of each frame, summed in 64 bits."""
        return (generated - reference).square().mean(dim=(1, 2, 3), dtype=torch.float64)

    def compute(self) -> Tensor:
        """Decibels from the mean squared error."""
        return -10 * torch.log10(super().compute())


SIGMA = 1.5
REACH = 5
"""Half the window: 3.5 standard deviations."""

STABILISERS = (0.01**2, 0.03**2)
"""K1 and K2, squared, of values in [0, 1]."""

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


class SSIM(FrameMetric):
    """Wang et al., 2004: 11x11 Gaussian window of sigma 1.5, K1 0.01, K2 0.03, range 1, mean over channels.

    The border is reflected and counted.
    """

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """SSIM of each frame, in single precision: within 1e-5 of 64-bit arithmetic and many times faster."""
        # One frame at a time: on a CPU the temporaries of a batch cost more than the arithmetic.
        pairs = zip(generated.split(1), reference.split(1), strict=True)
        return torch.cat([similarity(mine, theirs) for mine, theirs in pairs])


class MultiScaleSSIM(FrameMetric):
    """Wang et al., 2003: five scales by 2x2 averaging, SSIM's window, negative terms set to 0."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """MS-SSIM of each frame, in single precision: within 1e-5 of 64-bit arithmetic and many times faster."""
        # One frame at a time: on a CPU the temporaries of a batch cost more than the arithmetic.
        pairs = zip(generated.split(1), reference.split(1), strict=True)
        return torch.cat([_over_scales(mine, theirs) for mine, theirs in pairs])


def _over_scales(generated: Tensor, reference: Tensor) -> Tensor:
    """(B,) product over scales of contrast, and at the coarsest of SSIM, each to its weight."""
    product = torch.ones(len(generated), device=generated.device)
    for scale, weight in enumerate(SCALE_WEIGHTS):
        factor = similarity if scale == len(SCALE_WEIGHTS) - 1 else contrast
        product = product * factor(generated, reference).relu() ** weight
        generated, reference = (functional.avg_pool2d(images, 2) for images in (generated, reference))
    return product


def similarity(generated: Tensor, reference: Tensor) -> Tensor:
    """SSIM (Wang et al., 2004), mean over pixels and channels; the border is reflected, and counted.

    Args:
        generated: (B, C, H, W) in [0, 1].
        reference: likewise.

    Returns:
        (B,), in single precision.
    """
    padded = (functional.pad(images, (REACH,) * 4, mode="reflect") for images in (generated, reference))
    luminance, contrast = _luminance_and_contrast(*padded)
    return (luminance * contrast).mean(dim=(1, 2, 3))


def contrast(generated: Tensor, reference: Tensor) -> Tensor:
    """SSIM without its luminance, mean over channels and the pixels whose window lies within the picture.

    Arguments and result as of `similarity`. That the border counts there and not here is torchmetrics' definition of
    MS-SSIM.
    """
    return _luminance_and_contrast(generated, reference)[1].mean(dim=(1, 2, 3))


def _luminance_and_contrast(generated: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """Both factors of SSIM at every pixel whose window of 11x11, a Gaussian of sigma 1.5, lies within the picture."""
    mine, theirs = generated.float(), reference.float()
    # Of the two variances only the sum is needed.
    maps = torch.cat([mine, theirs, mine * mine + theirs * theirs, mine * theirs], dim=1)
    mean, other_mean, squares, product = _blur(maps).chunk(4, dim=1)
    means = mean * other_mean
    mean_squares = mean * mean + other_mean * other_mean
    first, second = STABILISERS
    luminance = (2 * means + first) / (mean_squares + first)
    return luminance, (2 * (product - means) + second) / (squares - mean_squares + second)


def _blur(maps: Tensor) -> Tensor:
    kernel = _kernel(maps.device).repeat(maps.shape[1], 1, 1)
    rows = functional.conv2d(maps.contiguous(memory_format=torch.channels_last), kernel[..., None], groups=len(kernel))
    return functional.conv2d(rows, kernel[..., None, :], groups=len(kernel))


@lru_cache(maxsize=8)
def _kernel(device: torch.device) -> Tensor:
    """(1, 1, 11), of sum 1."""
    places = torch.arange(-REACH, REACH + 1, dtype=torch.float32, device=device)
    weights = torch.exp(-((places / SIGMA) ** 2) / 2)
    return (weights / weights.sum())[None, None]
