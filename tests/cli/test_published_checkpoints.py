"""Published checkpoints by name: from where their authors put them to a video, a table and a model in Python."""

import csv
import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request

import numpy as np
import pytest
import torch
from PIL import Image

import lia_bench
from lia_bench.cli.main import run
from lia_bench.core import http_download
from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.http_download import Patience
from lia_bench.core.video import write_video
from lia_bench.models.card import published_checkpoint, published_checkpoints
from lia_bench.models.lia.authors_checkpoint import authors_content
from lia_bench.models.loading import load_model
from lia_bench.models.specification import MODELS
from tests.two_hosts import TwoHosts, two_hosts

FOLDER = "1N4QcnqUQwKUZivFV-YeBuPyH4pGJHooc"
VOX, TAICHI = "v" * 33, "t" * 33
FETCH = "run 'lia-bench weights fetch lia:vox-256'"


@pytest.fixture(scope="module")
def checkpoint() -> bytes:
    """A file as LIA's authors published, of the smallest variant."""
    torch.manual_seed(0)
    content = io.BytesIO()
    torch.save(authors_content(load_model("lia", "untrained", "demo-64", "cpu").state_dict()), content)
    return content.getvalue()


@pytest.fixture
def hosts(checkpoint: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoHosts]:
    """The authors' folder with that file in it, and LIA with a variant vox-256 of its size; two inputs lie here."""
    lia = MODELS["lia"]
    assert lia.variants is not None
    variants = tmp_path / "variants"
    variants.mkdir()
    for name in lia.variant_names():
        shutil.copy(lia.variants / "demo-64.yaml", variants / f"{name}.yaml")
    monkeypatch.setitem(MODELS._load(), "lia", replace(lia, variants=variants))
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(http_download, "PATIENCE", Patience(timeout=60.0, pauses=()))
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    Image.fromarray(frames[0]).save("p.png")
    write_video(Path("d.mp4"), frames, 25.0)
    with two_hosts(monkeypatch) as local:
        local.drive = {VOX: checkpoint, TAICHI: checkpoint}
        local.names = {VOX: "vox.pt", TAICHI: "taichi.pt"}
        local.folders = {FOLDER: [TAICHI, VOX]}
        local.page = "confirm"
        yield local


def lia(*words: str) -> int:
    return run([*words], debug=False)


def animate(model: str) -> int:
    inputs = ["--source", "p.png", "--driving", "d.mp4", "--no-crop", "--output", "out.mp4"]
    return lia("animate", model, *inputs, "--device", "cpu")


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines()[-1]


def test_one_command_from_the_message_to_a_video(hosts: TwoHosts, capsys: pytest.CaptureFixture[str]) -> None:
    assert animate("lia:vox-256") == 1
    assert last_line(capsys) == f"error: no checkpoint of lia:vox-256 is on this machine: {FETCH}"
    assert lia("weights", "fetch", "lia:vox-256") == 0
    captured = capsys.readouterr()
    assert "lia:vox-256: licence: none of their own; the repository is CC BY-NC 4.0" in captured.err
    assert "none is published: compared with this one from now on" in captured.out
    assert animate("lia:vox-256") == 0
    assert Path("out.mp4").stat().st_size > 1000
    assert str(Path("checkpoints", "lia", "vox-256", "vox.pt")) in capsys.readouterr().err
    assert lia("weights", "verify") == 0
    assert lia("weights", "fetch", "lia:vox-256") == 0
    assert hosts.asked("/download") == 1


def test_python_takes_the_published_checkpoint(hosts: TwoHosts, checkpoint: bytes) -> None:
    with pytest.raises(MissingWeightsError, match=FETCH):
        lia_bench.load_model("lia", variant="vox-256", checkpoint="published")
    assert lia("weights", "fetch", "lia:vox-256") == 0
    model = lia_bench.load_model("lia", variant="vox-256", checkpoint="published", device="cpu")
    Path("ours.pt").write_bytes(checkpoint)
    ours = lia_bench.load_model("lia", variant="vox-256", checkpoint="ours.pt", device="cpu")
    assert all(torch.equal(value, ours.state_dict()[name]) for name, value in model.state_dict().items())


