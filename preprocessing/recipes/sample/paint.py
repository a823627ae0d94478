"""What the skin of a sample head shows: eyes, brows, mouth, beard, glasses, hair and the coloured marks.

Features live in head coordinates on the frontal plane and are evaluated at every visible point of the surface, so
that they turn, hide and foreshorten with it.
"""

import numpy as np

from lia_bench.core.sample_marks import MARK_RADIUS, MARKS
from lia_bench.preprocessing.recipes.sample.identities import Identity
from lia_bench.preprocessing.recipes.sample.motion import MOUTH_HEIGHT, Expression

EDGE = 0.012  # head units over which one colour passes into the next
BROW_HEIGHT = -0.215


class Canvas:
    """The visible points of a face and the colour each gets; later strokes cover earlier ones.

    Attributes:
        x, y, z: (P,) head coordinates.
        colour: (3, P) in [0, 255], before light.
        gloss: (P,) strength of the highlight.
        shade: (P,) factor on the light, for hollows.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, z: np.ndarray, colour: np.ndarray) -> None:
        self.x, self.y, self.z = x, y, z
        self.colour = colour
        self.gloss = np.full(len(x), 0.10, dtype=np.float32)
        self.shade = np.ones(len(x), dtype=np.float32)

    def near(self, x: float, y: float, half_width: float, half_height: float) -> np.ndarray:
        """Numbers of the points in front whose x and y lie in this box."""
        rows = np.flatnonzero(np.abs(self.y - np.float32(y)) < half_height)
        inside = (np.abs(self.x[rows] - np.float32(x)) < half_width) & (self.z[rows] > 0)
        return rows[inside]

    def cover(self, points: np.ndarray, paint: tuple[float, ...] | np.ndarray, amount: np.ndarray) -> None:
        """Lay `paint`, one colour (3,) or a row for each channel (3, points), over `points`, opaque at amount 1."""
        hit = np.flatnonzero(amount)
        points, amount = points[hit], amount[hit].astype(np.float32)
        for channel, own in zip(self.colour, np.asarray(paint, dtype=np.float32), strict=True):
            below = channel[points]
            channel[points] = below + amount * ((own[hit] if own.ndim else own) - below)


def paint_face(canvas: Canvas, identity: Identity, expression: Expression) -> None:
    """All features but hair and marks."""
    _paint_skin(canvas, identity)
    if identity.beard > 0:
        _paint_beard(canvas, identity)
    for side in (-1.0, 1.0):
        _paint_eye(canvas, identity, expression, side)
        _paint_brow(canvas, identity, expression, side)
    _paint_mouth(canvas, identity, expression)
    if identity.glasses:
        _paint_glasses(canvas, identity)


def paint_hair(
    canvas: Canvas, identity: Identity, points: np.ndarray, hairness: np.ndarray, strand: np.ndarray
) -> None:
    """Hair, or wool, over `points`; `hairness` and `strand` belong to them."""
    y = canvas.y[points]
    if identity.hair_style == "beanie":
        knit = 0.90 + 0.10 * np.sin(strand * 60) * np.sin(y * 55 + 1.5 * np.sign(np.sin(strand * 60)))
        knit *= 1.0 - 0.10 * inside(hairness, 0.175, 0.01)
        canvas.cover(points, np.outer(identity.cloth_accent, knit), np.ones(len(points)))
        canvas.gloss[points] = 0.0
        return
    table = np.random.default_rng(identity.hair_seed).standard_normal(512).astype(np.float32)
    fine = table[(strand * 55 + 7 * np.sin(y * 2.0)).astype(np.int64) % 512]
    coarse = np.interp((strand * 9) % 511, np.arange(512), table).astype(np.float32)
    if identity.hair_style == "curly":
        coarse = coarse * 0.4 + np.sin(strand * 31 + 4 * np.sin(y * 17)) * np.sin(y * 27 + 3 * np.sin(strand * 13))
    light = 1.0 + 0.05 * fine + 0.10 * coarse
    ragged = hairness + 0.012 * fine
    opaque = np.clip((ragged + 0.005) / 0.05, 0.0, 1.0)
    if identity.hair_style in ("cropped", "crest"):
        opaque = np.clip((ragged + 0.01) / 0.16, 0.0, 0.93)
    canvas.cover(points, np.outer(identity.hair, light), opaque)
    canvas.gloss[points] = np.where(opaque > 0.5, 0.0, canvas.gloss[points])


def paint_marks(canvas: Canvas, centres: np.ndarray) -> list[np.ndarray]:
    """The marks, flat discs on the skin; for each the numbers of the points that show it. `centres`: (9, 3)."""
    shown = []
    for mark, centre in zip(MARKS, centres, strict=True):
        points = canvas.near(centre[0], centre[1], MARK_RADIUS * 1.2, MARK_RADIUS * 1.2)
        distance = np.sqrt(
            (canvas.x[points] - centre[0]) ** 2
            + (canvas.y[points] - centre[1]) ** 2
            + (canvas.z[points] - centre[2]) ** 2
        )
        amount = inside(distance, MARK_RADIUS, EDGE)
        canvas.cover(points, mark.colour, amount)
        painted = points[amount > 0.5]
        canvas.gloss[painted] = 0.0
        shown.append(painted)
    return shown


def inside(distance: np.ndarray, radius: float | np.ndarray, edge: float = EDGE) -> np.ndarray:
    """1 well within `radius`, 0 well beyond it, a ramp of width `edge` between."""
    return np.clip(0.5 + (radius - distance) / edge, 0.0, 1.0).astype(np.float32)


def _hill(x: np.ndarray, y: np.ndarray, wide: float, high: float) -> np.ndarray:
    return np.asarray(np.exp(-((x / wide) ** 2) - (y / high) ** 2))


def _tone(identity: Identity, factors: tuple[float, float, float]) -> np.ndarray:
    return np.asarray(identity.skin, dtype=np.float32) * np.asarray(factors, dtype=np.float32)


def _paint_skin(canvas: Canvas, identity: Identity) -> None:
    for side in (-1.0, 1.0):
        points = canvas.near(side * 0.42, 0.27, 0.4, 0.35)
        x, y = canvas.x[points], canvas.y[points]
        flush = 0.40 * identity.blush * _hill(x - side * 0.42, y - 0.27, 0.20, 0.16)
        canvas.cover(points, _tone(identity, (0.97, 0.80, 0.78)), flush)
        points = canvas.near(side * 0.085, 0.375, 0.12, 0.09)
        x, y = canvas.x[points], canvas.y[points]
        nostril = _hill(x - side * 0.082 * identity.nose_width, y - 0.385, 0.040, 0.024)
        canvas.cover(points, _tone(identity, (0.38, 0.28, 0.26)), np.minimum(1.15 * nostril, 0.95))
    points = canvas.near(0.0, 0.27, 0.2, 0.2)
    x, y = canvas.x[points], canvas.y[points]
    canvas.cover(points, _tone(identity, (0.98, 0.86, 0.83)), 0.4 * _hill(x, y - 0.28, 0.11, 0.11))
    # The groove between nose and lips, and the shadow under the lower lip.
    points = canvas.near(0.0, 0.55, 0.35, 0.3)
    x, y = canvas.x[points], canvas.y[points]
    canvas.shade[points] *= 1 - 0.13 * _hill(x, y - 0.46, 0.03, 0.05)
    canvas.shade[points] *= 1 - 0.20 * _hill(x, y - 0.735, 0.13, 0.035)
    for side in (-1.0, 1.0):
        fold = np.abs(x - side * (0.15 + 0.32 * (y - 0.36)))
        canvas.shade[points] *= 1 - 0.10 * np.exp(-((fold / 0.022) ** 2)) * ((y > 0.36) & (y < 0.60))


def _paint_beard(canvas: Canvas, identity: Identity) -> None:
    points = np.flatnonzero((canvas.y > 0.1) & (canvas.z > -0.25))
    x, y = canvas.x[points], canvas.y[points]
    line = 0.47 - 0.30 * np.clip((np.abs(x) - 0.34) / 0.4, 0.0, 1.0) + 0.10 * np.exp(-(((np.abs(x) - 0.3) / 0.1) ** 2))
    amount = np.clip((y - line) / 0.10, 0.0, 1.0)
    amount *= 1 - inside(np.hypot(x / 1.15, y - 0.60), 0.135, 0.05) * (y > 0.5)
    grain = 0.88 + 0.12 * np.sin(x * 83 + 3 * np.sin(y * 57)) * np.sin(y * 91 + 3 * np.sin(x * 47))
    amount = (amount * grain * (0.35 + 0.55 * identity.beard)).astype(np.float32)
    canvas.cover(points, np.asarray(identity.hair, dtype=np.float32) * 0.9, amount)


def _paint_eye(canvas: Canvas, identity: Identity, expression: Expression, side: float) -> None:
    wide, high = 0.172 * identity.eye_size, 0.098 * identity.eye_size
    x0, y0 = side * identity.eye_spacing, 0.0
    points = canvas.near(x0, y0, 1.6 * wide, 2.2 * high)
    u = side * (canvas.x[points] - x0) / wide  # 1 at the temple
    v = (canvas.y[points] - y0) / high + identity.eye_tilt * u
    arch = np.clip(1 - np.abs(u) ** 2.2, 0.0, 1.0)
    lower = 0.62 * arch
    upper = -1.0 * arch * expression.lids + lower * 0.9 * (1 - expression.lids)
    soft = EDGE / high
    socket = _hill(u, v + 0.3, 1.25, 1.5)
    canvas.cover(points, _tone(identity, (0.80, 0.68, 0.64)), 0.42 * socket)
    crease = np.exp(-(((v + 1.42 * arch**0.7) / 0.20) ** 2)) * (np.abs(u) < 1.05)
    canvas.cover(points, _tone(identity, (0.62, 0.48, 0.44)), 0.55 * crease)

    open_eye = inside(upper, v, soft) * inside(v, lower, soft) * (np.abs(u) < 1)
    canvas.cover(points, (236, 234, 230), open_eye)
    gaze_x, gaze_y = side * 0.30 * expression.gaze_across, 0.30 * expression.gaze_down - 0.14
    from_iris = np.hypot((u - gaze_x) * wide, (v - gaze_y) * high)
    radius = 0.082 * identity.eye_size
    iris = np.asarray(identity.iris, dtype=np.float32)
    canvas.cover(points, iris * 0.45, open_eye * inside(from_iris, radius))
    ray = 1.0 + 0.30 * np.clip((v - gaze_y) * 1.2, -0.5, 1)
    canvas.cover(points, np.outer(iris, ray), open_eye * inside(from_iris, radius * 0.82))
    canvas.cover(points, (14, 12, 12), open_eye * inside(from_iris, radius * 0.42))
    glint = np.hypot((u - gaze_x) * wide * side + 0.028, (v - gaze_y) * high + 0.030)
    canvas.cover(points, (255, 255, 255), open_eye * inside(glint, 0.024))
    lid_shadow = open_eye * np.clip(1 - (v - upper) / 0.55, 0.0, 1.0)
    canvas.cover(points, _tone(identity, (0.25, 0.20, 0.20)), 0.55 * lid_shadow)

    lash = inside(np.abs(v - upper + 0.06), 0.13 + 0.05 * u, soft) * (np.abs(u) < 1.06)
    canvas.cover(points, (30, 24, 24), 0.92 * lash)
    rim = inside(np.abs(v - lower), 0.06, soft) * (np.abs(u) < 1)
    canvas.cover(points, _tone(identity, (0.55, 0.42, 0.40)), 0.7 * rim)
    canvas.gloss[points] = np.where(open_eye > 0.5, 0.0, canvas.gloss[points])


def _paint_brow(canvas: Canvas, identity: Identity, expression: Expression, side: float) -> None:
    x0, y0 = side * (identity.eye_spacing + 0.005), BROW_HEIGHT - 0.05 * expression.brows
    points = canvas.near(x0, y0, 0.26, 0.14)
    u = side * (canvas.x[points] - x0) / 0.21
    y = canvas.y[points] - y0
    middle = -0.035 * (1 - u**2) + 0.012 * u + 0.030 * expression.brows * u - 0.01
    thick = 0.036 * identity.brow_weight * np.clip(1.0 - 0.55 * np.clip(u, 0, 1), 0.2, 1.0)
    hairs = 1.0 + 0.22 * np.sin(u * 55 + 90 * y)
    amount = inside(np.abs(y - middle), thick * hairs, 0.022) * inside(np.abs(u), 1.0, 0.12)
    dark = np.minimum(np.asarray(identity.hair, dtype=np.float32) * 0.72, _tone(identity, (0.62, 0.58, 0.56)))
    canvas.cover(points, dark, 0.9 * amount)


def _paint_mouth(canvas: Canvas, identity: Identity, expression: Expression) -> None:
    wide, opening = expression.mouth_width(identity), expression.opening
    y0 = MOUTH_HEIGHT + 0.35 * opening
    points = canvas.near(0.0, y0, wide * 1.3, 0.27)
    u = canvas.x[points] / wide
    y = canvas.y[points] - y0 + expression.corner_lift * (u**2 - 0.25)
    arch = np.clip(1 - u**2, 0.0, 1.0)
    upper, lower = -0.75 * opening * arch**0.6, 1.25 * opening * arch**0.6
    top_lip = 0.056 * identity.lip_weight * (arch**0.7) * (1 - 0.30 * np.exp(-((u / 0.16) ** 2)) + 0.12 * np.abs(u))
    low_lip = 0.078 * identity.lip_weight * arch**0.8
    lips = inside(upper - top_lip, y) * inside(y, lower + low_lip) * (np.abs(u) < 1)
    lip_tone = 0.55 * _tone(identity, (0.84, 0.60, 0.60)) + 0.45 * np.array([164, 92, 92])
    below = y > 0.5 * (upper + lower)
    canvas.cover(points, np.outer(lip_tone, np.where(below, 1.04, 0.84)), 0.9 * lips)
    sheen = _hill(u, y - lower - 0.45 * low_lip, 0.45, 0.018)
    canvas.cover(points, lip_tone * 1.35, 0.5 * lips * sheen * below)

    mouth = inside(upper, y) * inside(y, lower) * inside(np.abs(u), 0.97, 0.05)
    canvas.cover(points, (52, 26, 28), mouth)
    if expression.jaw > 0.12:
        tongue = mouth * inside(np.hypot(u / 0.6, (y - lower) / max(opening * 1.1, 1e-3)), 1.0, 0.4)
        canvas.cover(points, (138, 80, 80), 0.8 * tongue)
        teeth = mouth * inside(y, upper + 0.55 * opening + 0.006) * inside(np.abs(u), 0.80, 0.1)
        canvas.cover(points, (232, 226, 216), teeth * np.clip((expression.jaw - 0.12) * 8, 0, 0.95))
    line = inside(np.abs(y - 0.5 * (upper + lower)), 0.007) * inside(np.abs(u), 1.04, 0.08)
    canvas.cover(points, (58, 30, 30), 0.85 * line * (1 - np.clip(expression.jaw * 6, 0, 1)))
    for side in (-1.0, 1.0):
        dimple = _hill(u - side * 1.03, y, 0.09, 0.02)
        canvas.cover(points, _tone(identity, (0.5, 0.38, 0.36)), 0.7 * dimple)
    canvas.gloss[points] = np.where(mouth > 0.5, 0.0, canvas.gloss[points])


def _paint_glasses(canvas: Canvas, identity: Identity) -> None:
    for side in (-1.0, 1.0):
        points = canvas.near(side * 0.33, 0.03, 0.33, 0.28)
        x, y = canvas.x[points], canvas.y[points]
        ring = ((np.abs(x - side * 0.33) / 0.245) ** 3 + (np.abs(y - 0.03) / 0.185) ** 3) ** (1 / 3)
        canvas.cover(points, (42, 40, 44), inside(np.abs(ring - 1.0), 0.085, 0.05))
        canvas.cover(points, (250, 252, 255), 0.07 * inside(ring, 0.92, 0.05))
    points = canvas.near(0.0, -0.02, 0.12, 0.06)
    x, y = canvas.x[points], canvas.y[points]
    canvas.cover(points, (42, 40, 44), inside(np.abs(y + 0.03 - 0.02 * (1 - (x / 0.1) ** 2)), 0.016))
