"""X2Face's networks, training steps, configurations and checkpoint layout, whatever the weights."""

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from lia_bench.core.configuration import validate
from lia_bench.core.errors import CheckpointError, InputError, MissingWeightsError
from lia_bench.models.blocks.reconstruction import Vgg19Features
from lia_bench.models.fomm.authors_checkpoint import animator_state as fomm_state
from lia_bench.models.loading import load_model
from lia_bench.models.training.recipe import PairBatch
from lia_bench.models.x2face import SPECIFICATION
from lia_bench.models.x2face.animator import X2FaceAnimator, embed, resample, sampling_grid
from lia_bench.models.x2face.authors_checkpoint import animator_state, authors_content
from lia_bench.models.x2face.configuration import X2FaceConfiguration, X2FaceModel
from lia_bench.models.x2face.networks import PoseMapping, load_pose_mapping
from lia_bench.models.x2face.recipe import X2FaceRecipe
from tests.deterministic import image
from tests.models.small_models import experiment_of
from tests.models.training_steps import networks_of, train_step

SMALL = X2FaceModel(size=32, width=4, driving_vector=6)


@pytest.fixture
def animator() -> X2FaceAnimator:
    torch.manual_seed(0)
    return X2FaceAnimator(SMALL).eval()


def test_the_published_variant_trains_as_the_authors_script() -> None:
    assert set(SPECIFICATION.variant_names()) == {"vox-256", "demo-64"}
    experiment = _experiment("vox-256")
    assert experiment.model == X2FaceModel(size=256, width=64, driving_vector=128, initial_offset=1)
    assert experiment.data.batch_size == 16
    with torch.device("meta"):
        optimiser = X2FaceRecipe(experiment).optimisers["generator"]
    assert isinstance(optimiser, SGD)
    (group,) = optimiser.param_groups
    assert (group["lr"], group["momentum"]) == (1e-3, 0.9)


def test_widths_are_those_of_the_authors() -> None:
    assert X2FaceModel().widths == [64, 128, 256, 512, 512, 512, 512, 512]


def test_offsets_move_by_their_tanh_in_x_and_y() -> None:
    offsets = torch.tensor([0.5, -1.0]).view(1, 2, 1, 1).expand(1, 2, 3, 5)
    grid = sampling_grid(offsets)
    assert grid.shape == (1, 3, 5, 2)
    still = sampling_grid(torch.zeros(1, 2, 3, 5))
    assert still[0, 0, 0].tolist() == [-1, -1]
    assert still[0, 2, 4].tolist() == [1, 1]
    torch.testing.assert_close((grid - still)[0, 1, 3], torch.tensor([0.46212, -0.76159]), atol=1e-5, rtol=0)


def test_no_offset_leaves_the_picture_as_it_is_and_a_large_one_leads_into_the_dark() -> None:
    picture = torch.rand(2, 3, 9, 9)
    torch.testing.assert_close(resample(picture, torch.zeros(2, 2, 9, 9)), picture, atol=1e-6, rtol=0)
    # The tanh of 9 is 1, half the distance between the border pixels: four of nine.
    moved = resample(picture, torch.tensor([9.0, 0.0]).view(1, 2, 1, 1).expand(2, 2, 9, 9))
    torch.testing.assert_close(moved[..., :5], picture[..., 4:], atol=1e-5, rtol=0)
    assert float(moved[..., 5:].abs().max()) < 1e-5


def test_sources_are_weighted_by_confidence() -> None:
    sources = torch.stack((torch.zeros(3, 4, 4), torch.ones(3, 4, 4)))[None]
    embedding = torch.zeros(1, 2, 3, 4, 4)
    embedding[:, 1, 2] = torch.tensor(3.0).log()
    # exp(0) + 0.1 and exp(log 3) + 0.1.
    torch.testing.assert_close(embed(sources, embedding), torch.full((1, 3, 4, 4), 3.1 / 4.2))


