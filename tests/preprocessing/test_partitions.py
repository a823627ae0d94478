"""The published test persons."""

from lia_bench.preprocessing.recipes.nemo import NEMO_TEST, nemo_partition
from lia_bench.preprocessing.recipes.vox import VOXCELEB1_TEST, VOXCELEB2_TEST, voxceleb_partition
from tests.conftest import golden

PERSONS = golden("preprocess")["test_persons"]


def test_the_lists_are_the_published_ones() -> None:
    assert sorted(VOXCELEB1_TEST) == PERSONS["vox1"]
    assert sorted(VOXCELEB2_TEST) == PERSONS["vox2"]
    assert sorted(NEMO_TEST) == PERSONS["nemo"]


def test_everybody_else_trains() -> None:
    assert [voxceleb_partition(person) for person in ("id10270", "id10269", "id00017", "id00018")] == [
        "test",
        "train",
        "test",
        "train",
    ]
    assert [nemo_partition(person) for person in ("004", "005")] == ["test", "train"]
