"""The blocks that keypoint models share: coordinates, heatmaps, warping, transformations."""

import pytest
import torch
from torch import Tensor, nn

from lia_bench.core.errors import InputError
from lia_bench.models.authors_layout import StateRenaming
from lia_bench.models.blocks import small_tensors
from lia_bench.models.blocks.adversarial import PatchDiscriminator
from lia_bench.models.blocks.configuration import TransformationConfiguration
from lia_bench.models.blocks.convolution import DownBlock, ResidualBlock, UpBlock
from lia_bench.models.blocks.dense_motion import MotionBlending
from lia_bench.models.blocks.equivariance import EuclideanKernel, ManhattanKernel, PlaneTransformation, SplineKernel
from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.keypoints import expected_position, gaussian_heatmaps, spatial_softmax
from lia_bench.models.blocks.transfer import movement_scale
from lia_bench.models.blocks.warping import coordinate_grid, resize_flow, warp


def test_coordinates_are_x_then_y_and_end_at_the_border_pixels() -> None:
    grid = coordinate_grid(3, 5, like=torch.zeros(1))
    assert grid[0, :, 0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert grid[:, 0, 1].tolist() == [-1, 0, 1]


def test_keypoint_of_a_peak_is_its_place() -> None:
    logits = torch.zeros(1, 1, 9, 17)
    logits[0, 0, 6, 12] = 100.0
    position = expected_position(spatial_softmax(logits, temperature=0.1))
    assert position[0, 0].tolist() == pytest.approx([0.5, 0.5])


def test_low_temperature_sharpens() -> None:
    logits = torch.rand(1, 1, 8, 8)
    assert spatial_softmax(logits, 0.1).max() > spatial_softmax(logits, 1.0).max()


def test_gaussian_is_one_at_the_keypoint_and_falls_with_the_variance() -> None:
    heatmap = gaussian_heatmaps(torch.tensor([[[0.5, -0.5]]]), 0.01, 9, 9)[0, 0]
    assert heatmap[2, 6] == pytest.approx(1.0)
    # One cell is 0.25 away: exp(-0.0625 / 0.02).
    assert heatmap[2, 7] == pytest.approx(0.04394, abs=1e-5)


def test_matrices_agree_with_linear_algebra() -> None:
    torch.manual_seed(0)
    one, other, vector = torch.randn(4, 2, 2), torch.randn(4, 2, 2), torch.randn(4, 2)
    torch.testing.assert_close(small_tensors.inverse(one), torch.linalg.inv(one))
    torch.testing.assert_close(small_tensors.multiply(one, other), one @ other)
    torch.testing.assert_close(small_tensors.apply(one, vector), (one @ vector[..., None])[..., 0])


@pytest.mark.parametrize("align_corners", [True, False])
def test_identity_flow_is_exact_only_where_corners_are_aligned(align_corners: bool) -> None:
    image = torch.rand(1, 3, 8, 8)
    warped = warp(image, coordinate_grid(8, 8, like=image)[None], align_corners)
    assert torch.allclose(warped, image, atol=1e-6) == align_corners


def test_flow_points_at_where_to_read() -> None:
    image = torch.rand(1, 1, 5, 5)
    flow = coordinate_grid(5, 5, like=image)[None] + torch.tensor([0.5, 0.0])
    warped = warp(image, flow, align_corners=True)
    torch.testing.assert_close(warped[..., :4], image[..., 1:])
    assert warped[..., 4].eq(0).all()


def test_resized_flow_keeps_its_order_of_axes() -> None:
    flow = coordinate_grid(4, 6, like=torch.zeros(1))[None]
    resized = resize_flow(flow, 8, 12)
    assert resized.shape == (1, 8, 12, 2)
    assert resized[0, 0, -1, 0] == pytest.approx(1.0)
    assert resized[0, -1, 0, 1] == pytest.approx(1.0)


def test_hourglass_ends_with_its_input() -> None:
    hourglass = Hourglass(inputs=5, expansion=4, cap=12, blocks=3)
    widths = [block.get_submodule("convolution").out_channels for block in (*hourglass.down, *hourglass.up)]
    assert widths == [8, 12, 12, 12, 8, 4]
    image = torch.rand(2, 5, 16, 24)
    features = hourglass(image)
    assert features.shape == (2, hourglass.outputs, 16, 24)
    assert hourglass.outputs == 9
    torch.testing.assert_close(features[:, 4:], image)
    levels = hourglass.levels(image)
    assert [tuple(level.shape[1:]) for level in levels] == [(12, 2, 3), (24, 4, 6), (16, 8, 12), (9, 16, 24)]
    assert hourglass.widths == [level.shape[1] for level in levels]


def test_blocks_change_sizes_as_they_say() -> None:
    features = torch.rand(2, 3, 8, 8)
    assert DownBlock(3, 4)(features).shape == (2, 4, 4, 4)
    assert UpBlock(3, 4)(features).shape == (2, 4, 16, 16)
    residual = ResidualBlock(3)
    for parameter in residual.convolution2.parameters():
        torch.nn.init.zeros_(parameter)
    torch.testing.assert_close(residual(features), features)


def test_motion_evidence_is_grouped_by_part() -> None:
    torch.manual_seed(0)
    source, heatmaps, motions = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8, 2) * 2 - 1
    blending = MotionBlending(parts=3, expansion=2, cap=8, blocks=1, align_corners=False)
    evidence = blending.evidence(source, heatmaps, motions)
    for part in range(3):
        expected = torch.cat((heatmaps[:, part : part + 1], warp(source, motions[:, part], False)), dim=1)
        torch.testing.assert_close(evidence[:, 4 * part : 4 * part + 4], expected)
    motion = blending(source, heatmaps, motions)
    torch.testing.assert_close(motion.masks.sum(dim=1), torch.ones(2, 8, 8))
    assert motion.flow.shape == (2, 8, 8, 2)
    assert motion.occlusion.shape == (2, 1, 8, 8)


