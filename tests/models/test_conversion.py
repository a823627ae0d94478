"""Checkpoints from the authors' layouts to ours and back."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lia_bench.core.errors import CheckpointError, InputError, LiaBenchError
from lia_bench.core.processes import alone_at
from lia_bench.models.checkpoint import load_training_state, save_checkpoint
from lia_bench.models.conversion import convert_to_authors, convert_to_own
from lia_bench.models.fit import blueprints
from lia_bench.models.loading import load_experiment, load_model
from lia_bench.models.reference import ModelReference
from lia_bench.models.specification import MODELS
from tests.conftest import golden
from tests.models.layout_files import GOLDENS, layout_of, small_content

OPTIMISER: dict[str, Any] = {"state": {}, "param_groups": []}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def reference(name: str, checkpoint: Path) -> ModelReference:
    return ModelReference(name, "demo-64", checkpoint)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A file as FOMM's authors publish it, with an optimiser and a count."""
    file = tmp_path / "vox-cpk.pth.tar"
    torch.save({**small_content("fomm"), "optimizer_generator": OPTIMISER, "epoch": 99}, file)
    return file


def test_every_layout_of_the_zoo_is_tried() -> None:
    assert GOLDENS.keys() == {name for name, entry in MODELS.items() if entry.authors_checkpoint}


@pytest.mark.parametrize("name", GOLDENS)
def test_what_comes_back_is_what_the_authors_published(name: str) -> None:
    expected = golden(GOLDENS[name])
    # LIA-X's golden is of the variant of half the widths.
    variant = "small-512" if name == "liax" else expected["load"].get("variant", MODELS[name].default_variant)
    (blueprint,) = (found for found in blueprints(MODELS[name]) if variant in found.variants)
    content = layout_of(name).authors_content(blueprint.state)
    assert content is not None
    shapes = {
        f"{network}/{entry}": list(value.shape) for network, part in content.items() for entry, value in part.items()
    }
    # X2Face's golden holds two further files, of its pose layers; LivePortrait's retargeting file is in parts.
    entries = {key.replace("/module.", "."): shape for key, (shape, _) in expected["state"].items()}
    assert shapes == {key: shape for key, shape in entries.items() if key.split("/")[0] in content}


# Those of the two others are no state dicts by name in one file: their own tests hold them.
@pytest.mark.parametrize("name", sorted(GOLDENS.keys() - {"liax", "liveportrait"}))
def test_there_and_back_gives_the_same_file(name: str, tmp_path: Path) -> None:
    content = small_content(name)
    file, folder, back = tmp_path / "a.pth", tmp_path / "ours", tmp_path / "b.pth"
    torch.save({**content, "optimizer": OPTIMISER, "epoch": 3}, file)
    there = convert_to_own(reference(name, file), folder)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert (there.of, there.left_out) == (f"{name}:demo-64", ["optimizer", "epoch"])
    ours = load_model(name, checkpoint=folder, device="cpu")
    assert same(ours.state_dict(), layout_of(name).animator_state(content) or {})
    assert convert_to_authors(ModelReference(name, None, folder), back).tensors == sum(map(len, content.values()))
    returned: dict[str, Any] = torch.load(back, weights_only=True)
    assert returned.keys() == content.keys()
    for network, part in content.items():
        assert same(returned[network], part), network


def test_entries_that_do_not_come_back_are_named(tmp_path: Path) -> None:
    content = small_content("lia")
    content["gen"]["dec.conv1.noise.weight"] = torch.ones(1)
    torch.save(content, tmp_path / "vox.pt")
    converted = convert_to_own(reference("lia", tmp_path / "vox.pt"), tmp_path / "ours")
    assert converted.left_out == ["entries that no frame depends on (gen.dec.conv1.noise.weight)"]


def test_changed_fields_stay_with_the_folder(theirs: Path, tmp_path: Path) -> None:
    convert_to_own(reference("fomm", theirs), tmp_path / "ours", {"size": 96})
    assert load_model("fomm", checkpoint=tmp_path / "ours", device="cpu").frame_size == 96


def test_a_checkpoint_of_training_becomes_weights_alone_and_training_cannot_go_on(tmp_path: Path) -> None:
    variant, experiment = load_experiment("lia", "demo-64")
    animator = load_model("lia", variant="demo-64", device="cpu")
    trained = tmp_path / "00000003"
    save_checkpoint(
        trained, model="lia", variant=variant, experiment=experiment, animator=animator, step=3, training={"a": 1}
    )
    converted = convert_to_own(ModelReference("lia", None, trained), tmp_path / "ours")
    assert converted.left_out == ["training.pt"]
    assert same(load_model("lia", checkpoint=tmp_path / "ours", device="cpu").state_dict(), animator.state_dict())
    with pytest.raises(CheckpointError, match=r"weights alone, without training\.pt.* training cannot go on from it"):
        load_training_state(tmp_path / "ours")
    with pytest.raises(InputError, match="no folder of weights alone"):
        convert_to_own(ModelReference("lia", None, tmp_path / "ours"), trained, replace=True)


def test_nothing_is_overwritten_unasked(theirs: Path, tmp_path: Path) -> None:
    folder, file = tmp_path / "ours", tmp_path / "back.pth"
    convert_to_own(reference("fomm", theirs), folder)
    convert_to_authors(reference("fomm", folder), file)
    before = file.read_bytes()
    with pytest.raises(InputError, match="ours: there already; give --force"):
        convert_to_own(reference("fomm", theirs), folder)
    with pytest.raises(InputError, match=r"back\.pth: there already; give --force"):
        convert_to_authors(reference("fomm", folder), file)
    assert file.read_bytes() == before
    convert_to_own(reference("fomm", theirs), folder, replace=True)
    convert_to_authors(reference("fomm", folder), file, replace=True)


@pytest.mark.parametrize(("convert", "output"), [(convert_to_own, "ours"), (convert_to_authors, "back.pth")])
def test_one_conversion_at_a_time_writes_an_output(convert: Any, output: str, theirs: Path, tmp_path: Path) -> None:
    said = rf"{output}: process {os.getpid()} on .* is at work here: another conversion is writing it"
    with alone_at(tmp_path / output, "busy", "name another"), pytest.raises(InputError, match=said):
        convert(reference("fomm", theirs), tmp_path / output)
    assert list(tmp_path.iterdir()) == [theirs]


def test_a_folder_of_other_things_is_never_replaced(theirs: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder of weights alone"):
        convert_to_own(reference("fomm", theirs), tmp_path, replace=True)
    assert theirs.is_file()


@pytest.mark.parametrize(
    ("name", "output", "message"),
    [("fomm", "x.pth", "--to authors writes a file"), ("fomm", ".", "no folder of weights alone")],
)
def test_outputs_of_the_wrong_kind(name: str, output: str, message: str, theirs: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        convert_to_own(reference(name, theirs), tmp_path / output)
    with pytest.raises(InputError, match="a folder; the authors' layout is a file"):
        convert_to_authors(reference(name, theirs), tmp_path)


def test_models_without_a_layout_and_references_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sade has no layout of its authors"):
        convert_to_authors(ModelReference("sade", "demo-64", tmp_path), tmp_path / "x.pth")
    with pytest.raises(InputError, match="names no checkpoint to convert: write fomm@FILE"):
        convert_to_own(ModelReference("fomm"), tmp_path / "x")


def test_a_full_disk_leaves_nothing_half_written(theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(content: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(LiaBenchError, match=r"back\.pth: cannot be written"):
        convert_to_authors(reference("fomm", theirs), tmp_path / "back.pth")
    assert list(tmp_path.iterdir()) == [theirs]
