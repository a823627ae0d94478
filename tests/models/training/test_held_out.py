"""The fixed pairs that a run is validated on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.models.animator import Animator
from lia_bench.models.identity.animator import IdentityAnimator, IdentityModel
from lia_bench.models.training.held_out import HeldOut, held_out_partition


class Perfect(Animator):
    """Puts out the driving frame, made brighter by a tenth."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("marker", torch.zeros(1))

    @property
    def frame_size(self) -> None:
        return None

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> str:
        return transfer

    def render(self, encoded: str, driving: Tensor) -> Tensor:
        assert encoded == "absolute"
        return driving + 0.1


def write_ramp(path: Path, frames: int) -> None:
    """Frame k is grey of level 10 k."""
    path.parent.mkdir(parents=True, exist_ok=True)
    levels = np.repeat(np.arange(frames) * 10, 8).astype(np.uint8)
    Image.fromarray(np.broadcast_to(levels[None, :, None], (8, 8 * frames, 3)).copy()).save(path)


@pytest.fixture
def ramps(tmp_path: Path) -> Path:
    for clip in range(3):
        write_ramp(tmp_path / "test" / f"{clip}.png", 11)
        write_ramp(tmp_path / "train" / f"{clip}.png", 3)
    return tmp_path


def test_frames_are_spread_over_the_clip_and_the_first_is_the_source(ramps: Path) -> None:
    held_out = HeldOut.read(open_dataset(str(ramps)), 8)
    # Three clips share 16 pairs: five frames of each, every second of 1 to 10: 2, 4, 6, 8, 10.
    assert held_out.copying_l1() == pytest.approx(60 / 255, abs=1e-6)
    assert held_out.l1(IdentityAnimator(IdentityModel())) == pytest.approx(60 / 255, abs=1e-6)
    assert held_out.l1(Perfect()) == pytest.approx(0.1, abs=1e-6)


def test_pictures_have_a_row_a_clip(ramps: Path) -> None:
    picture = HeldOut.read(open_dataset(str(ramps)), 8).picture(Perfect())
    assert picture.shape == (24, 24, 3)
    assert [int(picture[4, column, 0]) for column in (4, 12, 20)] == [0, 100, 126]


def test_many_clips_give_a_pair_each_and_short_ones_what_they_have(tmp_path: Path) -> None:
    for clip in range(40):
        write_ramp(tmp_path / "test" / f"{clip:02d}.png", 2)
    assert HeldOut.read(open_dataset(str(tmp_path)), 8).copying_l1() == pytest.approx(10 / 255, abs=1e-6)


def test_without_test_clips_the_train_clips_serve(tmp_path: Path) -> None:
    write_ramp(tmp_path / "train" / "a.png", 3)
    dataset = open_dataset(str(tmp_path))
    assert held_out_partition(dataset) == "train"
    assert HeldOut.read(dataset, 8).copying_l1() == pytest.approx(15 / 255, abs=1e-6)
