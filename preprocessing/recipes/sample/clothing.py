"""Shoulders and what the sample heads wear: one picture with transparency a clip, laid into each frame."""

import numpy as np
from PIL import Image
from scipy.interpolate import PchipInterpolator

from lia_bench.preprocessing.recipes.sample.identities import Identity
from lia_bench.preprocessing.recipes.sample.rasteriser import grid_faces, rasterise

SUPERSAMPLING = 2
LEFT, TOP, RIGHT, BOTTOM = -2.1, -0.45, 2.1, 3.0  # of the picture, in head units around the base of the neck

#       y    half width  depth
TORSO = np.array(
    [
        [-0.24, 0.40, 0.40],
        [-0.14, 0.50, 0.46],
        [-0.04, 0.74, 0.50],
        [0.08, 1.10, 0.54],
        [0.22, 1.42, 0.58],
        [0.42, 1.66, 0.62],
        [0.75, 1.80, 0.68],
        [1.40, 1.84, 0.74],
        [3.60, 1.84, 0.80],
    ]
)


class Garment:
    """The dressed shoulders of one identity."""

    def __init__(self, identity: Identity, head_pixels: float) -> None:
        self._scale = head_pixels
        self._picture = Image.fromarray(_draw(identity, head_pixels), "RGBA")

    def dress(self, backdrop: np.ndarray, base: np.ndarray, lean: float) -> np.ndarray:
        """A copy of `backdrop` with the shoulders before it.

        Args:
            backdrop: (H, W, 3) float32.
            base: x, y of the base of the neck, in pixels.
            lean: turn of the shoulders in radians, clockwise.
        """
        height, width = backdrop.shape[:2]
        cos, sin = np.cos(lean), np.sin(lean)
        left, right = (int(np.clip(base[0] + side * self._scale, 0, width)) for side in (LEFT, RIGHT))
        top = int(np.clip(base[1] + TOP * self._scale, 0, height))
        own_x, own_y = -LEFT * self._scale, -TOP * self._scale
        dx, dy = left - base[0], top - base[1]
        # PIL wants the way back: from a pixel of the window to one of the garment's picture.
        back = (cos, sin, own_x + cos * dx + sin * dy, -sin, cos, own_y - sin * dx + cos * dy)
        size = (right - left, height - top)
        layer = np.asarray(self._picture.transform(size, Image.Transform.AFFINE, back, Image.Resampling.BILINEAR))
        frame = backdrop.copy()
        window = frame[top:, left:right]
        window += (layer[..., 3:] * np.float32(1 / 255)) * (layer[..., :3] - window)
        return frame


