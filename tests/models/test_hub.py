"""Animators saved, loaded and shared as the Hugging Face Hub's libraries do."""

import dataclasses
import json
from collections.abc import Iterator
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import huggingface_hub
import pytest
import torch
from torch import Tensor, nn

from lia_bench.core.errors import CheckpointError, InputError
from lia_bench.models.animator import Animator
from lia_bench.models.checkpoint import TRAINING
from lia_bench.models.fomm.animator import FommAnimator
from lia_bench.models.lia.animator import LiaAnimator
from lia_bench.models.loading import load_model
from tests.leaderboards.toys import Toy, ToyModel, register, specification

COMMIT = "c" * 40
REPOSITORY = "owner/lia-small"


@pytest.fixture(scope="module")
def animator() -> Animator:
    torch.manual_seed(5)
    return load_model("lia", variant="demo-64", device="cpu", motion_dim=7)


@pytest.fixture
def folder(animator: Animator, tmp_path: Path) -> Path:
    animator.save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the Hub's files."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def offline(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return cache


def same(one: Animator, other: Animator) -> bool:
    theirs = other.state_dict()
    return one.state_dict().keys() == theirs.keys() and all(
        torch.equal(value, theirs[name]) for name, value in one.state_dict().items()
    )


def test_a_saved_animator_is_a_checkpoint_folder_and_comes_back(animator: Animator, folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    for loaded in (
        Animator.from_pretrained(folder, device="cpu"),
        LiaAnimator.from_pretrained(str(folder), device="cpu"),
        load_model("lia", checkpoint=folder, device="cpu"),
    ):
        assert isinstance(loaded, LiaAnimator)
        assert loaded.zoo_entry == animator.zoo_entry
        assert not loaded.training
        assert same(loaded, animator)


def test_the_card_says_what_it_is_and_how_to_load_it(folder: Path) -> None:
    card = huggingface_hub.ModelCard.load(folder / "README.md")
    assert card.data.library_name == "lia-bench"
    assert "# lia:demo-64" in card.text
    assert "Animator.from_pretrained(" in card.text


def test_fields_can_be_changed_on_loading(animator: Animator, tmp_path: Path) -> None:
    load_model("fomm", variant="demo-64", device="cpu").save_pretrained(tmp_path)
    assert FommAnimator.from_pretrained(tmp_path, device="cpu", size=96).frame_size == 96


def test_another_class_is_refused(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="checkpoint of lia, which is a LiaAnimator and no FommAnimator: load it"):
        FommAnimator.from_pretrained(folder)


def test_only_what_knows_its_configuration_is_saved(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"make it by lia_bench\.load_model"):
        Toy(ToyModel()).save_pretrained(tmp_path / "toy")
    assert not (tmp_path / "toy").exists()


def test_a_checkpoint_of_training_is_not_saved_over(animator: Animator, tmp_path: Path) -> None:
    (tmp_path / TRAINING).touch()
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="training may go on from"):
        animator.save_pretrained(tmp_path)
    assert (tmp_path / "config.json").read_text() == "{}"


def test_a_folder_without_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no config\.json"):
        Animator.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"architectures": ["Bert"]}')
    with pytest.raises(CheckpointError, match=r"not readable as a checkpoint of lia-bench \('format' is missing\)"):
        Animator.from_pretrained(tmp_path)


class Plugged(Animator):
    """A plug-in's model, whose constructor takes what the Hub's mixin has names for."""

    def __init__(self, model: Any, config: str = "none", token: int = 3) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(token))
        self.config = config

    @property
    def frame_size(self) -> int:
        return 8

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> Tensor:
        return source

    def render(self, encoded: Tensor, driving: Tensor) -> Tensor:
        return driving * self.gain[0]


def test_models_of_other_packages_work_as_before_and_are_shared_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Plugged(ToyModel(), config="mine").config == "mine"
    register(monkeypatch, plugged=dataclasses.replace(specification("plugged"), animator=f"{__name__}:Plugged"))
    built = load_model("plugged", device="cpu")
    built.save_pretrained(tmp_path)
    loaded = Animator.from_pretrained(tmp_path, device="cpu")
    assert isinstance(loaded, Plugged)
    assert same(loaded, built)
    assert loaded.animate(torch.zeros(3, 8, 8), torch.ones(2, 3, 8, 8)).mean() == 1