def test_references_are_embedded_with_the_source(animator: X2FaceAnimator) -> None:
    source, others = _frames("source", 1, 32), _frames("driving", 2, 32)
    frames = animator.animate(source[0], others, references=others)
    with torch.inference_mode():
        face = animator.encode_sources(torch.cat((source, others)))
        torch.testing.assert_close(frames, animator.render(face, others).clamp(0, 1), atol=1e-6, rtol=0)
    assert (frames - animator.animate(source[0], others)).abs().max() > 1e-4


def test_one_source_given_twice_is_one_source(animator: X2FaceAnimator) -> None:
    source = _frames("source", 1, 32)
    with torch.inference_mode():
        once, twice = animator.encode_sources(source), animator.encode_sources(source.repeat(2, 1, 1, 1))
    torch.testing.assert_close(once, twice, atol=1e-5, rtol=0)


def test_training_and_animating_give_the_same_picture(animator: X2FaceAnimator) -> None:
    source, driving = _frames("source", 2, 32), _frames("driving", 2, 32)
    with torch.inference_mode():
        pictures = animator(source, driving)
    for index in range(2):
        animated = animator.animate(source[index], driving[index][None])
        torch.testing.assert_close(animated[0], pictures[index], atol=1e-5, rtol=0)


def test_the_source_is_embedded_once(animator: X2FaceAnimator) -> None:
    passes: list[int] = []
    animator.embedding_network.register_forward_hook(lambda *call: passes.append(call[1][0].shape[0]))
    animator.animate(_frames("source", 1, 32)[0], _frames("driving", 5, 32), batch_size=2)
    assert passes == [1]


def test_nothing_of_the_driving_frame_but_its_vector_passes(animator: X2FaceAnimator) -> None:
    driving = _frames("driving", 2, 32)
    with torch.inference_mode():
        vectors = animator.driving_network.encode(driving)
        assert vectors.shape == (2, 6)
        assert torch.equal(animator.driving_network(driving), animator.driving_network.decode(vectors))


def test_relative_transfer_is_refused(animator: X2FaceAnimator) -> None:
    with pytest.raises(InputError, match="absolute"):
        animator.animate(_frames("source", 1, 32)[0], _frames("driving", 1, 32), transfer="relative")


def test_frames_of_another_size_are_refused(animator: X2FaceAnimator) -> None:
    with pytest.raises(InputError, match=r"64x64.*32x32"):
        animator.animate(torch.rand(3, 64, 64), torch.rand(1, 3, 64, 64))


def test_the_first_weights_are_the_authors() -> None:
    model = X2FaceAnimator(X2FaceModel(size=64, width=16))
    scale = torch.cat([value for name, value in model.state_dict().items() if name.endswith("normalisation.weight")])
    assert 0.02 <= float(scale.min()) < 0.06
    assert 0.96 < float(scale.max()) <= 1
    # Xavier: 2 / (fan in + fan out), of 128 channels to 128 with kernels of 4.
    weight = model.embedding_network.get_parameter("down.4.convolution.weight")
    assert float(weight.detach().std()) == pytest.approx((2 / (2 * 128 * 16)) ** 0.5, rel=0.02)


def test_a_small_initial_offset_begins_near_the_source() -> None:
    source = _frames("source", 1, 64)[0]
    model = load_model("x2face", variant="demo-64", device="cpu", initial_offset=1e-4)
    assert float((model.animate(source, _frames("driving", 1, 64))[0] - source).abs().max()) < 1e-2


def test_every_parameter_learns() -> None:
    recipe = X2FaceRecipe(_experiment("demo-64"))
    (update,) = train_step(recipe, _batch())
    assert update.networks == ("generator",)
    assert list(update.losses) == ["photometric"]
    for name, parameter in recipe.animator.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().max()) > 0, name


