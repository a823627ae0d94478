"""The models' cards, and the pages that are made from them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from lia_bench.cli.models import command
from lia_bench.core.errors import InputError, UnknownNameError
from lia_bench.models import model_page
from lia_bench.models.card import ModelCard, read_card
from lia_bench.models.complexity import Complexity, complexity_of
from lia_bench.models.loading import load_configuration
from lia_bench.models.specification import MODELS

DOCUMENTATION = Path(__file__).parents[2] / "docs"
OWN = [name for name, specification in MODELS.items() if specification.animator.startswith("lia_bench.")]


@pytest.fixture(scope="module", autouse=True)
def each_counted_once() -> Iterator[None]:
    """The overview asks again for what the pages have, of another variant of the same network."""
    counted: dict[tuple[str, str], Complexity] = {}

    def remembered(name: str, variant: str | None = None) -> Complexity:
        network = name, load_configuration(name, variant)[1].model.model_dump_json()
        if network not in counted:
            counted[network] = complexity_of(name, variant)
        return counted[network]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_page, "complexity_of", remembered)
        yield


def printed(*words: str) -> str:
    result = CliRunner().invoke(command, [*words, "--format", "markdown"])
    assert result.exit_code == 0, result.output
    return result.output.strip()


@pytest.mark.parametrize("name", OWN)
def test_the_table_in_the_documentation_is_what_the_card_says(name: str) -> None:
    page = (DOCUMENTATION / "models" / f"{name}.md").read_text(encoding="utf-8")
    assert printed("show", name) in page, f"paste what 'lia-bench models show {name} --format markdown' prints"


def test_the_overview_in_the_documentation_lists_every_model() -> None:
    page = (DOCUMENTATION / "models.md").read_text(encoding="utf-8")
    assert printed("list") in page, "paste what 'lia-bench models list --format markdown' prints"


@pytest.mark.parametrize("name", OWN)
def test_a_card_names_variants_that_there_are(name: str) -> None:
    specification = MODELS[name]
    card = read_card(specification.card)
    variants = {checkpoint.variant for checkpoint in card.checkpoints} - {None}
    assert variants <= set(specification.variant_names())
    assert card.paper is not None or name == "identity"


def card_of(tmp_path: Path, text: str) -> ModelCard:
    path = tmp_path / "card.yaml"
    path.write_text(text)
    return read_card(path)


def test_an_unknown_key_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"card.yaml: unknown key 'licence.cod': did you mean 'licence.code'"):
        card_of(tmp_path, "licence: {cod: MIT}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("paper: {authors: [], title: T, year: 2020}", "paper.authors"),
        ("checkpoints: [{file: a.pt, addresses: [x], sha256: abc}]", "checkpoints.0.sha256"),
        # A number would lose the digits it was printed with.
        ("published_results: [{paper: P, table: '1', dataset: d, task: t, values: {l1: 0.040}}]", "values.l1"),
        ("published_results: [{paper: P, table: '1', dataset: d, task: t, values: {l1: about 1}}]", "values.l1"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        card_of(tmp_path, text)


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    card = card_of(
        tmp_path, "published_results: [{paper: P, table: '1', dataset: d, task: t, values: {l1: '0.040', fid: '7'}}]"
    )
    assert card.published_results[0].values == {"l1": "0.040", "fid": "7"}


def test_without_a_card_nothing_is_claimed() -> None:
    assert read_card(None) == ModelCard()
