"""How the commands find GitLab, and with which token they do what."""

from __future__ import annotations

import pytest

from gitops.connection import Connection
from gitops.errors import CommandError


@pytest.fixture(autouse=True)
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without GitLab in it."""
    for name in ("CI_SERVER_URL", "GITLAB_BASE_URL", "GITLAB_TOKEN", "REVIEW_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_what_reads_and_what_tells_may_have_a_token_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_SERVER_URL", "https://gitlab.example.org")
    monkeypatch.setenv("GITLAB_TOKEN", "glpat-reads")
    assert Connection.for_telling().token == "glpat-reads"
    monkeypatch.setenv("REVIEW_TOKEN", "glpat-writes")
    assert (Connection.from_environment().token, Connection.for_telling().token) == ("glpat-reads", "glpat-writes")


def test_the_address_may_be_that_of_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_BASE_URL", "https://gitlab.example.org/api/v4/")
    monkeypatch.setenv("GITLAB_TOKEN", "glpat-reads")
    assert Connection.from_environment().url == "https://gitlab.example.org"


def test_what_is_missing_is_named() -> None:
    with pytest.raises(CommandError, match="not set: GITLAB_BASE_URL, GITLAB_TOKEN"):
        Connection.for_telling()


def test_no_token_shows_when_it_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_SERVER_URL", "https://gitlab.example.org")
    monkeypatch.setenv("REVIEW_TOKEN", "glpat-canary")
    assert "canary" not in repr(Connection.for_telling())