def _draw(identity: Identity, head_pixels: float) -> np.ndarray:
    """(H, W, 4) uint8, colour and opacity."""
    fine = head_pixels * SUPERSAMPLING
    height, width = (2 * int((far - near) * fine / 2) for near, far in ((TOP, BOTTOM), (LEFT, RIGHT)))
    turn = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 70)
    length = np.linspace(0, 1, 60) ** 1.5
    y, half_width, depth = (v[:, None] for v in PchipInterpolator(np.linspace(0, 1, len(TORSO)), TORSO)(length).T)
    x = half_width * np.sin(turn)
    z = depth * np.cos(turn) ** 0.8
    points = np.stack([x, np.broadcast_to(y, x.shape), z], axis=-1)
    down, across = np.gradient(points, axis=0), np.gradient(points, axis=1)
    on_picture = ((points - (LEFT, TOP, 0.0)) * fine).reshape(-1, 3).astype(np.float32)
    values = np.concatenate([points[..., :2], np.cross(across, down)], axis=-1).reshape(-1, 5).astype(np.float32)
    seen = rasterise(on_picture, values, grid_faces(*x.shape), height, width)

    x, y, *normal = seen.values
    normal = np.stack(normal) / np.linalg.norm(normal, axis=0)
    facing = np.asarray(identity.light, dtype=np.float32) @ normal
    light = 0.42 + 0.14 * (0.5 - 0.5 * normal[1]) + 0.55 * np.clip((facing + 0.25) / 1.25, 0, 1)
    # The head's own shadow.
    light *= 1 - 0.35 * np.exp(-((x / 0.7) ** 2) - ((y + 0.1) / 0.35) ** 2)
    layer = np.zeros((height * width, 4), dtype=np.float32)
    layer[seen.pixels, :3] = _fabric(identity, x, y) * light[:, None]
    layer[seen.pixels, 3] = 255.0
    layer = layer.reshape(height // 2, 2, width // 2, 2, 4).mean((1, 3))
    # Colour was averaged with the emptiness around it: take that out again.
    layer[..., :3] /= np.maximum(layer[..., 3:] / 255, 1e-3)
    return np.asarray(np.clip(np.rint(layer), 0, 255), dtype=np.uint8)


def _fabric(identity: Identity, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(P, 3) colour of the clothes at x, y in head units from the base of the neck."""
    cloth, accent = np.asarray(identity.cloth, dtype=np.float32), np.asarray(identity.cloth_accent, dtype=np.float32)
    share = {
        "plain": np.zeros_like(x),
        "stripes": (np.sin(y * 22) > 0.2).astype(np.float32),
        "checks": 0.5 * (np.sin(x * 14) > 0.4) + 0.5 * (np.sin(y * 14) > 0.4),
        "dots": (np.hypot(np.mod(x * 5, 1) - 0.5, np.mod(y * 5, 1) - 0.5) < 0.24).astype(np.float32),
    }[identity.pattern]
    colour = cloth + share[:, None] * 0.65 * (accent - cloth)
    folds = 1 + 0.05 * np.sin(x * 5 + 2 * np.sin(y * 3)) + 0.03 * np.sin(x * 13 - 4 * y)
    colour = colour * folds[:, None]
    skin = np.asarray(identity.skin, dtype=np.float32) * 0.92

    def lay(where: np.ndarray, what: np.ndarray) -> None:
        colour[where] = what

    neckline = np.hypot(x / 0.62, (y + 0.16) / 0.42)
    if identity.garment == "crew":
        lay(neckline < 1.12, cloth * 0.72)
        lay(neckline < 0.96, skin)
    elif identity.garment == "v-neck":
        opening = np.abs(x) / 0.56 + (y + 0.3) / 1.15
        lay(opening < 1.10, accent * 0.8)
        lay(opening < 0.98, skin)
    elif identity.garment == "collar":
        lay(np.abs(x) < 0.035, cloth * 0.6)
        lay((np.abs(x) < 0.05) & (np.mod(y, 0.34) < 0.06), np.array([226.0, 222.0, 214.0]))
        opening = np.abs(x) / 0.56 + (y + 0.3) / 0.62
        lay(opening < 1, skin)
        flap = (np.abs(x) / 0.86 + (y + 0.30) / 0.80 < 1) & (opening >= 1)
        lay(flap, 0.55 * cloth + 0.45 * np.array([232.0, 230.0, 226.0]))
    elif identity.garment == "jacket":
        shirt = np.abs(x) / 0.62 + (y + 0.3) / 1.9 < 1
        lapel = np.abs(x) / 0.95 + (y + 0.3) / 1.9 < 1
        lay(lapel, cloth * 0.78)
        lay(shirt, np.array([218.0, 216.0, 212.0]))
        lay(np.abs(x) / 0.54 + (y + 0.3) / 0.50 < 1, skin)
        tie = (np.abs(x) < 0.07 + 0.05 * np.clip(y, 0, 1.2)) & (y > 0.17)
        lay(tie, accent * 0.75)
    else:
        lay(neckline < 1.75, cloth * 0.84)
        lay(neckline < 1.30, cloth * 0.62)
        lay(neckline < 0.95, skin)
        cords = (np.abs(np.abs(x) - 0.30 + 0.02 * y) < 0.025) & (y > 0.15) & (y < 0.9)
        lay(cords, np.array([216.0, 212.0, 204.0]))
    return np.asarray(colour)
