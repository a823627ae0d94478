"""Who the sample heads are: shape, skin, hair, eyes, clothing and background, drawn once for each identity.

All colours stay well below the saturation of the marks (lia_bench.core.sample_marks), so that nothing but a mark
can be taken for one. Lengths are in head units: half the height of the skull is 1.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Colour = tuple[int, int, int]
Choice = TypeVar("Choice")

SKINS: tuple[Colour, ...] = (
    (247, 219, 200), (238, 203, 178), (228, 188, 158), (214, 170, 138), (197, 152, 120),
    (173, 128, 98), (146, 104, 78), (118, 83, 63), (94, 66, 52), (74, 53, 44),
)  # fmt: skip
HAIRS: tuple[Colour, ...] = (
    (28, 25, 26), (46, 36, 33), (70, 50, 42), (98, 70, 54), (128, 95, 72), (158, 122, 90),
    (196, 164, 124), (222, 200, 166), (132, 74, 56), (110, 110, 114), (176, 174, 172), (84, 52, 50),
)  # fmt: skip
IRISES: tuple[Colour, ...] = (
    (64, 44, 34), (92, 66, 46), (112, 92, 62), (84, 104, 82), (92, 118, 136), (120, 134, 142), (74, 92, 116),
)  # fmt: skip
CLOTHES: tuple[Colour, ...] = (
    (58, 64, 78), (92, 104, 122), (120, 84, 84), (150, 140, 128), (84, 104, 92), (196, 190, 180), (44, 46, 50),
    (128, 116, 140), (172, 150, 124), (104, 124, 132), (140, 100, 92), (214, 214, 216),
)  # fmt: skip
WALLS: tuple[Colour, ...] = (
    (176, 172, 164), (146, 156, 164), (190, 178, 162), (132, 142, 136), (162, 150, 158), (110, 118, 130),
    (204, 200, 194), (124, 112, 104), (92, 98, 106),
)  # fmt: skip

HAIR_STYLES = ("short", "parted", "cropped", "bald", "curly", "bob", "long", "bun", "beanie", "crest")
GARMENTS = ("crew", "collar", "v-neck", "jacket", "hood")
PATTERNS = ("plain", "stripes", "checks", "plain", "dots")
BACKDROPS = ("window", "shelves", "panels", "lights", "pictures", "plain")


@dataclass(frozen=True)
class Identity:
    """One person and the place that person talks in.

    Attributes:
        hair_style, garment, pattern, backdrop: one of HAIR_STYLES, GARMENTS, PATTERNS, BACKDROPS.
        hair_seed: of the course of the strands.
        hair_volume, eye_size, brow_weight, lip_weight, jaw, chin, nose_width, ear_size: factors around 1.
        beard, blush: strength in [0, 1]; 0 for none.
        eye_spacing, mouth_width, width: half of the distance or width, in head units.
        eye_tilt: slope of the line through the corners of an eye.
        nose_length: how far the nose stands out, in head units.
        light: unit vector towards the lamp: x to the picture's right, y down, z to the viewer.
    """

    name: str
    hair_seed: int
    skin: Colour
    hair: Colour
    hair_style: str
    hair_volume: float
    beard: float
    iris: Colour
    eye_size: float
    eye_spacing: float
    eye_tilt: float
    brow_weight: float
    lip_weight: float
    mouth_width: float
    width: float
    jaw: float
    chin: float
    nose_length: float
    nose_width: float
    ear_size: float
    blush: float
    glasses: bool
    garment: str
    pattern: str
    cloth: Colour
    cloth_accent: Colour
    backdrop: str
    wall: Colour
    wall_accent: Colour
    light: tuple[float, float, float]


def video_name(index: int) -> str:
    """The video of identity number `index`, and what that identity is called."""
    return f"head{index:02d}"


def random_generator(seed: int, index: int, purpose: str) -> np.random.Generator:
    """A generator that depends on nothing but its arguments, so that each clip can be made alone."""
    return np.random.Generator(np.random.Philox(key=[seed, (index << 32) + zlib.crc32(purpose.encode())]))


def draw_identity(seed: int, index: int) -> Identity:
    """The identity number `index` of `seed`.

    Styles that people tell apart at once (hair, garment, backdrop, skin) cycle with the number instead of being
    drawn, so that even few identities show all of them.
    """
    rng = random_generator(seed, index, "identity")

    def drawn(choices: Sequence[Colour]) -> Colour:
        return choices[int(rng.integers(len(choices)))]

    def cycled(choices: Sequence[Choice], purpose: str) -> Choice:
        # A whole round is gone through in another order than the one before it.
        turn, position = divmod(index, len(choices))
        return choices[int(random_generator(seed, turn, purpose).permutation(len(choices))[position])]

    hair_style = cycled(HAIR_STYLES, "hair style")
    cloth, accent = (CLOTHES[int(k)] for k in rng.choice(len(CLOTHES), 2, replace=False))
    wall, wall_accent = (WALLS[int(k)] for k in rng.choice(len(WALLS), 2, replace=False))
    bearded = hair_style not in ("bob", "long", "bun") and rng.random() < 0.4
    side = -1.0 if rng.random() < 0.5 else 1.0
    light = np.array([side * rng.uniform(0.25, 0.6), -rng.uniform(0.35, 0.6), 0.75])
    light /= np.linalg.norm(light)
    return Identity(
        name=video_name(index),
        hair_seed=int(rng.integers(1 << 30)),
        skin=cycled(SKINS, "skin"),
        hair=drawn(HAIRS),
        hair_style=hair_style,
        hair_volume=float(rng.uniform(0.85, 1.25)),
        beard=float(rng.uniform(0.5, 1.0)) if bearded else 0.0,
        iris=drawn(IRISES),
        eye_size=float(rng.uniform(0.9, 1.12)),
        eye_spacing=float(rng.uniform(0.29, 0.335)),
        eye_tilt=float(rng.uniform(-0.12, 0.12)),
        brow_weight=float(rng.uniform(0.7, 1.35)),
        lip_weight=float(rng.uniform(0.75, 1.3)),
        mouth_width=float(rng.uniform(0.2, 0.245)),
        width=float(rng.uniform(0.7, 0.8)),
        jaw=float(rng.uniform(0.84, 1.06)),
        chin=float(rng.uniform(0.85, 1.15)),
        nose_length=float(rng.uniform(0.17, 0.26)),
        nose_width=float(rng.uniform(0.85, 1.25)),
        ear_size=float(rng.uniform(0.85, 1.15)),
        blush=float(rng.uniform(0.2, 1.0)),
        glasses=bool(rng.random() < 0.22),
        garment=cycled(GARMENTS, "garment"),
        pattern=cycled(PATTERNS, "pattern"),
        cloth=cloth,
        cloth_accent=accent,
        backdrop=cycled(BACKDROPS, "backdrop"),
        wall=wall,
        wall_accent=wall_accent,
        light=(float(light[0]), float(light[1]), float(light[2])),
    )
