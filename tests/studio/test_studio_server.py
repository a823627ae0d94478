"""Whom the studio answers, and what it never hands out."""

import http.client
import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lia_bench.cli.main import run
from lia_bench.core.errors import InputError
from lia_bench.studio.workshop import StudioSettings, Workshop, published
from tests.studio.running_studio import RunningStudio


def ask(studio: RunningStudio, path: str, body: str | None = None, **headers: str) -> tuple[int, bytes]:
    """Status and body of what the studio answers."""
    connection = http.client.HTTPConnection(urlsplit(studio.address).netloc, timeout=60)
    connection.request("GET" if body is None else "POST", path, body, headers)
    answer = connection.getresponse()
    content = answer.status, answer.read()
    connection.close()
    return content


def test_pages_of_others_are_refused(studio: RunningStudio) -> None:
    assert ask(studio, "/")[0] == 200
    assert ask(studio, "/", Host="evil.example")[0] == 403
    assert ask(studio, "/gradio_api/upload", "", Origin="http://evil.example")[0] == 403


@pytest.mark.parametrize("form", ["/gradio_api/file={}", "/films/..{}", "/films/%2e%2e{}", "/reports/../..{}"])
def test_files_that_were_not_uploaded_are_not_handed_out(studio: RunningStudio, form: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hands off")
    status, content = ask(studio, form.format(secret))
    assert status in (403, 404)
    assert b"hands off" not in content


def test_nothing_is_fetched_for_anybody(studio: RunningStudio) -> None:
    for path in ("/gradio_api/file=http://198.51.100.1/a.png", "/gradio_api/proxy=http://198.51.100.1/a.png"):
        assert ask(studio, path) == (404, b"nothing is fetched from elsewhere")


def test_no_other_program_calls_what_the_page_calls(studio: RunningStudio) -> None:
    status, content = ask(studio, "/gradio_api/info")
    assert status == 200
    assert json.loads(content)["named_endpoints"] == {}


def test_only_what_is_offered_is_loaded(tmp_path: Path) -> None:
    settings = StudioSettings(("identity",), tmp_path / "runs", tmp_path / "results", "cpu")
    workshop = Workshop(settings, tmp_path)
    assert [model.label for model in workshop.load(["identity"], print)] == ["identity"]
    with pytest.raises(InputError, match="not offered"):
        workshop.load([f"lia@{tmp_path}"], print)


def test_it_says_what_can_be_had_and_under_which_licence() -> None:
    licences = {offer.model: offer.licence for offer in published()}
    assert "non-commercial" in licences["lia:vox-256"]
    assert all(licences.values())


def test_without_gradio_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert run(["studio", "--port", "0"], False) == 1
    assert capsys.readouterr().err.strip().endswith("pip install '.[studio]'")
