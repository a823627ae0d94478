"""HDR and wide colour brought to BT.709, as this package and all others in the field take frames to be.

Reference white, 203 cd/m2 (ITU-R BT.2408), becomes white; what is brighter is compressed into the last tenth of the
light, the hue kept. PQ and HLG are turned into light by ITU-R BT.2100 (HLG for a display of 1000 cd/m2), primaries by
matrices in light, and light into values by the sRGB curve, which screens show values by. Nothing up to nine tenths of
reference white is changed by the compression.
"""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.video.reader import Frame

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

# Numbers of ITU-T H.273, tables 2 to 4.
BT2020, DISPLAY_P3 = 9, 12
PQ, HLG = 16, 18
LINEAR_OR_LOG = {8: "linear light", 9: "a logarithmic curve", 10: "a logarithmic curve", 17: "SMPTE ST 428"}
UNKNOWN_MATRICES = {
    8: "YCgCo",
    10: "BT.2020 with constant luminance",
    11: "SMPTE ST 2085",
    12: "derived primaries",
    13: "derived primaries with constant luminance",
    14: "ICtCp",
    15: "IPT of Dolby Vision",
}

REFERENCE_WHITE = 203.0
"""cd/m2 (ITU-R BT.2408)."""

KNEE = 0.9
"""The share of reference white, in light, above which highlights are compressed."""

TO_BT709 = {
    # From ITU-R BT.2087 and from the primaries of SMPTE RP 431-2 with the white of D65.
    BT2020: [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]],
    DISPLAY_P3: [[1.224940, -0.224940, 0.0], [-0.042057, 1.042057, 0.0], [-0.019638, -0.078636, 1.098274]],
}
LUMINANCE = (0.2627, 0.6780, 0.0593)
"""Of BT.2020, for HLG's rendering to a display."""


def not_converted(frame: "VideoFrame") -> str | None:
    """Why the colours of a frame cannot be brought to BT.709, as the end of a sentence; None where they can."""
    matrix, curve = UNKNOWN_MATRICES.get(frame.colorspace), LINEAR_OR_LOG.get(frame.color_trc)
    if matrix is not None:
        return f"its colours are coded as {matrix}"
    if curve is not None:
        return f"its brightness is coded as {curve}"
    return None


def is_standard(frame: "VideoFrame") -> bool:
    """Whether a frame's values are those of BT.709, sRGB or standard television, which are taken as they are."""
    return frame.color_trc not in (PQ, HLG) and frame.color_primaries not in TO_BT709


def to_bt709(frame: "VideoFrame", reformatter: "VideoReformatter") -> Frame:
    """A frame that is not `is_standard` as uint8 RGB (H, W, 3) of BT.709."""
    # Sixteen bits, so that nothing is lost before the curve; libswscale undoes the matrix and the range as tagged.
    coded = reformatter.reformat(frame, format="rgb48le").to_ndarray()
    light = _light(frame.color_trc)[coded]
    if frame.color_trc == HLG:
        # BT.2100, table 5: the display's gamma works on luminance.
        luminance = light @ np.asarray(LUMINANCE, np.float32)
        light *= (luminance**0.2)[..., None] * np.float32(1000 / REFERENCE_WHITE)
    matrix = TO_BT709.get(frame.color_primaries)
    if matrix is not None:
        light = light @ np.asarray(matrix, np.float32).T
    np.maximum(light, 0, out=light)
    brightest = light.max(axis=2)
    if brightest.max() > KNEE:
        light *= (_compressed(brightest) / np.maximum(brightest, 1e-6))[..., None]
    index = np.sqrt(light.clip(0, 1)) * (len(_values()) - 1)
    frame_of_values: Frame = _values()[np.rint(index).astype(np.intp)]
    return frame_of_values


def _compressed(brightness: NDArray[np.float32]) -> NDArray[np.float32]:
    above = np.maximum(brightness - KNEE, 0)
    compressed: NDArray[np.float32] = np.minimum(brightness, KNEE) + (1 - KNEE) * -np.expm1(-above / (1 - KNEE))
    return compressed


@cache
def _light(transfer: int) -> NDArray[np.float32]:
    """Light by the 65,536 values of a channel: shares of reference white; of HLG, of the scene's own peak."""
    value = np.linspace(0, 1, 65536)
    if transfer == PQ:
        root = value ** (1 / (2523 / 32))
        light = (np.maximum(root - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * root)) ** (1 / (1305 / 8192))
        light *= 10000 / REFERENCE_WHITE
    elif transfer == HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12)
    else:
        light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    table: NDArray[np.float32] = light.astype(np.float32)
    return table


@cache
def _values() -> NDArray[np.uint8]:
    """sRGB's values of 0..255 by the square root of light, in steps that no value is skipped in."""
    light = np.linspace(0, 1, 4096) ** 2
    value = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    table: NDArray[np.uint8] = np.rint(value * 255).astype(np.uint8)
    return table
