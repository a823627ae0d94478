"""The metrics against a plain baseline: `python benchmarks/metrics.py PUBLISHED WEIGHTS`.

PUBLISHED holds folders `vox_*` with `driving.mp4` and the videos of models; WEIGHTS holds MediaPipe's
face_landmarker.task. The baseline does what published scripts do: for each model and each metric its own pass over the
files, every video decoded by imageio, one frame at a time, nothing kept from one model to the next. LPIPS and FID run
with random weights of the true layout, since speed does not depend on the values. Then all measures that rest on the
landmarker against one of them alone, in seconds of the processor, which do not depend on what else is running.

Needs imageio and imageio-ffmpeg beside the package.
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
MODELS = ("fomm", "iapm")

Frame = np.ndarray
FrameMetric = Callable[[Frame, Frame], float]


@click.command()
@click.argument("published", type=click.Path(path_type=Path, exists=True))
@click.argument("weights", type=click.Path(path_type=Path, exists=True))
@click.option("--clips", default=2, show_default=True, help="Clips of 120 frames for each of two models.")
@click.option("--threads", default=2, show_default=True, help="Of torch, for both.")
def main(published: Path, weights: Path, clips: int, threads: int) -> None:
    """Print the seconds of both, for the metrics without and with large networks, and the peak memory."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["LIA_BENCH_HOME"] = str(folder / "home")
        place_weights(weights)
        pairs = sorted(published.glob("vox_*"))[:clips]
        for kind in ("driving", *MODELS):
            (folder / kind).mkdir()
            for pair in pairs:
                (folder / kind / f"{pair.name}.mp4").symlink_to((pair / f"{kind}.mp4").resolve())
        suites = {"pixels and faces": PIXELS_AND_FACES, "with LPIPS and FID": PIXELS_AND_FACES + NETWORKS}
        for title, metrics in suites.items():
            plain = baseline(folder, metrics)
            shutil.rmtree(folder / "home" / "features", ignore_errors=True)
            own = [suite(folder, model, metrics, title.replace(" ", "-")) for model in MODELS]
            print(
                f"{title}: plain {sum(plain):.1f} s ({', '.join(f'{value:.1f}' for value in plain)}), "
                f"suite {sum(own):.1f} s ({', '.join(f'{value:.1f}' for value in own)}), "
                f"ratio {sum(plain) / sum(own):.2f}",
                flush=True,
            )
        landmarks(folder)
        for frames in (64, 1024):
            print(f"peak memory, a clip of {frames} frames, all metrics: {memory(folder, frames):.0f} MiB", flush=True)


def landmarks(folder: Path, rounds: int = 3) -> None:
    """Print what all measures of the landmarker cost against AKD alone, each the quickest of some rounds."""
    suites = {"akd alone": ONE_OF_LANDMARKS, "all of the landmarker": ALL_OF_LANDMARKS}
    suites["and flicker"] = (*ALL_OF_LANDMARKS, "flicker")
    spent: dict[str, list[float]] = {title: [] for title in suites}
    for number in range(rounds):
        for title, metrics in suites.items():
            shutil.rmtree(folder / "home" / "features", ignore_errors=True)
            begin = time.process_time()
            suite(folder, MODELS[0], metrics, f"{title}-{number}".replace(" ", "-"))
            spent[title].append(time.process_time() - begin)
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
    """Seconds of `lia-bench score` for one model, networks loaded included."""
    from lia_bench.leaderboards.evaluation.request import ScoreRequest
    from lia_bench.leaderboards.evaluation.score import score

    begin = time.perf_counter()
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
    return time.perf_counter() - begin


def baseline(folder: Path, metrics: Sequence[str]) -> list[float]:
    """Seconds of the plain procedure for each model."""
    import imageio.v2 as imageio

    spent = []
    for model in MODELS:
        begin = time.perf_counter()
        for metric in metrics:
            measure = PLAIN[metric]()
            values = []
            for reference in sorted((folder / "driving").glob("*.mp4")):
                videos = [imageio.mimread(path, memtest=False) for path in (folder / model / reference.name, reference)]
                values += [measure(np.asarray(mine), np.asarray(theirs)) for mine, theirs in zip(*videos, strict=True)]
            if metric == "fid_inception":
                _distance(measure)
            assert values
        spent.append(time.perf_counter() - begin)
    return spent


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
        from lia_bench.metrics.extractors.extractor import ExtractorSetting
        from lia_bench.metrics.extractors.inception import open_inception
        from lia_bench.metrics.specification import Protocol

        self.extract = open_inception(ExtractorSetting(torch.device("cpu"), Protocol.LITERATURE))
        self.features: tuple[list[Any], list[Any]] = ([], [])

    def __call__(self, mine: Frame, theirs: Frame) -> float:
        for side, frame in zip(self.features, (mine, theirs), strict=True):
            side.append(self.extract(torch.from_numpy(frame).permute(2, 0, 1)[None])[0])
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

    torch.set_num_threads(2)
    metrics = PIXELS_AND_FACES + NETWORKS
    score(ScoreRequest(place / "made", place / "reference", metrics=metrics, device="cpu", results=place / "results"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        peak(Path(sys.argv[2]), sys.argv[3], sys.argv[4])
    else:
        main()
