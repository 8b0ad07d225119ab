from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Callable, Mapping

import pulumi
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.gitlab.runner import ClusterArgs, GitLabRunner, GitLabRunnerArgs
from components.gitlab.runner_config import CONFIG_FILE, RunnerConfig, cloud_init, config_toml, systemd_unit
from components.gitlab.runner_spec import RunnerSpec
from tests.conftest import Recorder

Build = Callable[[Callable[[], object]], Recorder]

CONFIG = RunnerConfig(
    name="containers",
    url="https://gitlab.example",
    token="glrt-s3cret",
    executor="docker",
    image="python:3.11-bookworm",
    privileged=False,
    concurrent=4,
    socket="/var/run/docker.sock",
)
CLUSTER = ClusterArgs(environment="prod", owner="platform", argocd_namespace="argocd")


def spec(**data: object) -> RunnerSpec:
    return RunnerSpec.model_validate_json(json.dumps({"description": "A runner.", "tags": ["x"], **data}))


def runner(data: RunnerSpec, files: list[Mapping[str, str]] | None = None) -> Callable[[], object]:
    def declare() -> object:
        args = GitLabRunnerArgs(spec=data, gitlab_url="https://gitlab.example", group_id="3", cluster=CLUSTER)
        made = GitLabRunner("containers", args)
        return made.files.apply(lambda value: files.append(value) if files is not None else None)

    return declare


def test_the_settings_say_what_the_runner_has_to_know() -> None:
    document = tomllib.loads(config_toml(CONFIG))
    (settings,) = document["runners"]
    assert document["concurrent"] == 4
    assert (settings["url"], settings["token"], settings["executor"]) == (
        "https://gitlab.example",
        "glrt-s3cret",
        "docker",
    )
    assert settings["docker"]["privileged"] is False
    assert settings["docker"]["host"] == "unix:///var/run/docker.sock"


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_name_or_image_can_change_the_meaning_of_the_settings(name: str, image: str) -> None:
    config = RunnerConfig(**{**vars(CONFIG), "name": name, "image": image})
    (settings,) = tomllib.loads(config_toml(config))["runners"]
    assert (settings["name"], settings["docker"]["image"]) == (name, image)


@pytest.mark.parametrize("token", ["", "GR1348941-registration", "glrt-a b", "glrt-a\n"])
def test_a_token_of_another_kind_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(ValueError, match="not one of a created runner") as refusal:
        config_toml(RunnerConfig(**{**vars(CONFIG), "token": token}))
    assert not token or token not in str(refusal.value)


def test_the_service_lets_jobs_finish_and_comes_back_after_a_crash() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.read_string(systemd_unit("containers"))
    assert unit["Service"]["KillSignal"] == "SIGQUIT"
    assert unit["Service"]["Restart"] == "always"
    assert f"--config {CONFIG_FILE}" in unit["Service"]["ExecStart"]


@pytest.mark.parametrize("docker", [True, False])
def test_cloud_init_writes_the_settings_for_root_alone(docker: bool) -> None:
    text = cloud_init(config="c", unit="u", docker=docker, package_source="deb https://x y main", package_key="k")
    assert text.startswith("#cloud-config\n")
    document = yaml.safe_load(text)
    settings, unit = document["write_files"]
    assert (settings["path"], settings["permissions"], settings["content"]) == (CONFIG_FILE, "0600", "c")
    assert unit["content"] == "u"
    assert ("docker.io" in document["packages"]) == docker
    assert document["apt"]["sources"]["gitlab-runner.list"] == {"source": "deb https://x y main", "key": "k"}


def test_a_package_runner_hands_out_its_files_as_one_secret(build: Build) -> None:
    files: list[Mapping[str, str]] = []
    done = build(runner(spec(package={"executor": "shell", "concurrent": 2}, protected=True), files))
    inputs = done.named("containers-runner").inputs
    assert (inputs["runnerType"], inputs["groupId"], inputs["tagLists"]) == ("group_type", 3, ["x"])
    assert (inputs["untagged"], inputs["accessLevel"], inputs["maximumTimeout"]) == (False, "ref_protected", 3600)
    (found,) = files
    (settings,) = tomllib.loads(found["configToml"])["runners"]
    assert (settings["executor"], settings["token"]) == ("shell", "glrt-recorded")
    assert found["configToml"] in [entry["content"] for entry in yaml.safe_load(found["cloudInit"])["write_files"]]


