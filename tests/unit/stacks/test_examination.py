"""``bighpc check`` against the GitLab double and a stand-in of a cluster."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from typer.testing import CliRunner

from stacks import examination
from stacks.check import ROOT
from stacks.commands import app
from stacks.examination import Finding, examine
from stacks.problems import ConfigurationError, Problem
from stacks.settings import Configuration
from tests.contract.gitlab.support import Double, start
from tests.unit.stacks.cases import ROOT as CASES
from tests.unit.stacks.servers import closed_port, cluster_answers, serve


@pytest.fixture(scope="module")
def gitlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    """A double with an administrator and a bot."""
    tokens = (f"glpat-{secrets.token_hex(10)}" for _ in range(2))
    double = start(tmp_path_factory.mktemp("gitlab"), *tokens)
    yield double
    double.stop()


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """An API server's address."""
    with serve(cluster_answers()) as address:
        yield address


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout's data with the small fleet."""
    shutil.copytree(CASES / "fleet", tmp_path / "stacks")
    for path in ROOT.glob("Pulumi.*.yaml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def kubeconfig(address: str) -> str:
    return yaml.safe_dump(
        {
            "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": address}}],
            "users": [{"name": "me", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        }
    )


def look(root: Path, gitlab: Double, cluster: str, stack: str = "prod", **values: str) -> dict[str, Finding]:
    """Examine a stack with this configuration; the findings by subject."""
    known = {
        "gitlab:baseUrl": f"{gitlab.url}/api/v4/",
        "gitlab:token": gitlab.bot_token,
        "kubernetes:kubeconfig": kubeconfig(cluster),
        "bighpc:forge": '{"owner": true}' if stack == "prod" else "{}",
        **{key.replace("_", ":"): value for key, value in values.items()},
    }
    configuration = Configuration(stack=stack, organization="organization", project="bighpc", values=known)
    return {each.subject: each for each in examine(stack, root, read=lambda *_: configuration)}


def wrong(findings: Mapping[str, Finding]) -> dict[str, str]:
    """What is wrong, by subject."""
    return {subject: str(problem) for subject, each in findings.items() for problem in each.problems}


def test_a_stack_with_everything_there_is_all_right(root: Path, gitlab: Double, cluster: str) -> None:
    findings = look(root, gitlab, cluster, bighpc_registry=f'{{"url": "{cluster}"}}')
    assert set(wrong(findings)) == {"container registry"}, "the stand-in is none"
    assert findings["GitLab group"].said == "bighpc will be made by bighpc-bot"
    assert findings["GitLab's version"].said.startswith("18.")
    assert findings["GitLab token"].said.startswith("scope api")
    assert "cluster-one" in findings["Kubernetes cluster"].said


def test_a_registry_that_asks_who_it_is_is_there(root: Path, gitlab: Double, cluster: str) -> None:
    with serve({"/v2/": (401, {})}) as registry:
        findings = look(root, gitlab, cluster, bighpc_registry=f'{{"url": "{registry}"}}')
    assert wrong(findings) == {}


def test_everything_that_is_wrong_is_told_at_once(root: Path, gitlab: Double) -> None:
    nowhere = closed_port()
    found = wrong(
        look(root, gitlab, nowhere, gitlab_token="glpat-wrong", bighpc_registry=f'{{"url": "{closed_port()}"}}')
    )
    assert set(found) == {"GitLab token", "Kubernetes cluster", "container registry"}
    assert "make a new one with the scope api" in found["GitLab token"]
    assert "glpat-wrong" not in str(found)


def test_a_gitlab_that_is_not_there_is_told_once(root: Path, gitlab: Double, cluster: str) -> None:
    found = look(root, gitlab, cluster, gitlab_baseUrl=closed_port())
    assert set(wrong(found)) == {"GitLab"}
    assert "GitLab group" not in found


def test_a_web_server_that_is_no_gitlab_is_told_from_one(root: Path, gitlab: Double, cluster: str) -> None:
    with serve({"/api/v4/version": (200, "<html>")}) as other:
        found = wrong(look(root, gitlab, cluster, gitlab_baseUrl=other))
    assert "the address is that of a GitLab instance" in found["GitLab's version"]


def test_a_gitlab_of_long_ago_is_too_old(root: Path, gitlab: Double, cluster: str) -> None:
    with serve({"/api/v4/version": (200, {"version": "16.11.2-ee"})}) as old:
        found = wrong(look(root, gitlab, cluster, gitlab_baseUrl=old))
    assert "its version is 16.11.2" in found["GitLab's version"]