@pytest.mark.parametrize("kernel", [ManhattanKernel(), EuclideanKernel()])
def test_derivative_of_a_transformation_is_that_of_autograd(kernel: SplineKernel) -> None:
    torch.manual_seed(0)
    like = torch.zeros(2, 3, 8, 8)
    transformation = PlaneTransformation.random(like, TransformationConfiguration(affine=0.1, spline=0.05), kernel)
    points = (torch.rand(2, 7, 2) * 2 - 1).requires_grad_()
    moved = transformation.apply(points)
    rows = [torch.autograd.grad(moved[..., axis].sum(), points, retain_graph=True)[0] for axis in range(2)]
    torch.testing.assert_close(transformation.jacobian(points), torch.stack(rows, dim=-2))


def test_transformation_without_deviation_leaves_the_frame() -> None:
    frame = torch.rand(2, 3, 8, 8)
    transformation = PlaneTransformation.random(frame, TransformationConfiguration(affine=0.0, spline=0.0))
    torch.testing.assert_close(transformation.transform_frame(frame, align_corners=True), frame)


def test_transformation_says_where_points_of_the_new_frame_were() -> None:
    """A bright pixel found at p in the transformed frame was at T(p) before."""
    affine = torch.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]])
    transformation = PlaneTransformation(affine, torch.zeros(1, 25))
    frame = torch.zeros(1, 1, 9, 9)
    frame[0, 0, 4, 6] = 1.0
    moved = transformation.transform_frame(frame, align_corners=True)
    assert moved[0, 0, 4, 4] == pytest.approx(1.0)
    assert transformation.apply(torch.zeros(1, 1, 2))[0, 0].tolist() == [0.5, 0.0]


def test_patch_discriminator_shows_its_inner_maps() -> None:
    maps, score = PatchDiscriminator(3, expansion=4, cap=16, blocks=3, spectral=False)(torch.rand(2, 3, 64, 64))
    assert [tuple(one.shape[1:]) for one in maps] == [(8, 30, 30), (16, 13, 13), (16, 10, 10)]
    assert score.shape == (2, 1, 10, 10)


def test_spectral_norm_bounds_every_convolution() -> None:
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(3, expansion=4, cap=16, blocks=2, spectral=True)
    for _ in range(20):
        discriminator(torch.rand(1, 3, 16, 16))
    for block in discriminator.blocks:
        convolution = block.get_submodule("convolution")
        assert isinstance(convolution, nn.Conv2d)
        weight = convolution.weight.detach().flatten(1)
        assert float(torch.linalg.matrix_norm(weight, 2)) == pytest.approx(1.0, abs=0.05)


def test_movement_scale_of_a_set_twice_as_large_is_two() -> None:
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.3, 0.3]])
    assert movement_scale(2 * points, points) == pytest.approx(2.0)


def test_movement_scale_of_points_on_a_line_is_refused() -> None:
    line = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    with pytest.raises(InputError, match="first driving frame lie on one line"):
        movement_scale(torch.rand(4, 2), line)


def test_renaming_goes_both_ways_and_knows_what_it_does_not_know() -> None:
    names = StateRenaming((("bottleneck.r*.conv1.*", "residual.*.convolution1.*"), ("kp.*", "heatmaps.*")))
    theirs: dict[str, Tensor] = {"bottleneck.r12.conv1.weight": torch.zeros(1), "kp.bias": torch.ones(1)}
    ours = names.to_ours(theirs)
    assert ours is not None
    assert list(ours) == ["residual.12.convolution1.weight", "heatmaps.bias"]
    assert names.to_theirs(ours) == theirs
    assert names.to_ours({**theirs, "kp.extra.weight": torch.zeros(1)}) is None