def test_evaluate_takes_it_where_there_is_no_run(hosts: TwoHosts, capsys: pytest.CaptureFixture[str]) -> None:
    test = Path("data/clips-64/test")
    test.mkdir(parents=True)
    shutil.copy("d.mp4", test)
    words = ["evaluate", "--models", "lia:vox-256", "--dataset", "clips-64", "--metrics", "l1", "--no-videos"]
    words += ["--task", "reconstruction", "--device", "cpu"]
    assert lia(*words) == 1
    assert last_line(capsys) == f"error: no checkpoint of lia:vox-256 is on this machine: {FETCH}"
    assert lia("weights", "fetch", "lia:vox-256") == 0
    assert lia(*words) == 0
    with Path("results/clips-64-l1/leaderboard.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert row["checkpoint"] == str(published_checkpoint("lia", "vox-256"))


def test_a_model_without_run_and_variant_names_what_there_is(
    hosts: TwoHosts, capsys: pytest.CaptureFixture[str]
) -> None:
    assert animate("lia") == 1
    said = last_line(capsys)
    assert "no run of lia in runs: train it first (lia-bench train lia)" in said
    assert "take a published one (lia:vox-256, lia:taichi-256, lia:ted-256)" in said
    assert animate("lia:vox256") == 1
    assert "unknown variant of lia 'vox256': did you mean 'vox-256'?" in last_line(capsys)


def test_a_file_that_the_authors_changed_is_not_taken_silently(
    hosts: TwoHosts, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lia("weights", "fetch", "lia:vox-256") == 0
    path = published_checkpoint("lia", "vox-256")
    path.unlink()
    hosts.drive[VOX] = b"another network"
    assert lia("weights", "fetch", "lia:vox-256") == 1
    said = last_line(capsys)
    assert "not the published vox.pt" in said
    assert "the file that first came" in said
    assert f"delete {path}.sha256" in said
    path.write_bytes(b"another network")
    with pytest.raises(CheckpointError, match="the file that first came"):
        published_checkpoint("lia", "vox-256")
    Path(f"{path}.sha256").unlink()
    assert published_checkpoint("lia", "vox-256") == path


@pytest.mark.parametrize(
    ("content", "page", "said"),
    [
        (b"<!DOCTYPE html><html>", "", "a web page, or a file that was cut short or damaged"),
        (None, "", "a web page, or a file that was cut short or damaged"),
        (b"", "quota", "its quota is exceeded): try again in a day"),
        (b"", "gone", "it is gone, not public, or was asked for too often"),
    ],
)
def test_what_google_drive_gives_instead_is_one_line_with_a_way_out(
    hosts: TwoHosts,
    checkpoint: bytes,
    content: bytes | None,
    page: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hosts.drive[VOX] = checkpoint[:100_000] if content is None else content
    hosts.page = page  # type: ignore[assignment]
    assert lia("weights", "fetch", "lia:vox-256") == 1
    *_, line = capsys.readouterr().err.splitlines()
    assert said in line
    assert f"https://drive.google.com/drive/folders/{FOLDER} in a browser" in line
    assert "lia-bench weights add FILE --as lia:vox-256" in line
    assert not Path("home/weights/checkpoints").exists() or not list(Path("home/weights/checkpoints").rglob("*.pt"))


def test_what_a_browser_brought_is_added(hosts: TwoHosts, checkpoint: bytes) -> None:
    Path("vox.pt").write_bytes(checkpoint)
    assert lia("weights", "add", "vox.pt") == 0
    assert animate("lia:vox-256") == 0
    assert hosts.requests == []


def test_the_next_address_is_tried(
    hosts: TwoHosts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(request: Request, timeout: float) -> None:
        raise HTTPError(request.full_url, 404, "not found", Message(), None)

    monkeypatch.setattr(http_download, "urlopen", gone)
    assert lia("weights", "fetch", "fomm:vox-256") == 1
    captured = capsys.readouterr().err
    assert "the Hugging Face Hub has no such repository" in captured
    assert "; trying another address" in captured
    assert "github.com/graphemecluster" in captured.splitlines()[-1]
    assert "lia-bench weights add FILE --as fomm:vox-256" in captured.splitlines()[-1]


def test_a_checkpoint_of_several_files_is_one_name(hosts: TwoHosts, capsys: pytest.CaptureFixture[str]) -> None:
    revision = "89216460843bb48612cfdfb674ef6c9f8a472484"
    warping = "liveportrait/base_models/warping_module.pth"
    hosts.hub = {f"KwaiVGI/LivePortrait/{revision}/{warping}": b"a network"}
    assert lia("weights", "fetch", "liveportrait:512") == 1
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1].startswith("error: 4 of 5 files")
    assert "liveportrait:512/warping_module: now at" in captured.out
    assert lia("weights", "fetch", "liveportrait:512/warping_module") == 0
    assert "already here" in capsys.readouterr().out
    assert animate("liveportrait:512") == 1
    assert "run 'lia-bench weights fetch liveportrait:512'" in last_line(capsys)


@pytest.mark.parametrize(("name", "said"), [("lia", "lia:vox-256, lia:taichi-256"), ("lia:vox", "'lia:vox-256'")])
def test_a_name_that_is_not_whole(hosts: TwoHosts, name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert lia("weights", "fetch", name) == 1
    assert said in last_line(capsys)


def test_every_address_of_a_card_is_one_that_can_be_asked() -> None:
    files = [file for group in published_checkpoints().values() for file in group]
    assert len(files) > 30
    assert all(address.startswith("https://") for file in files for address in (file.address, *file.mirrors))
    assert {file.name for file in files if file.by_hand} == {"fvv:vox-256-beta", "x2face:vox-256"}
    assert len({file.path for file in files}) == len(files)
