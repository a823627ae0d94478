"""Loading by content: own folders, authors' files, and everything that must be refused."""

import argparse
import hashlib
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from torch import nn

import lia_bench
from lia_bench.core import provenance
from lia_bench.core.errors import CheckpointError, DeviceError, LiaBenchError, UnknownNameError, UnsafeCheckpointError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.models.checkpoint import load_training_state, read_pickle, save_checkpoint, write_weights
from lia_bench.models.fit import NothingDrawn
from lia_bench.models.loading import load_experiment, load_model
from lia_bench.models.reference import ModelReference
from lia_bench.models.specification import MODELS
from tests.models.layout_files import small_content


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


@pytest.mark.parametrize("name", [name for name, specification in MODELS.items() if specification.recipe])
def test_loading_draws_no_weights_that_the_checkpoint_replaces(name: str, tmp_path: Path) -> None:
    built = load_model(name, "untrained", "demo-64", "cpu")
    built.save_pretrained(tmp_path / "saved")
    before = torch.get_rng_state()
    loaded = load_model(name, tmp_path / "saved", device="cpu").state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(value, loaded[key]) for key, value in built.state_dict().items())


def test_what_a_network_draws_by_a_generator_of_its_own_is_the_same_when_it_is_loaded() -> None:
    def drawn() -> list[torch.Tensor]:
        own = torch.Generator().manual_seed(0)
        filled = [torch.empty(3).normal_(generator=own), nn.init.uniform_(torch.empty(3), generator=own)]
        return [torch.randn(3, generator=own), *filled]

    with NothingDrawn():
        assert not nn.Linear(2, 2).weight.any()
        inside = drawn()
    assert all(torch.equal(*pair) for pair in zip(inside, drawn(), strict=True))


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


def test_a_checkpoint_tells_the_hash_of_each_of_its_files(own: Path) -> None:
    told = json.loads((own / "config.json").read_text())["sha256"]
    files = [path for path in own.iterdir() if path.name != "config.json"]
    assert told == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert told.keys() == {"model.safetensors", "training.pt"}


def zero_a_fifth(content: bytearray) -> None:
    content[len(content) * 2 // 5 : len(content) * 3 // 5] = bytes(len(content) // 5)


def flip_twenty_bits(content: bytearray) -> None:
    random = Random(0)
    for _ in range(20):
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)


@pytest.mark.parametrize("damage", [zero_a_fifth, flip_twenty_bits])
def test_weights_that_are_not_what_was_saved_are_refused(own: Path, damage: Callable[[bytearray], None]) -> None:
    loads: dict[str, Callable[[], object]] = {
        "model.safetensors": lambda: load_model("lia", own),
        "training.pt": lambda: load_training_state(own),
    }
    for name, load in loads.items():
        path = own / name
        before = path.read_bytes()
        spoilt = bytearray(before)
        damage(spoilt)
        path.write_bytes(spoilt)
        with pytest.raises(CheckpointError, match=rf"^{path}: damaged, cut short or changed since it was saved"):
            load()
        path.write_bytes(before)
        load()


def test_a_checkpoint_that_tells_no_hashes_loads(own: Path) -> None:
    path = own / "config.json"
    content = json.loads(path.read_text())
    del content["sha256"]
    path.write_text(json.dumps(content))
    (own / "training.pt").write_bytes((own / "training.pt").read_bytes())
    load_model("lia", own)
    assert load_training_state(own) == {"step": 3}


def test_a_file_is_hashed_once_until_it_changes(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[Path] = []

    def counted(path: Path) -> str:
        hashed.append(path)
        return sha256_of_file(path)

    monkeypatch.setattr(provenance, "sha256_of_file", counted)
    load_model("lia", own)
    load_model("lia", own)
    assert hashed == [own / "model.safetensors"]
    os.utime(own / "model.safetensors", (1, 1))
    load_model("lia", own)
    assert len(hashed) == 2


@pytest.mark.parametrize("seed", range(10))
def test_an_authors_file_with_flipped_bits_is_refused(seed: int, tmp_path: Path) -> None:
    content = small_content("lia")
    path = tmp_path / "vox.pt"
    torch.save(content, path)
    before, spoilt = path.read_bytes(), bytearray(path.read_bytes())
    random = Random(seed)
    for _ in range(20):
        spoilt[random.randrange(len(spoilt))] ^= 1 << random.randrange(8)
    path.write_bytes(spoilt)
    with pytest.raises(CheckpointError, match=rf"^{path}: damaged") as caught:
        load_model("lia", path, variant="demo-64")
    assert "\n" not in str(caught.value)
    path.write_bytes(before)
    load_model("lia", path, variant="demo-64")


@pytest.mark.parametrize("kind", [torch.int64, torch.uint8, torch.bool, torch.complex64])
def test_a_weight_of_another_type_is_refused_by_name(kind: torch.dtype, own: Path, tmp_path: Path) -> None:
    content = small_content("lia")
    content["gen"]["enc.fc.0.bias"] = content["gen"]["enc.fc.0.bias"].to(kind)
    torch.save(content, tmp_path / "vox.pt")
    stored = f"stored as {kind}".replace("torch.", "")
    with pytest.raises(CheckpointError, match=rf"vox\.pt: magnitude_head\.0\.bias is {stored} where .* has float32"):
        load_model("lia", tmp_path / "vox.pt", variant="demo-64")
    model = load_model("lia", own)
    assert model.zoo_entry
    state = model.state_dict()
    name = next(name for name, value in state.items() if value.is_floating_point())
    write_weights(own, model.zoo_entry, {**state, name: state[name].to(kind)})
    with pytest.raises(CheckpointError, match=rf"{name} is {stored} where the network has float32"):
        load_model("lia", own)


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


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half a zip", b"(" * 1000 + b"."])
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


def test_untrained_weights_are_said_unless_they_are_meant(recwarn: pytest.WarningsRecorder) -> None:
    lia_bench.load_model("lia", "untrained", "demo-64", "cpu")
    lia_bench.load_model("identity")
    assert not [warning for warning in recwarn if "untrained" in str(warning.message)]
    with pytest.warns(UserWarning, match="the weights of lia:demo-64 are untrained") as caught:
        lia_bench.load_model("lia", variant="demo-64")
    assert [warning.filename for warning in caught] == [__file__]


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
