"""The metrics against a plain baseline: `python benchmarks/metrics.py PUBLISHED WEIGHTS`.

PUBLISHED holds folders `vox_*` with `driving.mp4` and the videos of models; WEIGHTS holds MediaPipe's
face_landmarker.task. The baseline does what published scripts do: for each model and each metric its own pass over the
files, every video decoded by imageio, one frame at a time, nothing kept from one model to the next; networks as their
packages have them. LPIPS and FID run with random weights of the true layout, since speed does not depend on the values.
Baseline and suite take turns, model by model. Seconds are the processor's, which do not depend on what else is running.
What LPIPS and FID cannot do without is printed beside them: the multiply-adds of their networks at the rate of this
machine's convolutions. Then all measures that rest on the landmarker against one of them alone.

Needs the extra `benchmarks`.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from plain_video import imageio_with_ffmpeg

from lia_bench.core.memory import keep_freed_memory
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.video import write_video
from lia_bench.core.weights import WEIGHTS, WeightFile, weights_home

PIXELS_AND_FACES = ("l1", "psnr", "ssim", "ms_ssim", "akd_mediapipe_face", "mkr_mediapipe_face")
NETWORKS = ("lpips_alex", "fid_inception")
ONE_OF_LANDMARKS = ("akd_mediapipe_face",)
ALL_OF_LANDMARKS = (
    *("akd_mediapipe_face", "mkr_mediapipe_face", "pose_error_mediapipe", "expression_error_mediapipe"),
    *("jitter_mediapipe", "l1_face_mediapipe", "l1_eyes_mediapipe", "l1_mouth_mediapipe", "l1_background_mediapipe"),
)
LARGE = "with LPIPS and FID"
SUITES = {"pixels and faces": PIXELS_AND_FACES, LARGE: PIXELS_AND_FACES + NETWORKS}
PARTS = (*SUITES, "landmarks", "memory")
SIDE, FRAMES = 256, 120
"""Of the published clips."""

Frame = np.ndarray
FrameMetric = Callable[[Frame, Frame], float]


@click.command()
@click.argument("published", type=click.Path(path_type=Path, exists=True))
@click.argument("weights", type=click.Path(path_type=Path, exists=True))
@click.option("--clips", default=2, show_default=True, help="Clips of 120 frames for each model.")
@click.option("--models", default="fomm,iapm", show_default=True, help="Whose videos.")
@click.option("--threads", default=1, show_default=True, help="Of torch, for both.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="[default: all; repeatable]")
def main(published: Path, weights: Path, clips: int, models: str, threads: int, parts: tuple[str, ...]) -> None:
    """Print the seconds of both, for the metrics without and with large networks, and the peak memory."""
    imageio_with_ffmpeg()
    torch.set_num_threads(threads)
    # As the commands do.
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["LIA_BENCH_HOME"] = str(folder / "home")
        place_weights(weights)
        pairs = sorted(published.glob("vox_*"))[:clips]
        names = models.split(",")
        for kind in ("driving", *names):
            (folder / kind).mkdir()
            for pair in pairs:
                (folder / kind / f"{pair.name}.mp4").symlink_to((pair / f"{kind}.mp4").resolve())
        for title in (part for part in SUITES if part in (parts or PARTS)):
            metrics = SUITES[title]
            shutil.rmtree(folder / "home" / "features", ignore_errors=True)
            plain, own = [], []
            for model in names:
                plain.append(baseline(folder, model, metrics))
                own.append(suite(folder, model, metrics, title.replace(" ", "-")))
            print(
                f"{title}: plain {sum(plain):.1f} s ({', '.join(f'{value:.1f}' for value in plain)}), "
                f"suite {sum(own):.1f} s ({', '.join(f'{value:.1f}' for value in own)}), "
                f"ratio {sum(plain) / sum(own):.2f}",
                flush=True,
            )
        if LARGE in (parts or PARTS):
            multiply_adds(len(names), FRAMES * len(pairs))
        if "landmarks" in (parts or PARTS):
            landmarks(folder, names[0])
        for frames in (64, 256) if "memory" in (parts or PARTS) else ():
            print(f"peak memory, a clip of {frames} frames, all metrics: {memory(folder, frames):.0f} MiB", flush=True)


def multiply_adds(models: int, frames: int) -> None:
    """Print the seconds that the networks' own multiply-adds take at the rate of this machine's convolutions."""
    from lpips import LPIPS
    from torch.utils.flop_counter import FlopCounterMode
    from torchvision.models import inception_v3

    from lia_bench.metrics.extractors.inception import network_input

    picture = torch.zeros(1, 3, SIDE, SIDE)
    inception = inception_v3(weights=None, aux_logits=False, init_weights=False).eval()
    counts = []
    for network, given in (
        (LPIPS(net="alex", pnet_rand=True, verbose=False).eval(), (picture, picture)),
        (inception, (network_input(picture.byte()),)),
    ):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(*given)
        counts.append(counter.get_total_flops())
    rate = convolution_rate()
    lpips, fid = counts
    # The features of true frames are there for the second model.
    needed = (models * frames * lpips + (models + 1) * frames * fid) / rate
    plain = (models * frames * lpips + 2 * models * frames * fid) / rate
    print(
        f"convolutions of this machine: {rate / 1e9:.0f} GFLOP/s; LPIPS {lpips / 1e9:.2f} GFLOP a pair of frames, "
        f"Inception {fid / 1e9:.2f} a frame: at that rate plain {plain:.1f} s, suite {needed:.1f} s of the above",
        flush=True,
    )


def convolution_rate(rounds: int = 10) -> float:
    """Floating-point operations a second of a 3x3 convolution of 256 channels, the quickest of some rounds."""
    layer = torch.nn.Conv2d(256, 256, 3, padding=1).to(memory_format=torch.channels_last)
    maps = torch.randn(4, 256, 64, 64).contiguous(memory_format=torch.channels_last)
    spent = []
    with torch.inference_mode():
        for _ in range(rounds):
            begin = time.process_time()
            layer(maps)
            spent.append(time.process_time() - begin)
    return 2 * layer.weight.numel() * maps[:, 0].numel() / min(spent)


def landmarks(folder: Path, model: str, rounds: int = 3) -> None:
    """Print what all measures of the landmarker cost against AKD alone, each the quickest of some rounds."""
    suites = {"akd alone": ONE_OF_LANDMARKS, "all of the landmarker": ALL_OF_LANDMARKS}
    suites["and flicker"] = (*ALL_OF_LANDMARKS, "flicker")
    spent: dict[str, list[float]] = {title: [] for title in suites}
    for number in range(rounds):
        for title, metrics in suites.items():
            shutil.rmtree(folder / "home" / "features", ignore_errors=True)
            spent[title].append(suite(folder, model, metrics, f"{title}-{number}".replace(" ", "-")))
    alone = min(spent["akd alone"])
    for title, seconds in spent.items():
        print(f"{title}: {min(seconds):.2f} s of the processor, {min(seconds) / alone:.2f} of akd alone", flush=True)


def place_weights(weights: Path) -> None:
    """Put the real landmarker, and random networks of the true layouts, where the suite finds them."""
    from torchvision.models import alexnet, inception_v3

    from lia_bench.metrics.extractors.inception import CLASSES

    weights_home().mkdir(parents=True)
    shutil.copyfile(weights / "face_landmarker.task", weights_home() / "face_landmarker.task")
    network = inception_v3(weights=None, num_classes=CLASSES, aux_logits=False, init_weights=False)
    for name, state in (("alexnet", alexnet(weights=None).state_dict()), ("inception-fid", network.state_dict())):
        draft = weights_home() / "draft"
        torch.save(state, draft)
        prefix = WEIGHTS[name].sha256_prefix or ""
        file_name = WEIGHTS[name].file_name.replace(prefix, sha256_of_file(draft)[: len(prefix)])
        draft.rename(weights_home() / file_name)
        WEIGHTS._load()[name] = WeightFile(name, file_name, WEIGHTS[name].source, "a benchmark", "none")


def suite(folder: Path, model: str, metrics: Sequence[str], name: str) -> float:
    """Seconds of the processor of `lia-bench score` for one model, networks loaded included."""
    from lia_bench.leaderboards.evaluation.request import ScoreRequest
    from lia_bench.leaderboards.evaluation.score import score

    begin = time.process_time()
    score(
        ScoreRequest(
            folder / model,
            folder / "driving",
            metrics=tuple(metrics),
            name=name,
            device="cpu",
            results=folder / "results",
        )
    )
    return time.process_time() - begin


def baseline(folder: Path, model: str, metrics: Sequence[str]) -> float:
    """Seconds of the processor of the plain procedure for one model."""
    imageio = imageio_with_ffmpeg()
    begin, programs = time.process_time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    for metric in metrics:
        measure = PLAIN[metric]()
        values = []
        for reference in sorted((folder / "driving").glob("*.mp4")):
            videos = [imageio.mimread(path, memtest=False) for path in (folder / model / reference.name, reference)]
            values += [measure(np.asarray(mine), np.asarray(theirs)) for mine, theirs in zip(*videos, strict=True)]
        if metric == "fid_inception":
            _distance(measure)
        assert values
    # imageio decodes in a program of its own.
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    decoding = after.ru_utime + after.ru_stime - programs.ru_utime - programs.ru_stime
    return time.process_time() - begin + decoding


def _l1() -> FrameMetric:
    return lambda mine, theirs: float(np.abs(mine / 255.0 - theirs / 255.0).mean())


def _psnr() -> FrameMetric:
    from skimage.metrics import peak_signal_noise_ratio

    return lambda mine, theirs: float(peak_signal_noise_ratio(theirs, mine))


def _ssim() -> FrameMetric:
    from skimage.metrics import structural_similarity

    options: dict[str, Any] = {
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "channel_axis": 2,
    }
    return lambda mine, theirs: float(structural_similarity(theirs, mine, **options))


def _ms_ssim() -> FrameMetric:
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    return lambda mine, theirs: float(
        multiscale_structural_similarity_index_measure(_image(mine), _image(theirs), data_range=1.0)
    )


def _lpips() -> FrameMetric:
    from lpips import LPIPS

    network = LPIPS(net="alex", pnet_rand=True, verbose=False).eval()

    def distance(mine: Frame, theirs: Frame) -> float:
        with torch.no_grad():
            return float(network(_image(mine), _image(theirs), normalize=True))

    return distance


def _faces() -> FrameMetric:
    from lia_bench.metrics.extractors.extractor import POINTS, ExtractorSetting
    from lia_bench.metrics.extractors.mediapipe_landmarks import FACES, MediapipeFace
    from lia_bench.metrics.specification import Protocol

    find = MediapipeFace(ExtractorSetting(torch.device("cpu"), Protocol.LITERATURE))

    def distance(mine: Frame, theirs: Frame) -> float:
        found = (find(torch.from_numpy(frame).permute(2, 0, 1)[None]) for frame in (mine, theirs))
        points = [FACES.part(rows, POINTS) for rows in found]
        return float(np.abs(points[0] - points[1]).mean())

    return distance


class _Inception:
    """Features of both sides, one frame at a time, all kept."""

    def __init__(self) -> None:
        from lia_bench.core.torch_weights import load_torch_weights
        from lia_bench.core.weights import locate
        from lia_bench.metrics.extractors.inception import WEIGHTS_NAME, fid_inception

        path = locate(WEIGHTS_NAME)
        self.network = fid_inception(load_torch_weights(path), path).eval()
        self.features: tuple[list[Any], list[Any]] = ([], [])

    def __call__(self, mine: Frame, theirs: Frame) -> float:
        from lia_bench.metrics.extractors.inception import network_input

        for side, frame in zip(self.features, (mine, theirs), strict=True):
            with torch.no_grad():
                side.append(self.network(network_input(torch.from_numpy(frame).permute(2, 0, 1)[None]))[0].numpy())
        return 0.0


def _distance(inception: Any) -> None:
    from pytorch_fid.fid_score import calculate_frechet_distance

    sides = [np.stack(side) for side in inception.features]
    moments = [moment for side in sides for moment in (side.mean(axis=0), np.cov(side, rowvar=False))]
    calculate_frechet_distance(*moments)


PLAIN: dict[str, Callable[[], FrameMetric]] = {
    "l1": _l1,
    "psnr": _psnr,
    "ssim": _ssim,
    "ms_ssim": _ms_ssim,
    "lpips_alex": _lpips,
    "akd_mediapipe_face": _faces,
    "mkr_mediapipe_face": _faces,
    "fid_inception": _Inception,
}


def _image(frame: Frame) -> torch.Tensor:
    return torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255


def memory(folder: Path, frames: int) -> float:
    """Peak MiB of a process of its own that scores one long clip with all metrics."""
    place = folder / f"long-{frames}"
    for side in ("made", "reference"):
        random = np.random.default_rng(0)
        pictures = (random.integers(0, 255, (256, 256, 3), dtype=np.uint8) for _ in range(frames))
        write_video(place / side / "a.mp4", pictures, 25.0)
    names = {name: WEIGHTS[name].file_name for name in ("alexnet", "inception-fid")}
    arguments = [sys.executable, __file__, "--peak", str(place), *names.values()]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def peak(place: Path, alexnet: str, inception: str) -> None:
    """What the process of `memory` does."""
    for name, file_name in (("alexnet", alexnet), ("inception-fid", inception)):
        WEIGHTS._load()[name] = WeightFile(name, file_name, WEIGHTS[name].source, "a benchmark", "none")
    from lia_bench.leaderboards.evaluation.request import ScoreRequest
    from lia_bench.leaderboards.evaluation.score import score

    torch.set_num_threads(1)
    keep_freed_memory()
    metrics = PIXELS_AND_FACES + NETWORKS
    score(ScoreRequest(place / "made", place / "reference", metrics=metrics, device="cpu", results=place / "results"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        peak(Path(sys.argv[2]), sys.argv[3], sys.argv[4])
    else:
        main()