def test_the_photometric_loss_is_the_weighted_mean_absolute_difference() -> None:
    recipe = X2FaceRecipe(_experiment("demo-64", loss={"photometric": 3.0}))
    batch = _batch()
    (update,) = recipe.updates(networks_of(recipe), batch)
    recipe.animator.train()
    frames = recipe.animator(batch.source, batch.driving)
    expected = 3 * float((frames - batch.driving).abs().mean().detach())
    assert float(update.losses["photometric"].detach()) == pytest.approx(expected, rel=1e-4)


def test_the_perceptual_loss_compares_with_the_driving_frame_and_of_another_clip_with_the_source() -> None:
    features = _Shifts()
    recipe = X2FaceRecipe(_experiment("demo-64", loss={"perceptual": 0.5}), cast(Vgg19Features, features))
    assert recipe.frozen == (recipe.perceptual,)
    batch = _batch()
    (update,) = recipe.updates(networks_of(recipe), batch)
    with torch.no_grad():
        same, other = recipe.animator(
            batch.source.repeat(2, 1, 1, 1), torch.cat((batch.driving, batch.driving.flip(0)))
        ).chunk(2)
        expected = 0.5 * (_distance(features, same, batch.driving) + _distance(features, other, batch.source))
    assert float(update.losses["perceptual"].detach()) == pytest.approx(expected, rel=1e-3)
    photometric = float((same - batch.driving).abs().mean())
    assert float(update.losses["photometric"].detach()) == pytest.approx(photometric, rel=1e-3)


def test_perceptual_loss_without_vgg19_says_what_to_do() -> None:
    with pytest.raises(MissingWeightsError, match=r"vgg19.*loss\.perceptual=0"):
        X2FaceRecipe(_experiment("demo-64", loss={"perceptual": 1.0}))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"model": {"size": 100}}, "power of two"),
        ({"loss": {"perceptual": 1}, "data": {"batch_size": 1}}, r"data\.batch_size=2"),
        ({"loss": {"photometric": 0}}, "photometric"),
    ],
)
def test_a_wrong_configuration_is_one_line(values: dict[str, Any], words: str) -> None:
    data = {"dataset": "any", "batch_size": 4, **values.get("data", {})}
    with pytest.raises(InputError, match=words) as caught:
        validate(X2FaceConfiguration, {"schedule": {"iterations": 1}, **values, "data": data}, "test")
    assert "\n" not in str(caught.value)


def test_authors_layout_there_and_back(animator: X2FaceAnimator) -> None:
    content = authors_content(animator.state_dict())
    assert content is not None
    names = content["state_dict"].keys()
    assert "pix2pixSampler.netG.model.submodule.submodule.submodule.submodule.down.1.weight" in names
    assert "pix2pixUnwrapped.netG.model.submodule.up.3.running_var" in names
    state = animator_state(content)
    assert state is not None
    assert state.keys() == animator.state_dict().keys()
    assert authors_content({"encoder.weight": torch.zeros(1)}) is None


def test_files_of_torch_02_lack_the_batch_counters(animator: X2FaceAnimator) -> None:
    content = authors_content(animator.state_dict())
    assert content is not None
    old = {name: value for name, value in content["state_dict"].items() if "num_batches_tracked" not in name}
    assert len(old) < len(content["state_dict"])
    state = animator_state({"state_dict": old, "optimizer": {}})
    assert state is not None
    X2FaceAnimator(SMALL).load_state_dict(state)


@pytest.mark.parametrize(
    "content",
    [{}, {"state_dict": {}}, {"state_dict": {"posefrombottle.weight": torch.zeros(1)}}, {"generator": {}}],
)
def test_other_layouts_are_not_taken_for_x2face(content: dict[str, Any]) -> None:
    assert animator_state(content) is None


def test_x2face_is_not_taken_for_another_model(animator: X2FaceAnimator) -> None:
    content = authors_content(animator.state_dict())
    assert content is not None
    assert fomm_state(content) is None


