"""How LIA-X is trained: as LIA, and with magnitudes that are asked to be few."""

from torch import Tensor

from lia_bench.models.blocks.latent_training import Discriminator, LatentRecipe
from lia_bench.models.blocks.reconstruction import Vgg19Features
from lia_bench.models.liax.animator import LiaxAnimator
from lia_bench.models.liax.configuration import LiaxConfiguration
from lia_bench.models.training.recipe import Network


class LiaxRecipe(LatentRecipe):
    """LIA's updates; the generator's loss has the L1 norm of the driving frame's magnitudes as well.

    Its authors published no training code: the terms are the paper's, the discriminator, the rates and every weight
    are LIA's or options here.
    """

    animator: LiaxAnimator

    def __init__(self, experiment: LiaxConfiguration, features: Vgg19Features | None = None) -> None:
        """`features`: VGG19 for the perceptual loss; by default the published one on this machine.

        Raises:
            MissingWeightsError: the perceptual loss has a weight and VGG19 is not on this machine.
        """
        model = experiment.model
        super().__init__(
            lambda: LiaxAnimator(model),
            lambda: Discriminator(model.channels, model.resolutions),
            experiment.loss,
            experiment.optimiser,
            features,
        )
        self.sparsity = experiment.loss.sparsity

    def generated(self, generator: Network, source: Tensor, driving: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The picture for a pair in [-1, 1], and how much the driving frame's magnitudes weigh."""
        image, magnitudes = generator(source, driving)
        if not self.sparsity:
            return image, {}
        return image, {"sparsity": self.sparsity * magnitudes.abs().sum(dim=1).mean()}

    def readings(self) -> dict[str, float]:
        """How far the dictionary's directions are from orthonormal."""
        return {"orthogonality_error": self.animator.dictionary.orthogonality_error()}
