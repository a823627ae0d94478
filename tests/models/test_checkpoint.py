"""Loading by content: own folders, authors' files, and everything that must be refused."""

import argparse
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

import lia_bench
from lia_bench.core.errors import CheckpointError, DeviceError, LiaBenchError, UnknownNameError, UnsafeCheckpointError
from lia_bench.models.checkpoint import load_training_state, read_pickle, save_checkpoint
from lia_bench.models.loading import load_experiment
from lia_bench.models.reference import ModelReference


class Command:
    """Pickles to a call of os.system."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A checkpoint folder of an untrained small LIA."""
    variant, experiment = load_experiment("lia", "demo-64")
    torch.manual_seed(0)
    folder = tmp_path / "own"
    save_checkpoint(
        folder,
        model="lia",
        variant=variant,
        experiment=experiment,
        animator=lia_bench.load_model("lia", variant="demo-64"),
        step=3,
        training={"step": 3},
    )
    return folder


def test_own_checkpoint_brings_its_variant_and_weights(own: Path) -> None:
    first, second = (lia_bench.load_model("lia", checkpoint=path) for path in (own, own / "model.safetensors"))
    assert first.frame_size == 64
    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key])
    assert load_training_state(own) == {"step": 3}


@pytest.mark.parametrize(
    ("name", "variant", "message"),
    [
        ("fomm", None, "a checkpoint of lia:demo-64, not of fomm"),
        ("lia", "vox-256", "of lia:demo-64, not of lia:vox-256"),
    ],
)
def test_checkpoint_of_another_model_or_variant_is_refused(
    own: Path, name: str, variant: str | None, message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        lia_bench.load_model(name, checkpoint=own, variant=variant)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_truncated_own_checkpoint_is_refused(own: Path, file: str) -> None:
    path = own / file
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CheckpointError, match=file):
        lia_bench.load_model("lia", checkpoint=own)


def test_code_in_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "it-ran"
    path = tmp_path / "vox.pt"
    torch.save({"gen": Command(marker)}, path)
    with pytest.raises(UnsafeCheckpointError, match=r"refused.*code.*system"):
        lia_bench.load_model("lia", checkpoint=path)
    path.write_bytes(pickle.dumps({"gen": Command(marker)}))
    with pytest.raises(CheckpointError):
        lia_bench.load_model("lia", checkpoint=path)
    assert not marker.exists()


def test_arguments_that_a_trainer_stored_are_let_through(tmp_path: Path) -> None:
    path = tmp_path / "000100.pt"
    torch.save({"gen": {}, "args": argparse.Namespace(size=256)}, path)
    assert read_pickle(path)["args"].size == 256


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half a zip"])
def test_damaged_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vox.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"vox\.pt: damaged") as caught:
        lia_bench.load_model("lia", checkpoint=path)
    assert "\n" not in str(caught.value)


def test_truncated_authors_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vox.pt"
    torch.save({"gen": {"weight": torch.zeros(100_000)}}, path)
    path.write_bytes(path.read_bytes()[:200_000])
    with pytest.raises(CheckpointError, match="cut short"):
        lia_bench.load_model("lia", checkpoint=path)


def test_unknown_layout_is_named(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"state_dict": {}}, path)
    with pytest.raises(CheckpointError, match=r"not a checkpoint of lia.*no known layout.*state_dict"):
        lia_bench.load_model("lia", checkpoint=path)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": "lja"}, UnknownNameError, "did you mean 'lia'"),
        ({"name": "lia", "variant": "vox256"}, UnknownNameError, "did you mean 'vox-256'"),
        ({"name": "lia", "variant": "demo-64", "motion_dm": 5}, UnknownNameError, "model.motion_dim"),
        ({"name": "lia", "variant": "demo-64", "device": "cuda:7"}, DeviceError, "no device 'cuda:7'"),
        ({"name": "lia", "checkpoint": "no/such.pt"}, LiaBenchError, r"no/such\.pt"),
        ({"name": "identity", "variant": "vox-256"}, UnknownNameError, "identity has no variants"),
    ],
)
def test_mistakes_name_the_way_out(
    arguments: dict[str, Any], error: type[LiaBenchError], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(error, match=message):
        lia_bench.load_model(**arguments)


def test_overrides_change_the_configuration() -> None:
    model = lia_bench.load_model("lia", variant="demo-64", size=128)
    assert model.frame_size == 128


@pytest.mark.parametrize("text", ["", ":vox", "lia:", "lia@", "lia:@x"])
def test_bad_reference(text: str) -> None:
    with pytest.raises(LiaBenchError, match="names no model"):
        ModelReference.parse(text)


def test_reference_has_three_parts() -> None:
    reference = ModelReference.parse("fomm:vox-256@runs/fomm/last")
    assert reference == ModelReference("fomm", "vox-256", Path("runs/fomm/last"))
    assert str(reference) == "fomm:vox-256@runs/fomm/last"
