"""Files of weights as people have them: other precisions, other containers, saved from within torch's wrappers."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from lia_bench.cli.main import run
from lia_bench.core.errors import CheckpointError, UnsafeCheckpointError
from lia_bench.core.torch_weights import without_wrappers
from lia_bench.models.checkpoint import read_pickle, write_weights
from lia_bench.models.loading import load_model
from tests.models.layout_files import layout_of, small_content

PREFIXES = ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."]
PRECISIONS = [torch.float16, torch.bfloat16, torch.float64]


def loaded(name: str, path: Path) -> dict[str, Tensor]:
    return load_model(name, checkpoint=path, variant="demo-64", device="cpu").state_dict()


def expected(name: str) -> dict[str, Tensor]:
    state = layout_of(name).animator_state(small_content(name))
    assert state is not None
    return state


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("name", ["half", "orig_mod"])
def test_checkpoints_of_public_reports_animate(name: str, real_data: Path) -> None:
    path = real_data / "reports" / "checkpoints" / f"{name}.pt"
    model = load_model("lia", checkpoint=path, variant="demo-64", device="cpu")
    frames = model.animate(torch.rand(3, 64, 64), torch.rand(2, 3, 64, 64), transfer="relative")
    assert frames.shape == (2, 3, 64, 64)
    assert frames.std() > 0.01


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", ["lia", "fomm", "fvv", "x2face"])
def test_weights_of_another_precision_load(name: str, precision: torch.dtype, tmp_path: Path) -> None:
    content = {
        network: {entry: value.to(precision) if value.is_floating_point() else value for entry, value in part.items()}
        for network, part in small_content(name).items()
    }
    torch.save(content, tmp_path / "weights.pth")
    state = loaded(name, tmp_path / "weights.pth")
    whole = expected(name)
    assert {value.dtype for value in state.values()} <= {torch.float32, torch.int64}
    for entry, value in state.items():
        if value.is_floating_point():
            assert torch.equal(value, whole[entry].to(precision).float()), entry


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("name", ["lia", "mraa"])
def test_what_wrappers_put_before_names_is_taken_away(name: str, prefix: str, tmp_path: Path) -> None:
    inside = {
        network: {f"{prefix}{entry}": value for entry, value in part.items()}
        for network, part in small_content(name).items()
    }
    torch.save({**inside, "epoch": 3}, tmp_path / "inside.pth")
    assert same(loaded(name, tmp_path / "inside.pth"), expected(name))
    around = {f"{prefix}{network}": part for network, part in small_content(name).items()}
    torch.save(around, tmp_path / "around.pth")
    assert same(loaded(name, tmp_path / "around.pth"), expected(name))


def test_a_part_that_was_compiled_alone_loads(tmp_path: Path) -> None:
    content = small_content("lia")
    content["gen"] = {name.replace("dec.", "dec._orig_mod.", 1): value for name, value in content["gen"].items()}
    torch.save(content, tmp_path / "vox.pt")
    assert same(loaded("lia", tmp_path / "vox.pt"), expected("lia"))


@given(st.lists(st.sampled_from(["a", "module", "weight"]), min_size=1, max_size=4).map(".".join))
def test_a_network_called_module_keeps_its_name(name: str) -> None:
    assert without_wrappers({"stem.weight": 1, name: 2}) == {"stem.weight": 1, name: 2}


@pytest.mark.parametrize("prefix", ["", *PREFIXES])
@pytest.mark.parametrize("name", ["lia", "fomm", "tpsmm"])
def test_safetensors_hold_the_authors_networks_flat(name: str, prefix: str, tmp_path: Path) -> None:
    flat = {
        f"{network}.{prefix}{entry}": value.contiguous().clone()
        for network, part in small_content(name).items()
        for entry, value in part.items()
    }
    save_file(flat, tmp_path / "weights.safetensors")
    assert same(loaded(name, tmp_path / "weights.safetensors"), expected(name))
    torch.save(flat, tmp_path / "weights.pt")
    assert same(loaded(name, tmp_path / "weights.pt"), expected(name))


def test_flat_files_are_called_by_the_name_of_their_model(tmp_path: Path) -> None:
    save_file({f"gen.{name}": value for name, value in small_content("lia")["gen"].items()}, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match="not a checkpoint of fomm, but a checkpoint of lia:demo-64: load it as"):
        loaded("fomm", tmp_path / "a.safetensors")


def test_no_safetensors_by_that_name_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"GIF89a" + bytes(100))
    with pytest.raises(CheckpointError, match=r"a\.safetensors: damaged or no checkpoint"):
        loaded("lia", path)


def test_safetensors_cut_short_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"gen.a": torch.zeros(100)}, path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CheckpointError, match=r"a\.safetensors: damaged or cut short") as caught:
        loaded("lia", path)
    assert "\n" not in str(caught.value)


NUMBERS = [
    np.float64(0.25),
    np.float32(1.5),
    np.float16(2),
    np.int64(-7),
    np.int32(-7),
    np.uint8(255),
    np.uint64(2**64 - 1),
    np.bool_(True),
    np.float64(0.125).astype(">f8"),
]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.dtype.str)
def test_numpy_numbers_beside_the_weights_are_numbers(number: np.generic, tmp_path: Path) -> None:
    torch.save({**small_content("lia"), "best": number, "history": [number, {"l1": number}]}, tmp_path / "vox.pt")
    content = read_pickle(tmp_path / "vox.pt")
    assert content["best"] == number.item()
    assert type(content["best"]) is type(number.item())
    assert content["history"] == [number.item(), {"l1": number.item()}]
    assert same(loaded("lia", tmp_path / "vox.pt"), expected("lia"))


def test_numbers_that_numpy_1_wrote_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "vox.pt"
    torch.save({"best": np.float64(0.25)}, path)
    older = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(older, "w") as copy:
        for name in archive.namelist():
            copy.writestr(name, archive.read(name).replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    path.write_bytes(older.getvalue())
    assert read_pickle(path) == {"best": 0.25}


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(3),
        np.str_("text"),
        np.datetime64("2020-01-01"),
        np.dtype([("a", "f8")]),
        np.complex64(1j),
        np.bytes_(b"a"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nothing_else_of_numpy_is_read(value: Any, tmp_path: Path) -> None:
    torch.save({"gen": {}, "other": value}, tmp_path / "vox.pt")
    with pytest.raises(UnsafeCheckpointError, match="refused, it carries code beside the weights"):
        read_pickle(tmp_path / "vox.pt")


def test_a_number_cut_short_is_refused(tmp_path: Path) -> None:
    reduced: Any = np.float64(1).__reduce__()
    scalar, (kind, _) = reduced[:2]

    class Short:
        def __reduce__(self) -> tuple[Any, ...]:
            return scalar, (kind, b"\0\0")

    torch.save({"gen": {}, "best": Short()}, tmp_path / "vox.pt")
    with pytest.raises(CheckpointError):
        read_pickle(tmp_path / "vox.pt")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["lia", "fomm"])
def test_weights_that_are_no_numbers_are_refused_by_name(name: str, value: float, tmp_path: Path) -> None:
    model = load_model(name, variant="demo-64", device="cpu")
    assert model.zoo_entry is not None
    state = dict(model.state_dict())
    entry = next(entry for entry, weight in state.items() if weight.ndim == 4)
    state[entry] = state[entry].clone()
    state[entry].view(-1)[5] = value
    write_weights(tmp_path, model.zoo_entry, state)
    with pytest.raises(CheckpointError) as caught:
        load_model(name, checkpoint=tmp_path, device="cpu")
    assert f"1 of the {state[entry].numel()} numbers of {entry} are infinite or no numbers" in str(caught.value)


def test_half_precision_that_overflowed_is_refused(tmp_path: Path) -> None:
    content = small_content("lia")
    content["gen"]["enc.fc.0.bias"] = (torch.ones_like(content["gen"]["enc.fc.0.bias"]) * 1e6).half()
    torch.save(content, tmp_path / "vox.pt")
    with pytest.raises(CheckpointError, match=r"numbers of magnitude_head\.0\.bias are infinite"):
        loaded("lia", tmp_path / "vox.pt")


def test_converting_damaged_numbers_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = small_content("lia")
    content["gen"]["enc.fc.0.bias"] = torch.full_like(content["gen"]["enc.fc.0.bias"], float("nan"))
    torch.save(content, tmp_path / "vox.pt")
    words = ["models", "convert", f"lia:demo-64@{tmp_path / 'vox.pt'}", str(tmp_path / "ours")]
    assert run(words, debug=False) == 1
    assert "magnitude_head.0.bias" in capsys.readouterr().err
    assert not (tmp_path / "ours").exists()