def test_a_repository_in_the_cache_loads_offline(animator: Animator, folder: Path, offline: Path) -> None:
    stored = offline / "models--owner--lia-small"
    (stored / "refs").mkdir(parents=True)
    (stored / "refs" / "main").write_text(COMMIT)
    (stored / "snapshots").mkdir()
    folder.rename(stored / "snapshots" / COMMIT)
    assert same(Animator.from_pretrained(REPOSITORY, device="cpu"), animator)
    assert same(Animator.from_pretrained(REPOSITORY, revision=COMMIT, device="cpu"), animator)


def test_a_folder_that_is_there_is_not_looked_for_on_the_hub(
    animator: Animator, folder: Path, offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("owner").mkdir()
    folder.rename(REPOSITORY)
    assert same(Animator.from_pretrained(REPOSITORY, device="cpu"), animator)


@pytest.mark.parametrize(
    ("name", "reason"), [(REPOSITORY, "the Hub cannot be reached"), ("a/b/c", "neither a folder here nor")]
)
def test_what_cannot_be_fetched_is_one_line(name: str, reason: str, offline: Path) -> None:
    with pytest.raises(CheckpointError, match=reason) as caught:
        Animator.from_pretrained(name)
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)


@pytest.fixture
def hub(cache: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that answers as the Hub does for one repository of one commit."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    tree = [
        {"type": "file", "path": name, "size": len(content), "oid": sha1(content).hexdigest()}
        for name, content in files.items()
    ]
    answers: dict[str, Any] = {
        f"/api/models/{REPOSITORY}/tree/{COMMIT}": tree,
        **{
            f"/api/models/{REPOSITORY}/revision/{revision}": {"id": REPOSITORY, "sha": COMMIT, "siblings": []}
            for revision in ("main", COMMIT)
        },
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            name = path.rpartition("/")[2]
            if path == f"/{REPOSITORY}/resolve/{COMMIT}/{name}":
                content, headers = files[name], {"ETag": f'"{sha1(files[name]).hexdigest()}"', "X-Repo-Commit": COMMIT}
                self._answer(200, content, headers)
            elif path in answers:
                self._answer(200, json.dumps(answers[path]).encode(), {"Content-Type": "application/json"})
            else:
                known = REPOSITORY in path
                self._answer(404, b"", {"X-Error-Code": "RevisionNotFound" if known else "RepoNotFound"})

        def do_HEAD(self) -> None:
            self.do_GET()

        def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(
        huggingface_hub.constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        f"http://127.0.0.1:{server.server_port}/{{repo_id}}/resolve/{{revision}}/{{filename}}",
    )
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("hub")
def test_a_repository_is_fetched_once_and_mistakes_are_named(
    animator: Animator, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert same(LiaAnimator.from_pretrained(REPOSITORY, device="cpu"), animator)
    snapshot = cache / "models--owner--lia-small" / "snapshots" / COMMIT
    assert sorted(path.name for path in snapshot.iterdir()) == ["config.json", "model.safetensors"]
    with pytest.raises(CheckpointError, match="no revision 'v9'"):
        Animator.from_pretrained(REPOSITORY, revision="v9")
    with pytest.raises(CheckpointError, match="nor a repository on the Hugging Face Hub") as caught:
        Animator.from_pretrained("owner/other")
    assert "\n" not in str(caught.value)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    assert same(Animator.from_pretrained(REPOSITORY, device="cpu"), animator)


def test_a_pushed_repository_holds_the_checkpoint_folder(
    animator: Animator, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed: dict[str, bytes] = {}

    def create(self: Any, repo_id: str, **options: Any) -> Any:
        return huggingface_hub.RepoUrl(f"https://huggingface.co/{repo_id}")

    def upload(self: Any, *, folder_path: Path, **options: Any) -> str:
        pushed.update({path.name: path.read_bytes() for path in Path(folder_path).iterdir()})
        return "https://huggingface.co/commit"

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", create)
    monkeypatch.setattr(huggingface_hub.HfApi, "upload_folder", upload)
    assert animator.push_to_hub(REPOSITORY, model_card_kwargs={"license": "mit"}) == "https://huggingface.co/commit"
    for name in ("config.json", "model.safetensors"):
        assert pushed[name] == (folder / name).read_bytes()
    assert f'Animator.from_pretrained("{REPOSITORY}")' in pushed["README.md"].decode()
    assert "license: mit" in pushed["README.md"].decode()
