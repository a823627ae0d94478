"""LIA's ablation without the motion dictionary (paper, table 4): what it computes, and what it refuses."""

from pathlib import Path

import pytest
import torch

from lia_bench.cli.main import run
from lia_bench.core.errors import CheckpointError, InputError
from lia_bench.models.lia.animator import LiaAnimator
from lia_bench.models.lia.authors_checkpoint import authors_content
from lia_bench.models.loading import load_configuration, load_model
from lia_bench.models.training.configuration import ExperimentConfiguration
from tests.models.small_models import SMALL_LIA, noise_frames, small_lia

SMALL = SMALL_LIA.model_copy(update={"motion_dim": None})


@pytest.fixture
def animator() -> LiaAnimator:
    return small_lia(SMALL).eval()


def test_the_heads_output_is_added_to_the_code_directly(animator: LiaAnimator) -> None:
    source, driving = noise_frames(2)[:, None]
    with animator.evaluating():
        code, pyramid = animator.encoder(source * 2 - 1)
        walks = animator.magnitude_head(animator.encoder(torch.cat((driving, source)) * 2 - 1)[0])
        assert walks.shape == (2, 32)
        expected = {
            "absolute": animator.decoder(code + walks[:1], pyramid),
            # The driving frame is the first one too, so only the source's own walk is left.
            "relative": animator.decoder(code + walks[1:], pyramid),
        }
    for transfer, image in expected.items():
        animated = animator.animate(source[0], driving, transfer=transfer)
        assert torch.allclose(animated, ((image + 1) / 2).clamp(0, 1), atol=1e-5), transfer
    trained = animator(source * 2 - 1, driving * 2 - 1)
    assert torch.allclose(trained, expected["absolute"], rtol=1e-3, atol=1e-3)


def test_only_the_dictionary_and_the_heads_width_differ() -> None:
    with_dictionary = LiaAnimator(SMALL_LIA).state_dict()
    without = LiaAnimator(SMALL).state_dict()
    assert with_dictionary.keys() - without.keys() == {"dictionary.weight"}
    assert {name for name in without if without[name].shape != with_dictionary[name].shape} == {
        "magnitude_head.4.weight",
        "magnitude_head.4.bias",
    }


def test_what_looks_at_directions_is_refused(animator: LiaAnimator) -> None:
    (source,) = noise_frames(1)
    for look in (
        animator.directions,
        lambda: animator.magnitudes(source[None]),
        lambda: animator.move(source, {1: 1.0}),
        lambda: animator.reference_image(source),
        lambda: animator.direction_effects(source),
    ):
        with pytest.raises(InputError, match="without the motion dictionary"):
            look()


def test_interpret_refuses_in_one_line(
    tmp_path: Path, animator: LiaAnimator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 64), (90, 120, 30)).save("portrait.png")
    model = load_model("lia", variant="demo-64", device="cpu", motion_dim=None)
    model.save_pretrained("saved")
    words = ["interpret", "lia@saved", "--image", "portrait.png", "--no-crop", "--device", "cpu"]
    assert run(words, debug=False) == 1
    assert "without the motion dictionary" in capsys.readouterr().err.splitlines()[-1]
    assert not Path("portrait-lia").exists()


def test_a_checkpoint_of_it_loads_by_itself_and_not_as_one_with_a_dictionary(tmp_path: Path) -> None:
    model = load_model("lia", variant="demo-64", device="cpu", motion_dim=None)
    model.save_pretrained(tmp_path / "saved")
    again = load_model("lia", checkpoint=tmp_path / "saved", device="cpu")
    assert isinstance(again, LiaAnimator)
    assert again.dictionary is None
    with pytest.raises(CheckpointError, match="motion_dim=20 was given where it has None"):
        load_model("lia", checkpoint=tmp_path / "saved", device="cpu", motion_dim=20)


def test_the_authors_layout_cannot_hold_it(animator: LiaAnimator) -> None:
    assert authors_content(animator.state_dict()) is None


def test_the_papers_name_and_the_key_mean_the_same() -> None:
    for layer in ({"motion": {"directions": None}}, {"model": {"motion_dim": None}}):
        _, configuration = load_configuration("lia", "vox-256", [layer])
        assert isinstance(configuration, ExperimentConfiguration)
        assert configuration.model.model_dump()["motion_dim"] is None


def test_a_later_layer_wins_by_whichever_name() -> None:
    paper, own = {"motion": {"directions": 5}}, {"model": {"motion_dim": 7}}
    for layers, wanted in (([paper, own], 7), ([own, paper], 5)):
        _, configuration = load_configuration("lia", "vox-256", layers)
        assert configuration.model.model_dump()["motion_dim"] == wanted
