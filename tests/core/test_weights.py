"""The weights registry: where files belong, and that only the true ones are taken."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision.models import get_weight

from lia_bench.core import weights
from lia_bench.core.download_hosts import is_of_file
from lia_bench.core.errors import CheckpointError, MissingWeightsError, UnknownNameError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.torch_weights import load_torch_weights
from lia_bench.core.weights import WeightFile, weights_home

GIT_BLOB = "391c589b7a5783fd0de17d54d4a081ae8a04fe3d"


def put(content: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Save `content` as the weights 'toy', under a name that carries its true hash."""
    monkeypatch.setenv("LIA_BENCH_HOME", str(home))
    draft = home / "weights" / "draft.pth"
    draft.parent.mkdir(parents=True)
    torch.save(content, draft)
    path = draft.with_name(f"toy-{sha256_of_file(draft)[:8]}.pth")
    draft.rename(path)
    file = WeightFile("toy", path.name, "AlexNet_Weights.IMAGENET1K_V1", "a test", "none")
    monkeypatch.setitem(weights.WEIGHTS._load(), "toy", file)
    return path


@pytest.mark.parametrize("name", sorted(weights.WEIGHTS))
def test_the_published_address_ends_in_the_file_name(name: str) -> None:
    file = weights.WEIGHTS[name]
    if file.by_hand or not is_of_file(file.address) or "?" in file.address:
        assert file.address.startswith("https://")
    else:
        assert file.address.endswith(".zip" if file.member else "/" + file.file_name)


def test_no_two_weights_share_a_file() -> None:
    names = [file.file_name for file in weights.WEIGHTS.values()]
    assert len(set(names)) == len(names)


def test_what_is_known_of_published_files() -> None:
    vgg, face, detector = (weights.WEIGHTS[name] for name in ("vgg19", "s3fd", "blazeface"))
    assert (vgg.sha256_prefix, face.sha256_prefix, detector.sha256_prefix) == ("dcbb9e9d", "619a316812", None)
    assert vgg.size_bytes is not None
    assert vgg.size_bytes > 5e8
    assert detector.size_bytes is None


@pytest.mark.parametrize("name", [name for name, file in weights.WEIGHTS.items() if "://" not in file.source])
def test_sizes_are_those_that_torchvision_states(name: str) -> None:
    file = weights.WEIGHTS[name]
    assert file.mebibytes == get_weight(file.source).meta["_file_size"]


def test_a_file_without_a_published_hash_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    path = tmp_path / "weights" / "blaze_face_short_range.tflite"
    path.parent.mkdir()
    path.write_bytes(b"network")
    assert weights.WEIGHTS["blazeface"].status() == "present, no hash published"
    assert weights.locate("blazeface") == path


def test_missing_weights_say_what_to_fetch_and_where_to_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    with pytest.raises(MissingWeightsError) as caught:
        weights.locate("vgg19")
    message = str(caught.value)
    assert weights.WEIGHTS["vgg19"].address in message
    assert str(tmp_path / "weights" / "vgg19-dcbb9e9d.pth") in message
    assert "lia-bench weights fetch vgg19" in message
    assert "lia-bench weights add FILE" in message
    assert "\n" not in message


def test_weights_behind_a_page_say_how_a_person_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    page = "https://drive.example.org/file/d/1"
    file = WeightFile("toy", "toy.pth", page, "a test", "none", by_hand=True)
    monkeypatch.setitem(weights.WEIGHTS._load(), "toy", file)
    with pytest.raises(MissingWeightsError) as caught:
        weights.locate("toy")
    message = str(caught.value)
    assert all(text in message for text in (page, str(file.path), "lia-bench weights add FILE --as toy"))
    assert "weights fetch" not in message


def test_a_file_is_told_by_the_id_that_git_gives_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    # What `git hash-object` prints of a file that holds "network" and no end of line.
    file = WeightFile("toy", "toy.pth", "https://example.org/toy.pth", "a test", "none", git_blob=GIT_BLOB)
    file.path.parent.mkdir()
    file.path.write_bytes(b"network")
    assert file.status() == "verified"
    file.path.write_bytes(b"netwerk")
    assert file.status() == "wrong hash"
    assert "git calls it" in file.difference(file.path)


def test_without_a_home_the_users_cache_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIA_BENCH_HOME")
    assert weights_home().parts[-2:] == ("lia-bench", "weights")


def test_a_true_file_is_found_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put({"a": torch.arange(3.0)}, tmp_path, monkeypatch)
    assert weights.locate("toy") == path
    assert weights.WEIGHTS["toy"].status() == "verified"
    assert torch.equal(load_torch_weights(path)["a"], torch.arange(3.0))


def test_a_file_with_another_hash_is_refused_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put({"a": torch.arange(3.0)}, tmp_path, monkeypatch)
    path.write_bytes(path.read_bytes() + b"0")
    with pytest.raises(CheckpointError, match=path.name):
        weights.locate("toy")
    assert weights.WEIGHTS["toy"].status() == "wrong hash"


def test_unknown_weights_suggest_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="vgg19"):
        weights.locate("vgg")


class Bomb:
    """Leaves a file behind when it is unpickled with code allowed."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.trace),)


def test_code_in_a_file_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put({"a": Bomb(tmp_path / "trace")}, tmp_path, monkeypatch)
    with pytest.raises(CheckpointError, match="refused"):
        load_torch_weights(path)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("content", [[1, 2], {"a": "text"}])
def test_a_file_of_something_else_is_refused(content: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(content, tmp_path, monkeypatch)
    with pytest.raises(CheckpointError, match="something else"):
        load_torch_weights(path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.pth"
    torch.save({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(CheckpointError, match=r"cut\.pth"):
        load_torch_weights(path)