def test_an_unknown_entry_is_named(animator: X2FaceAnimator) -> None:
    content = authors_content(animator.state_dict())
    assert content is not None
    content["state_dict"]["pix2pixSampler.netG.model.dropout.weight"] = torch.zeros(1)
    with pytest.raises(CheckpointError, match=r"unknown entry pix2pixSampler\.netG\.model\.dropout\.weight"):
        animator_state(content)


def test_file_of_another_size_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "small.pth"
    model = load_model("x2face", variant="demo-64", device="cpu")
    torch.save(authors_content(model.state_dict()), file)
    with pytest.raises(CheckpointError, match="fits the variant x2face:demo-64") as caught:
        load_model("x2face", checkpoint=file, device="cpu", size=128, width=16)
    assert "\n" not in str(caught.value)
    assert isinstance(load_model("x2face", checkpoint=file, variant="demo-64", device="cpu"), X2FaceAnimator)


def test_a_pose_of_its_own_leaves_the_vector_as_it_is() -> None:
    mapping = PoseMapping(6).eval()
    vectors = torch.randn(4, 6)
    with torch.inference_mode():
        torch.testing.assert_close(mapping(vectors, mapping.pose(vectors)), vectors)
        turned = mapping(vectors[:1], torch.tensor([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]]))
    assert turned.shape == (2, 6)
    assert not torch.allclose(turned[0], turned[1])


def test_pose_files_in_the_wrong_order_are_told_apart(tmp_path: Path) -> None:
    there, back = tmp_path / "posereg.pth", tmp_path / "posetobottle.pth"
    torch.save(
        {"state_dict": {"posefrombottle.weight": torch.zeros(3, 6), "posefrombottle.bias": torch.zeros(3)}}, there
    )
    normalisation = {f"1.{part}": torch.ones(6) for part in ("weight", "bias", "running_mean", "running_var")}
    torch.save({"state_dict": {"0.weight": torch.zeros(6, 3), **normalisation}}, back)
    assert load_pose_mapping(there, back).vector.out_features == 6
    with pytest.raises(CheckpointError, match=r"posereg\.pth"):
        load_pose_mapping(there, there)


@pytest.mark.slow
def test_the_loss_falls() -> None:
    torch.manual_seed(0)
    recipe = X2FaceRecipe(_experiment("demo-64"))
    subjects = _frames("subject", 4, 80)
    source = subjects[..., 8:72, 8:72]
    # Two subjects move to the left and two to the right, so that no grid fits without a look at the driving frame.
    driving = torch.cat((subjects[:2, :, 8:72, 4:68], subjects[2:, :, 8:72, 12:76]))
    batch = PairBatch(source, driving)
    losses = [float(train_step(recipe, batch)[0].losses["photometric"].detach()) for _ in range(60)]
    copying = float((source - driving).abs().mean())
    assert losses[0] > copying
    assert losses[-1] < 0.2 * copying


def _experiment(variant: str, **layers: dict[str, Any]) -> X2FaceConfiguration:
    return experiment_of("x2face", X2FaceConfiguration, variant, **layers)


def _frames(name: str, count: int, size: int) -> Tensor:
    return torch.stack([torch.from_numpy(image(f"{name}{index}", size, 0)) for index in range(count)])


def _batch() -> PairBatch:
    return PairBatch(_frames("source", 2, 64), _frames("driving", 2, 64))


class _Shifts(nn.Module):
    """Stands in for VGG19, which takes seconds to build: five maps, of the picture against itself shifted."""

    def forward(self, frames: Tensor) -> list[Tensor]:
        return [frames - frames.roll(step, dims=3) for step in range(1, 6)]


def _distance(features: _Shifts, one: Tensor, other: Tensor) -> float:
    maps = zip(features(one), features(other), strict=True)
    return sum(float((first - second).abs().mean()) for first, second in maps)
