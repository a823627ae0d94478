"""LIA at 512 and 1024: the same networks with more levels."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from lia_bench.core.errors import CheckpointError
from lia_bench.models.blocks.reconstruction import Vgg19Features
from lia_bench.models.lia.animator import LiaAnimator
from lia_bench.models.lia.authors_checkpoint import animator_state, authors_content
from lia_bench.models.lia.configuration import LiaConfiguration, LiaModel
from lia_bench.models.lia.recipe import LiaRecipe, build_discriminator
from lia_bench.models.loading import load_configuration, load_model
from lia_bench.models.training.recipe import Network, PairBatch

NARROW = {"style_dim": 16, "motion_dim": 4, "channel_base": 512, "channel_limit": 8}


def frames(count: int, size: int) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def train_step(recipe: LiaRecipe, source: Tensor, driving: Tensor) -> dict[str, float]:
    """Both updates; what the loss terms came to."""
    networks = {name: Network(network) for name, network in recipe.networks.items()}
    losses: dict[str, float] = {}
    for update in recipe.updates(networks, PairBatch(source, driving)):
        for name in update.networks:
            recipe.optimisers[name].zero_grad()
        torch.stack(tuple(update.losses.values())).sum().backward()
        for name in update.networks:
            recipe.optimisers[name].step()
        losses |= {name: float(loss.detach()) for name, loss in update.losses.items()}
    return losses


@pytest.mark.parametrize(
    ("size", "generator", "discriminator"),
    [(256, 45_114_762, 24_001_089), (512, 45_238_003, 24_030_753), (1024, 45_285_292, 24_038_161)],
)
def test_parameters(size: int, generator: int, discriminator: int) -> None:
    with torch.device("meta"):
        networks = LiaAnimator(LiaModel(size=size)), build_discriminator(LiaModel(size=size))
    counts = [sum(parameter.numel() for parameter in network.parameters()) for network in networks]
    assert counts == [generator, discriminator]


class Watched(Vgg19Features):
    """In the place of VGG19, which takes a minute at these sizes: the picture itself, five times."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)
        self.sides: list[int] = []

    def forward(self, image: Tensor) -> list[Tensor]:
        self.sides.append(image.shape[-1])
        return [image] * 5


@pytest.mark.parametrize("size", [512, 1024])
def test_a_narrow_network_trains(size: int) -> None:
    layer = {"model": {**NARROW, "size": size}, "loss": {"adversarial": 1.0, "perceptual": 10.0}}
    _, configuration = load_configuration("lia", "demo-64", [layer])
    assert isinstance(configuration, LiaConfiguration)
    features = Watched()
    recipe = LiaRecipe(configuration, features)
    losses = train_step(recipe, frames(1, size), frames(1, size).flip(3))
    assert losses.keys() == {"l1", "perceptual", "adversarial", "discriminator"}
    assert features.sides == [size, size // 2, size // 4, size // 8] * 2
    for network in recipe.networks.values():
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("size", [512, 1024])
def test_the_authors_layout_covers_the_size(size: int) -> None:
    state = LiaAnimator(LiaModel(size=size, **NARROW)).state_dict()
    content = authors_content(state)
    assert content is not None
    back = animator_state(content)
    assert back is not None
    assert back.keys() == state.keys()


@pytest.mark.parametrize("size", [512, 1024])
def test_a_checkpoint_of_256_is_refused_with_both_sizes(size: int, tmp_path: Path) -> None:
    file = tmp_path / "vox.pt"
    torch.save(authors_content(LiaAnimator(LiaModel()).state_dict()), file)
    with pytest.raises(CheckpointError, match=f"vox.pt: .*size={size} was given where it has 256"):
        load_model("lia", checkpoint=file, variant="vox-256", device="cpu", size=size)


@pytest.mark.slow
def test_the_paper_s_widths_train_and_animate_at_512() -> None:
    _, configuration = load_configuration("lia", "vox-256", [{"model": {"size": 512}, "loss": {"perceptual": 0}}])
    assert isinstance(configuration, LiaConfiguration)
    recipe = LiaRecipe(configuration)
    flow = dict(recipe.animator.named_parameters())["decoder.levels.6.flow.weight"]
    before = flow.detach().clone()
    pair = frames(2, 512)
    losses = train_step(recipe, pair[:1], pair[1:])
    assert all(0 < loss < float("inf") for loss in losses.values())
    assert not torch.equal(flow, before)
    animated = recipe.animator.animate(pair[0], pair[1:])
    assert animated.shape == (1, 3, 512, 512)
    assert animated.isfinite().all()


@pytest.mark.slow
def test_the_paper_s_widths_animate_at_1024() -> None:
    animator = load_model("lia", variant="vox-256", device="cpu", size=1024)
    pair = frames(2, 1024)
    animated = animator.animate(pair[0], pair[1:])
    assert animated.shape == (1, 3, 1024, 1024)
    assert animated.isfinite().all()
    with torch.no_grad():
        assert build_discriminator(LiaModel(size=1024))(pair * 2 - 1).shape == (2, 1)
