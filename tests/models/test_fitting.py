"""What is said of weights that do not fit, and the older layouts that load all the same."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lia_bench.core.errors import CheckpointError
from lia_bench.models.checkpoint import ZooEntry, write_weights
from lia_bench.models.loading import load_model
from tests.leaderboards.toys import Toy, ToyModel, register, specification
from tests.models.layout_files import full_size_content, layout_of, small_content

MODELS = ["lia", "fomm", "mraa", "tpsmm"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "weights.pth"


def refusal(name: str, content: Any, file: Path, variant: str | None = "demo-64", **changed: Any) -> str:
    """The one line that loading a file of this content ends with."""
    torch.save(content, file)
    with pytest.raises(CheckpointError) as caught:
        load_model(name, checkpoint=file, variant=variant, device="cpu", **changed)
    text = str(caught.value)
    assert text.startswith(f"{file}: ")
    assert "\n" not in text
    return text


def loaded(name: str, content: Any, file: Path) -> dict[str, Tensor]:
    torch.save(content, file)
    return load_model(name, checkpoint=file, variant="demo-64", device="cpu").state_dict()


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("fomm", "(generator.dense_motion_network.hourglass.encoder.down_blocks.0.conv.weight has shape (128, 44, 3"),
        ("mraa", "(generator.pixelwise_flow_predictor.hourglass.encoder.down_blocks.0.conv.weight has shape (128, 44"),
        ("tpsmm", "inpainting_network.first.conv.weight has shape (64, 3"),
    ],
)
def test_the_variant_that_fits_is_named(name: str, shape: str, file: Path) -> None:
    text = refusal(name, full_size_content(name), file)
    assert f"does not fit {name}:demo-64 (" in text
    assert shape in text
    assert f"it fits the variant {name}:vox-256" in text


def test_the_variant_that_fits_is_named_where_levels_are_missing(file: Path) -> None:
    text = refusal("lia", full_size_content("lia"), file)
    assert "does not fit lia:demo-64 (gen." in text
    assert "it fits the variant lia:vox-256, lia:taichi-256 and 1 more" in text


def test_a_small_file_does_not_fit_the_default_variant(file: Path) -> None:
    assert "it fits the variant fomm:demo-64" in refusal("fomm", small_content("fomm"), file, variant=None)


@pytest.mark.parametrize(
    ("name", "changed", "reason"),
    [
        ("lia", {"motion_dim": 10}, "motion_dim=10 was given where it has 20"),
        ("fomm", {"keypoints": 5}, "keypoints=5 was given where it has 8"),
    ],
)
def test_a_field_that_was_changed_is_what_does_not_fit(
    name: str, changed: dict[str, Any], reason: str, file: Path
) -> None:
    text = refusal(name, small_content(name), file, **changed)
    assert f"does not fit {name}:demo-64: {reason} (weights fit the network alone" in text


def test_a_folder_trained_with_other_fields_is_compared_with_those(tmp_path: Path) -> None:
    model = load_model("lia", variant="demo-64", device="cpu", motion_dim=10)
    assert model.zoo_entry is not None
    write_weights(tmp_path, model.zoo_entry, model.state_dict())
    with pytest.raises(CheckpointError, match="lia:demo-64: motion_dim=20 was given where it has 10 "):
        load_model("lia", checkpoint=tmp_path, device="cpu", motion_dim=20)


def test_a_folder_whose_configuration_was_edited_fits_as_it_is_published(tmp_path: Path) -> None:
    model = load_model("lia", variant="demo-64", device="cpu")
    other = load_model("lia", variant="demo-64", device="cpu", motion_dim=10).zoo_entry
    assert other is not None
    write_weights(tmp_path, other, model.state_dict())
    with pytest.raises(CheckpointError, match="fits lia:demo-64 as it is published and not with the fields"):
        load_model("lia", checkpoint=tmp_path, device="cpu")


@pytest.mark.parametrize("asked", ["fomm", "lia", "sade", "tpsmm"])
@pytest.mark.parametrize("given", MODELS)
def test_a_checkpoint_of_another_model_is_called_by_its_name(given: str, asked: str, file: Path) -> None:
    if given != asked:
        text = refusal(asked, small_content(given), file)
        assert f"not a checkpoint of {asked}, but a checkpoint of {given}:demo-64: load it as {given}:demo-64@" in text


@pytest.mark.parametrize(
    ("name", "network"),
    [("lia", "gen"), ("fomm", "generator"), ("mraa", "region_predictor"), ("tpsmm", "dense_motion_network")],
)
def test_the_first_missing_entries_are_named(name: str, network: str, file: Path) -> None:
    content = small_content(name)
    gone = sorted(entry for entry in content[network] if entry.endswith(".bias"))[:4]
    for entry in gone:
        del content[network][entry]
    text = refusal(name, content, file)
    prefix = "" if name == "lia" else f"{network}."
    assert f"{prefix}{gone[0]}, {prefix}{gone[1]}, {prefix}{gone[2]} and 1 more" in text


@pytest.mark.parametrize(
    ("name", "network"), [("lia", "gen"), ("fomm", "kp_detector"), ("mraa", "generator"), ("tpsmm", "kp_detector")]
)
def test_the_first_unknown_entries_are_named(name: str, network: str, file: Path) -> None:
    content = small_content(name)
    content[network] |= {f"extra.{number}.weight": torch.zeros(2) for number in range(4)}
    text = refusal(name, content, file)
    prefix = "" if name == "lia" else f"{network}."
    assert f"{prefix}extra.0.weight, {prefix}extra.1.weight, {prefix}extra.2.weight and 1 more" in text


def test_a_folder_of_ours_that_was_changed_names_entries_of_ours(tmp_path: Path) -> None:
    model = load_model("mraa", variant="demo-64", device="cpu")
    state = model.state_dict()
    del state["region_predictor.heatmaps.bias"]
    assert model.zoo_entry is not None
    write_weights(tmp_path, model.zoo_entry, state)
    with pytest.raises(CheckpointError, match=r"neither mraa:demo-64 nor .*: region_predictor.heatmaps.bias missing"):
        load_model("mraa", checkpoint=tmp_path, device="cpu")


@pytest.mark.parametrize("name", MODELS)
def test_names_from_parallel_training_load(name: str, file: Path) -> None:
    content = small_content(name)
    parallel = {
        network: {f"module.{entry}": value for entry, value in part.items()} for network, part in content.items()
    }
    assert same(loaded(name, parallel, file), layout_of(name).animator_state(content) or {})


@pytest.mark.parametrize("name", ["fomm", "mraa", "tpsmm"])
def test_files_without_batch_counters_load(name: str, file: Path) -> None:
    content = small_content(name)
    older = {
        network: {entry: value for entry, value in part.items() if not entry.endswith("num_batches_tracked")}
        for network, part in content.items()
    }
    assert older != content
    assert same(loaded(name, older, file), layout_of(name).animator_state(content) or {})


@pytest.mark.parametrize("name", [*MODELS, "sade"])
def test_a_bare_state_dict_of_ours_loads(name: str, file: Path) -> None:
    state = load_model(name, variant="demo-64", device="cpu").state_dict()
    assert same(loaded(name, state, file), state)


def test_the_bare_generator_of_lia_loads(file: Path) -> None:
    content = small_content("lia")
    assert same(loaded("lia", content["gen"], file), layout_of("lia").animator_state(content) or {})
    text = refusal("fomm", content["gen"], file)
    assert "but a checkpoint of lia:demo-64: load it as lia:demo-64@" in text


@pytest.mark.parametrize(
    ("name", "network"), [("fomm", "kp_detector"), ("mraa", "region_predictor"), ("tpsmm", "inpainting_network")]
)
def test_one_network_of_several_says_what_it_is(name: str, network: str, file: Path) -> None:
    text = refusal(name, small_content(name)[network], file)
    assert f"the network '{network}' of {name}:demo-64 alone" in text


def test_something_else_is_no_known_layout(file: Path) -> None:
    text = refusal("fomm", {"weights": {"layer.weight": torch.zeros(3)}, "epoch": 3}, file)
    assert text.endswith("not a checkpoint of fomm, but no known layout (keys: weights, epoch)")


class NeedsNumbers(Toy):
    """A plug-in's model that looks at numbers while it is built."""

    def __init__(self, configuration: ToyModel) -> None:
        super().__init__(configuration)
        self.start = float(self.gain.detach())


def test_a_network_that_needs_numbers_to_be_built_is_compared_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = dataclasses.replace(specification("toy"), animator=f"{__name__}:NeedsNumbers")
    register(monkeypatch, toy=entry)
    write_weights(tmp_path, ZooEntry("toy", "", {}), {"gane": torch.zeros(())})
    with pytest.raises(CheckpointError, match="fits neither toy nor another variant: gain missing; gane unknown"):
        load_model("toy", checkpoint=tmp_path, device="cpu")
