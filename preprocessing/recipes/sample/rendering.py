"""One talking head in its place: pictures and true mark positions, frame by frame."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import LinearNDInterpolator

from lia_bench.core.sample_marks import MARK_RADIUS
from lia_bench.preprocessing.recipes.sample.anatomy import Material, Surface, build_head
from lia_bench.preprocessing.recipes.sample.backdrops import draw_backdrop
from lia_bench.preprocessing.recipes.sample.clothing import Garment
from lia_bench.preprocessing.recipes.sample.expression import Expression, mark_anchors
from lia_bench.preprocessing.recipes.sample.identities import Identity, random_generator
from lia_bench.preprocessing.recipes.sample.motion import Motion
from lia_bench.preprocessing.recipes.sample.rasterising import facing, grid_faces, rasterise
from lia_bench.preprocessing.recipes.sample.shading import shade

WIDTH, HEIGHT = 640, 360
SUPERSAMPLING = 2
HEAD_PIXELS = 76.0  # half the height of the skull in the picture
REACH = (18.0, 8.0)  # how far the head travels to each side, in pixels
NECK_BASE = 1.45  # head units below the origin, where neck and shoulders meet
VISIBLE_SHARE = 0.5  # of a mark's full disc


@dataclass(frozen=True)
class Picture:
    """A frame with its truth.

    Attributes:
        frame: (360, 640, 3) uint8 RGB.
        marks: (N, 2) x, y in pixels of the frame, the centre of the top left pixel at (0, 0): the middle of what is
            seen of the mark, or where it would be when nothing is.
        visible: (N,) whether at least half of the mark's disc is seen.
        head: left, top, right, bottom of the skull with hair, in pixels.
    """

    frame: np.ndarray
    marks: np.ndarray
    visible: np.ndarray
    head: tuple[float, float, float, float]


class TalkingHead:
    """The renderer of clip number `index` of a seed."""

    def __init__(self, identity: Identity, seed: int, index: int) -> None:
        rng = random_generator(seed, index, "place")
        self._identity = identity
        self._place = np.array([rng.uniform(250, WIDTH - 250), rng.uniform(158, 172)])
        self._backdrop = draw_backdrop(identity, random_generator(seed, index, "backdrop"), HEIGHT, WIDTH)
        self._garment = Garment(identity, HEAD_PIXELS)
        self._surfaces = build_head(identity)
        self._relief = _front_of(self._surfaces[0])
        faces, materials, two_sided, first = [], [], [], 0
        for surface in self._surfaces:
            own = grid_faces(*surface.hairness.shape) + first
            faces.append(own)
            materials.append(np.full(len(own), surface.material))
            two_sided.append(np.full(len(own), surface.two_sided))
            first += surface.hairness.size
        self._faces = np.concatenate(faces)
        self._materials = np.concatenate(materials)
        self._two_sided = np.concatenate(two_sided)
        self._hair = np.concatenate(
            [np.stack([surface.hairness, surface.strand], axis=-1).reshape(-1, 2) for surface in self._surfaces]
        )

    def picture(self, motion: Motion, moment: int) -> Picture:
        """The frame number `moment` of `motion`."""
        expression = Expression.of(motion, moment)
        travel = np.array([motion.across[moment], motion.down[moment]]) * REACH
        scale = HEAD_PIXELS * float(motion.size[moment])
        turn = rotation(float(motion.yaw[moment]), float(motion.pitch[moment]), float(motion.roll[moment]))
        middle = self._place + travel
        # The shoulders follow the head at half its way; the neck bends between them.
        shoulders = self._place + 0.5 * travel + (0.0, NECK_BASE * HEAD_PIXELS)

        frame = self._garment.dress(self._backdrop, shoulders, 0.35 * float(motion.roll[moment]))
        resting = [_with_jaw(surface, expression.jaw) for surface in self._surfaces]
        placed = [
            _bend_to(shoulders, surface, points, points @ turn.T * scale + np.append(middle, 0.0))
            for surface, points in zip(self._surfaces, resting, strict=True)
        ]
        centres = self._mark_centres(expression)
        shown = self._draw(frame, resting, placed, expression, centres)

        full = np.pi * (MARK_RADIUS * scale) ** 2
        visible = np.array([len(points) / SUPERSAMPLING**2 > VISIBLE_SHARE * full for points in shown])
        expected = (centres @ turn.T * scale)[:, :2] + middle
        marks = [points.mean(0) if len(points) else place for points, place in zip(shown, expected, strict=True)]
        x, y = placed[0][..., 0], placed[0][..., 1]
        head = (float(x.min()), float(y.min()), float(x.max()), float(y.max()))
        np.clip(np.rint(frame, out=frame), 0, 255, out=frame)
        return Picture(frame.astype(np.uint8), np.array(marks) - 0.5, visible, head)

    def _mark_centres(self, expression: Expression) -> np.ndarray:
        """(N, 3) head coordinates of the marks on the moved face."""
        flat = mark_anchors(self._identity, expression)
        centres = np.column_stack([flat, self._relief(flat)])
        return np.asarray(centres + jaw_shift(centres, expression.jaw))

    def _draw(
        self,
        frame: np.ndarray,
        resting: list[np.ndarray],
        placed: list[np.ndarray],
        expression: Expression,
        centres: np.ndarray,
    ) -> list[np.ndarray]:
        """Draw the head over `frame`; gives for every mark the (P, 2) places in the frame that show it."""
        points = np.concatenate([grid.reshape(-1, 3) for grid in placed])
        left, top = np.maximum(np.floor(points[:, :2].min(0)).astype(int) - 1, 0)
        right, bottom = np.minimum(np.ceil(points[:, :2].max(0)).astype(int) + 1, (WIDTH, HEIGHT))
        height, width = (bottom - top) * SUPERSAMPLING, (right - left) * SUPERSAMPLING
        fine = ((points - (left, top, 0.0)) * SUPERSAMPLING).astype(np.float32)
        values = np.column_stack(
            [
                np.concatenate([grid.reshape(-1, 3) for grid in resting]),
                np.concatenate([_normals(grid).reshape(-1, 3) for grid in placed]),
                self._hair,
            ]
        ).astype(np.float32)
        drawn = np.flatnonzero(self._two_sided | (facing(fine, self._faces) > 0))
        seen = rasterise(fine, values, self._faces[drawn], height, width)
        material = self._materials[drawn][seen.faces]
        colour, painted = shade(seen.values, material, self._identity, expression, centres)

        layer = np.zeros((4, height * width), dtype=np.float32)
        layer[:, seen.pixels] = colour
        layer = layer.reshape(4, height, width)
        layer = 0.25 * (layer[:, 0::2, 0::2] + layer[:, 1::2, 0::2] + layer[:, 0::2, 1::2] + layer[:, 1::2, 1::2])
        window = frame[top:bottom, left:right]
        for channel in range(3):
            window[..., channel] += layer[channel] - layer[3] * window[..., channel]
        places = np.stack([seen.columns, seen.rows], axis=1) / SUPERSAMPLING + (left, top)
        return [places[points] for points in painted]


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3) turn of head coordinates: pitch, then yaw, then roll."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


def jaw_shift(points: np.ndarray, jaw: float) -> np.ndarray:
    """Where the open jaw moves points at rest, (..., 3): a small turn about the ears."""
    y, z = points[..., 1], points[..., 2]
    weight = np.clip((y - 0.56) / 0.16, 0, 1) * np.clip((z + 0.25) / 0.5, 0, 1)
    angle = 0.15 * jaw * weight
    return np.stack([np.zeros_like(y), (z + 0.1) * angle, -(y - 0.1) * 0.7 * angle], axis=-1)


def _with_jaw(surface: Surface, jaw: float) -> np.ndarray:
    if surface.material is not Material.FACE:
        return surface.points
    return np.asarray(surface.points + jaw_shift(surface.points, jaw))


def _bend_to(shoulders: np.ndarray, surface: Surface, rest: np.ndarray, posed: np.ndarray) -> np.ndarray:
    """Neck and long hair follow the head above and the shoulders below."""
    if surface.material is Material.NECK:
        follow = np.clip((rest[..., 1:2] - 0.6) / 0.8, 0, 1)
    elif surface.material is Material.HAIR:
        follow = 0.7 * np.clip((rest[..., 1:2] - 0.7) / 1.0, 0, 1)
    else:
        return posed
    still = rest * HEAD_PIXELS + np.array([shoulders[0], shoulders[1] - NECK_BASE * HEAD_PIXELS, 0.0])
    follow = follow * follow * (3 - 2 * follow)
    return np.asarray((1 - follow) * posed + follow * still)


def _front_of(skull: Surface) -> LinearNDInterpolator:
    """The depth of the face at rest at (x, y)."""
    points = skull.points[skull.points[..., 2] > 0.1]
    return LinearNDInterpolator(points[:, :2], points[:, 2])


def _normals(points: np.ndarray) -> np.ndarray:
    """(R, C, 3) outward normals of a grid, not of unit length; depth towards the viewer."""
    down, across = np.gradient(points, axis=0), np.gradient(points, axis=1)
    normal = np.cross(across, down)
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9))