def test_the_files_of_a_package_runner_are_secret(recorder: Recorder) -> None:
    args = GitLabRunnerArgs(spec=spec(package={}), gitlab_url="https://gitlab.example", group_id="3")
    secret: list[bool] = []

    def declare() -> object:
        made = GitLabRunner("containers", args)

        async def look() -> None:
            secret.extend([await made.files.is_secret(), await made.token.is_secret()])

        return look()

    pulumi.runtime.test(declare)()  # type: ignore[no-untyped-call]
    assert secret == [True, True]


def test_a_docker_runner_is_a_container_with_its_settings_inside(build: Build) -> None:
    done = build(runner(spec(docker={"host": "ssh://runner@build-1.example", "privileged": True}, protected=True)))
    container = done.named("containers-container").inputs
    (upload,) = container["uploads"]["value"]
    assert upload["file"] == CONFIG_FILE
    (settings,) = tomllib.loads(upload["content"])["runners"]
    assert settings["docker"]["privileged"] is True
    assert container["restart"] == "unless-stopped"
    assert done.named("containers-image").inputs["name"].startswith("gitlab/gitlab-runner:")


def test_a_kubernetes_runner_is_an_application_of_argo_cd(build: Build) -> None:
    done = build(runner(spec(kubernetes={"chart": {"version": "0.82.0"}, "concurrent": 8})))
    application = done.named("containers-application").inputs["spec"]
    assert application["source"]["targetRevision"] == "0.82.0"
    values = application["source"]["helm"]["valuesObject"]
    assert (values["gitlabUrl"], values["concurrent"]) == ("https://gitlab.example", 8)
    assert values["runners"]["secret"] == "gitlab-runner-containers"
    (settings,) = tomllib.loads(values["runners"]["config"])["runners"]
    assert settings["kubernetes"]["privileged"] is False
    assert settings["kubernetes"]["allow_privilege_escalation"] is False
    assert "volumes" not in settings["kubernetes"], "no path of the node, so no Docker socket"
    project = done.named("containers-project").inputs["spec"]
    assert project["sourceRepos"] == [application["source"]["repoURL"]]
    token = done.named("containers-token").inputs["stringData"]["value"]
    assert token == {"runner-token": "glrt-recorded", "runner-registration-token": ""}
    labels = done.named("containers-namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"


def test_a_runner_of_a_project_or_the_instance_belongs_there_alone(build: Build) -> None:
    def declare() -> None:
        url = "https://gitlab.example"
        GitLabRunner("one", GitLabRunnerArgs(spec=spec(package={}), gitlab_url=url, project_id="7"))
        GitLabRunner("all", GitLabRunnerArgs(spec=spec(package={}, instance=True), gitlab_url=url))

    done = build(declare)
    assert done.named("one-runner").inputs["runnerType"] == "project_type"
    assert done.named("one-runner").inputs["projectId"] == 7
    assert done.named("all-runner").inputs["runnerType"] == "instance_type"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({}, "here in 0"),
        ({"package": {}, "docker": {"host": "ssh://x"}}, "here in 2"),
        ({"package": {}, "group": "a", "project": "a/b"}, "here to group and project"),
        ({"package": {}, "tags": []}, "would never take any"),
        ({"package": {"privileged": True}}, "takes only jobs of protected branches"),
        (
            {"package": {"privileged": True}, "protected": True, "untagged": True},
            "takes only jobs of protected branches",
        ),
        ({"package": {"image": "python:latest"}}, "never ':latest'"),
        ({"package": {"image": "registry:5000/python"}}, "never ':latest'"),
        ({"docker": {"host": "build-1"}}, "pattern"),
    ],
)
def test_a_runner_that_cannot_be_right_is_refused(data: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(sentence)):
        spec(**data)
