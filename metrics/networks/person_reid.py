"""Person re-identification ResNet-50 (Zheng), laid out as `net_last.pth` of Person_reID_baseline_pytorch's ft_net."""

from functools import partial

from torch import Tensor, nn

PERSONS = 751
BOTTLENECK = 512
FEATURES = 2048


class PersonClassifier(nn.Module):
    """What tells the 751 persons of Market-1501's training part from each other; kept for the file's layout alone."""

    def __init__(self) -> None:
        super().__init__()
        self.add_block = nn.Sequential(nn.Linear(FEATURES, BOTTLENECK), nn.BatchNorm1d(BOTTLENECK))
        self.classifier = nn.Sequential(nn.Linear(BOTTLENECK, PERSONS))


class PersonReidNetwork(nn.Module):
    """ResNet-50 without its classifiers.

    In evaluation mode the network is what it was trained to be. In training mode each layer normalises every picture
    by that picture's own mean and variance, as batch normalisation does with a batch of one; a picture's features
    never depend on the others of its batch.
    """

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import resnet50

        # Equal to batch normalisation in evaluation mode, with the same keys. Momentum 0: training mode is for reading
        # features too and must leave the published statistics alone.
        normalisation = partial(nn.InstanceNorm2d, affine=True, track_running_stats=True, momentum=0.0)
        self.model = resnet50(weights=None, norm_layer=normalisation)
        self.classifier = PersonClassifier()

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (B, 2048), 0 or more, of pictures (B, 3, 288, 144): RGB, scaled with ImageNet's constants."""
        model = self.model
        features = model.maxpool(model.relu(model.bn1(model.conv1(pictures))))
        features = model.layer4(model.layer3(model.layer2(model.layer1(features))))
        pooled: Tensor = model.avgpool(features)
        return pooled.flatten(1)
