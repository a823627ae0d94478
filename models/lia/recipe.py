"""How LIA is trained (paper, section 3.3): as all latent animators, and watched for its dictionary's orthogonality."""

from lia_bench.models.blocks.latent_training import Discriminator, LatentRecipe
from lia_bench.models.blocks.reconstruction import Vgg19Features
from lia_bench.models.lia.animator import LiaAnimator
from lia_bench.models.lia.configuration import LiaConfiguration, LiaModel


class LiaRecipe(LatentRecipe):
    """One update of the generator, then one of the discriminator on the same picture."""

    animator: LiaAnimator

    def __init__(self, experiment: LiaConfiguration, features: Vgg19Features | None = None) -> None:
        """`features`: VGG19 for the perceptual loss; by default the published one on this machine.

        Raises:
            MissingWeightsError: the perceptual loss has a weight and VGG19 is not on this machine.
        """
        model = experiment.model
        super().__init__(
            lambda: LiaAnimator(model),
            lambda: build_discriminator(model),
            experiment.loss,
            experiment.optimiser,
            features,
        )

    def readings(self) -> dict[str, float]:
        """How far the dictionary's directions are from orthonormal."""
        dictionary = self.animator.dictionary
        return {"orthogonality_error": dictionary.orthogonality_error()} if dictionary else {}


def build_discriminator(model: LiaModel) -> Discriminator:
    """The discriminator of a network of these sizes; as wide as its encoder."""
    return Discriminator(model.channels, model.resolutions)
