"""The rooms behind the sample heads: drawn once a clip and a little out of focus."""

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, zoom

from lia_bench.preprocessing.recipes.sample.identities import Colour, Identity


def draw_backdrop(identity: Identity, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """(height, width, 3) float32 in [0, 255]."""
    picture = Image.new("RGB", (width, height), identity.wall)
    draw = ImageDraw.Draw(picture)
    painters = {
        "window": _window, "shelves": _shelves, "panels": _panels, "lights": _lights, "pictures": _pictures,
        "plain": _plain,
    }  # fmt: skip
    painters[identity.backdrop](draw, identity, rng, height, width)
    room = np.asarray(picture, dtype=np.float32)
    room = gaussian_filter(room, (2.2, 2.2, 0))
    return np.asarray(np.clip(room * _light(identity, rng, height, width), 0, 255), dtype=np.float32)


def _light(identity: Identity, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Light that falls off from the lamp's side, and the unevenness of plaster."""
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    fall = 1.0 + 0.20 * np.sign(identity.light[0]) * across - 0.12 * down
    cloud = zoom(gaussian_filter(rng.standard_normal((18, 32)), 1.5), (height / 18, width / 32), order=3)
    grain = gaussian_filter(rng.standard_normal((height, width)), 0.8)
    return np.asarray(fall * (1 + 0.10 * cloud + 0.012 * grain))[..., None]


def _mixed(first: Colour, second: Colour, share: float) -> Colour:
    r, g, b = (round(a + share * (c - a)) for a, c in zip(first, second, strict=True))
    return r, g, b


def _varied(colour: Colour, rng: np.random.Generator, amount: float = 0.25) -> Colour:
    factor = 1 + rng.uniform(-amount, amount)
    r, g, b = (int(np.clip(c * factor, 0, 255)) for c in colour)
    return r, g, b


def _plain(draw: ImageDraw.ImageDraw, identity: Identity, rng: np.random.Generator, height: int, width: int) -> None:
    edge = int(height * rng.uniform(0.55, 0.75))
    draw.rectangle((0, edge, width, height), fill=_mixed(identity.wall, identity.wall_accent, 0.8))
    draw.rectangle((0, edge, width, edge + 7), fill=_varied(identity.wall, rng))


def _panels(draw: ImageDraw.ImageDraw, identity: Identity, rng: np.random.Generator, height: int, width: int) -> None:
    step = int(rng.integers(46, 84))
    for number, left in enumerate(range(-int(rng.integers(step)), width, step)):
        shade = identity.wall if number % 2 else _mixed(identity.wall, identity.wall_accent, 0.45)
        draw.rectangle((left, 0, left + step, height), fill=_varied(shade, rng, 0.06))
        draw.rectangle((left, 0, left + 3, height), fill=_mixed(identity.wall, (40, 38, 36), 0.5))


def _window(draw: ImageDraw.ImageDraw, identity: Identity, rng: np.random.Generator, height: int, width: int) -> None:
    frame = _mixed(identity.wall_accent, (240, 238, 232), 0.6)
    for left in (int(rng.integers(20, 120)), int(rng.integers(380, 460))):
        top, right, bottom = int(rng.integers(-30, 40)), left + int(rng.integers(130, 170)), int(rng.integers(200, 270))
        draw.rectangle((left - 9, top - 9, right + 9, bottom + 9), fill=frame)
        for line in range(max(top, 0), bottom):
            share = (line - top) / (bottom - top)
            draw.line((left, line, right, line), fill=_mixed((196, 212, 224), (150, 162, 148), share))
        for _ in range(5):
            x, y, size = rng.uniform(left, right), rng.uniform(0.55, 1.0) * bottom, rng.uniform(15, 34)
            draw.ellipse(
                (max(x - size, left), y - size, min(x + size, right), bottom), fill=_varied((104, 124, 100), rng)
            )
        draw.rectangle(((left + right) // 2 - 4, top, (left + right) // 2 + 4, bottom), fill=frame)
        draw.rectangle((left, (top + bottom) // 2 - 3, right, (top + bottom) // 2 + 3), fill=frame)
        draw.rectangle((left - 22, bottom + 4, right + 22, bottom + 16), fill=_mixed(frame, (90, 88, 84), 0.3))


def _shelves(draw: ImageDraw.ImageDraw, identity: Identity, rng: np.random.Generator, height: int, width: int) -> None:
    board = _mixed(identity.wall_accent, (92, 72, 58), 0.6)
    spines: tuple[Colour, ...] = (
        (118, 88, 82), (96, 106, 118), (150, 138, 116), (108, 118, 104), (188, 180, 166), (82, 78, 84), (136, 112, 120),
    )  # fmt: skip
    for bottom in range(int(rng.integers(40, 80)), height + 90, 84):
        draw.rectangle((0, bottom - 84, width, bottom), fill=_mixed(identity.wall, (50, 46, 44), 0.45))
        left = 0.0
        while left < width:
            book, tall = rng.uniform(8, 22), rng.uniform(42, 68)
            if rng.random() < 0.86:
                colour = _varied(spines[int(rng.integers(len(spines)))], rng)
                draw.rectangle((left, bottom - tall, left + book, bottom), fill=colour)
                band = bottom - tall * rng.uniform(0.5, 0.85)
                draw.rectangle((left, band, left + book, band + 5), fill=_mixed(colour, (225, 215, 195), 0.5))
            left += book + 1.5
        draw.rectangle((0, bottom, width, bottom + 9), fill=board)


def _pictures(draw: ImageDraw.ImageDraw, identity: Identity, rng: np.random.Generator, height: int, width: int) -> None:
    _plain(draw, identity, rng, height, width)
    for left in (40, 190, 340, 490):
        x, y = left + int(rng.integers(-22, 22)), int(rng.integers(22, 74))
        w, h = int(rng.integers(72, 112)), int(rng.integers(72, 118))
        draw.rectangle((x - 6, y - 6, x + w + 6, y + h + 6), fill=_varied((74, 66, 60), rng))
        draw.rectangle((x, y, x + w, y + h), fill=(214, 210, 202))
        draw.rectangle((x + 8, y + 8, x + w - 8, y + h - 8), fill=_varied(identity.wall_accent, rng))
        horizon = y + h * rng.uniform(0.4, 0.7)
        draw.rectangle((x + 8, horizon, x + w - 8, y + h - 8), fill=_varied((112, 116, 104), rng))
        size = rng.uniform(8, 17)
        cx = x + w * rng.uniform(0.3, 0.7)
        draw.ellipse((cx - size, horizon - 2 * size, cx + size, horizon), fill=_varied((206, 190, 160), rng, 0.1))


def _lights(draw: ImageDraw.ImageDraw, identity: Identity, rng: np.random.Generator, height: int, width: int) -> None:
    dark = _mixed(identity.wall, (46, 48, 58), 0.75)
    draw.rectangle((0, 0, width, height), fill=dark)
    for _ in range(46):
        x, y, size = rng.uniform(0, width), rng.uniform(0, height * 0.85), rng.uniform(7, 24)
        warm = ((216, 190, 150), (196, 196, 204), (190, 160, 140), (160, 176, 190))[int(rng.integers(4))]
        glow = _mixed(dark, warm, rng.uniform(0.25, 0.75))
        draw.ellipse((x - size, y - size, x + size, y + size), fill=glow)