@pytest.mark.parametrize(
    ("scopes", "days", "sentence"),
    [(["read_api"], 90, "its scopes are read_api"), (["api"], 3, "it ends on")],
)
def test_a_token_that_cannot_do_or_will_soon_not_do_is_found(
    root: Path, gitlab: Double, cluster: str, scopes: list[str], days: int, sentence: str
) -> None:
    user = gitlab.client(gitlab.root_token).users.list(username="bighpc-bot")[0]
    end = (datetime.now(tz=UTC) + timedelta(days=days)).date().isoformat()
    token = user.personal_access_tokens.create({"name": sentence, "scopes": scopes, "expires_at": end}).token
    assert sentence in wrong(look(root, gitlab, cluster, gitlab_token=token))["GitLab token"]


def test_the_forge_of_another_stack_has_to_be_there(root: Path, gitlab: Double, cluster: str) -> None:
    found = wrong(look(root, gitlab, cluster, stack="dev"))
    assert "pulumi up --stack prod" in found["GitLab group"]


def test_a_user_without_the_role_is_found(root: Path, gitlab: Double, cluster: str) -> None:
    admin = gitlab.client(gitlab.root_token)
    group = admin.groups.create({"name": "taken", "path": "taken"})
    bot = admin.users.list(username="bighpc-bot")[0]
    group.members.create({"user_id": bot.id, "access_level": 30})
    found = look(root, gitlab, cluster, bighpc_gitlab='{"group": "taken"}')
    assert "bighpc-bot is no owner of it" in wrong(found)["GitLab group"]


def test_a_clock_that_is_off_is_found(
    root: Path, gitlab: Double, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = requests.get

    def late(*args: Any, **kwargs: Any) -> requests.Response:
        response = answer(*args, **kwargs)
        response.headers["Date"] = format_datetime(datetime.now(tz=UTC) - timedelta(minutes=5), usegmt=True)
        return response

    monkeypatch.setattr(requests, "get", late)
    assert "timedatectl" in wrong(look(root, gitlab, cluster))["clock"]


def test_a_broken_configuration_ends_it_with_everything_that_is_known(root: Path, gitlab: Double, cluster: str) -> None:
    (root / "stacks/projects/tools.yaml").write_text("name: My Tools\n")
    found = look(root, gitlab, cluster, bighpc_forge='{"owner": "yes"}')
    assert {subject for subject, each in found.items() if each.problems} == {"stack files and fleet", "configuration"}


def test_without_an_engine_the_command_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = CliRunner().invoke(app, ["--stack", "prod"])
    assert result.exit_code == 1
    assert "there is no program pulumi on PATH" in result.output


def test_the_command_ends_with_its_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem(where="x", value="v", rule="r", remedy="do y")
    findings = [Finding(subject="GitLab", said="answers"), Finding(subject="clock", said="late", problems=(problem,))]
    monkeypatch.setattr(examination, "examine", lambda stack: findings[: 2 if stack == "prod" else 1])
    good, bad = (CliRunner().invoke(app, ["--stack", stack]) for stack in ("dev", "prod"))
    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert "remedy: do y" in bad.output
    assert "wrong" not in good.output


def test_the_engine_that_cannot_read_a_stack_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stacks.engine import engine_version, read_configuration

    program = tmp_path / "pulumi"
    program.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = version ]; then echo v3.274.1; exit; fi\n'
        "if [ \"$5\" = prod ]; then echo 'error: no stack named prod' >&2; exit 1; fi\n"
        'echo \'{"bighpc:forge": {"value": "{}"}, "gitlab:token": {"value": "t", "secret": true}}\'\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert engine_version(tmp_path) == (3, 274, 1)
    configuration = read_configuration("dev", tmp_path)
    assert (dict(configuration.values), configuration.secret) == (
        {"bighpc:forge": "{}", "gitlab:token": "t"},
        {"gitlab:token"},
    )
    with pytest.raises(ConfigurationError, match="no stack named prod"):
        read_configuration("prod", tmp_path)


def test_people_whom_gitlab_does_not_know_are_named_at_once(root: Path, gitlab: Double, cluster: str) -> None:
    members = "members: {bighpc-bot: {role: owner}, nobody: {role: guest}}\n"
    (root / "stacks/group.yaml").write_text(f"{members}sharedWith: {{partners/site: {{role: reporter}}}}\n")
    problems = look(root, gitlab, cluster)["GitLab group"].problems
    assert [problem.value.partition(",")[0] for problem in problems] == [
        'it has no user "nobody"',
        'it has no group "partners/site"',
    ]
