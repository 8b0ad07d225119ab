"""The template's configuration: valid, complete, documented, and portable shell."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.pipelines import template

BIN = Path(sys.prefix) / "bin"
STAGES = {
    "build": ["build-job"],
    "development": ["unit-test-job", "lint-test-job", "security-dev-job", "promote-dev-job"],
    "preview": ["integration-test-job", "functional-test-job", "security-prev-job", "promote-preview-job"],
    "production": ["deploy-job"],
}
SWITCHES = [name for name, declared in template.inputs().items() if declared.get("type") == "boolean"]
TYPES: dict[str, type] = {"string": str, "boolean": bool, "array": list}


def configurations() -> dict[str, dict[str, Any]]:
    """What the inputs can make of the template: each executor, each switch, each option, and a prefix."""
    found = {"defaults": template.render()}
    for name, declared in template.inputs().items():
        choices = declared.get("options") or ([True, False] if name in SWITCHES else [])
        for choice in choices:
            found[f"{name}={choice}"] = template.render(**{name: choice})
    for executor, on in itertools.product(("docker", "kubernetes", "shell"), (True, False)):
        every = dict.fromkeys(SWITCHES, on) | {"executor": executor, "runner-tags": ["gpu"], "job-prefix": "api-"}
        found[f"{executor}-all-{on}"] = template.render(**every)
    return found


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False, timeout=120)


def test_whatever_the_inputs_the_configuration_fits_gitlabs_schema(tmp_path: Path) -> None:
    written = {"header": template.documents()[0], **configurations()}
    for name, content in written.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    (tmp_path / "includable.yml").write_text((template.FOLDER / "default.gitlab-ci.yml").read_text())
    for file in (template.ROOT / "pipelines").glob("*.yml"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "root.yml").write_text((template.ROOT / ".gitlab-ci.yml").read_text())
    done = run(BIN / "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", *sorted(tmp_path.iterdir()))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_check_would_notice_a_mistake(tmp_path: Path) -> None:
    broken = template.render()
    broken["build-job"]["when"] = "sometimes"
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    assert run(BIN / "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", tmp_path / "broken.json").returncode


def test_the_jobs_are_in_the_four_stages() -> None:
    configuration = template.render()
    assert configuration["stages"] == list(STAGES)
    for stage, jobs in STAGES.items():
        assert [name for name in template.JOBS if configuration[name]["stage"] == stage] == jobs


def test_a_branch_with_an_open_merge_request_has_no_second_pipeline() -> None:
    conditions = [(rule["if"], rule.get("when")) for rule in template.render()["workflow"]["rules"]]
    duplicate = conditions.index(("$CI_COMMIT_BRANCH && $CI_OPEN_MERGE_REQUESTS", "never"))
    # The first rule that fits decides, and the default branch promotes whatever is open.
    assert duplicate < conditions.index(("$CI_COMMIT_BRANCH", None))
    assert duplicate > conditions.index(("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", None))


def test_every_job_extends_a_hidden_one_of_the_same_prefix() -> None:
    configuration = template.render(job_prefix="api-")
    for name in template.JOBS:
        assert configuration[f"api-{name}"]["extends"].startswith(".api-default-")
    hidden = [name for name in configuration if name.startswith(".")]
    assert all(configuration[name].get("extends", hidden[0]) in hidden for name in hidden)


def test_every_input_is_used_described_and_has_a_default_of_its_type() -> None:
    declared = template.inputs()
    assert template.used_inputs() == set(declared)
    for name, each in declared.items():
        assert re.fullmatch(r"[A-Z].*\.", each["description"]), name
        assert isinstance(each["default"], TYPES[each.get("type", "string")]), name
        assert each["default"] in each.get("options", [each["default"]]), name


def test_a_shell_runner_is_asked_for_no_image_and_the_others_get_the_mirrors() -> None:
    shell = template.render(executor="shell")
    docker = template.render(executor="kubernetes", image_mirror="mirror.example/")
    assert shell[".default-job"]["extends"] == ".default-shell"
    assert "image" not in shell[".default-shell"]
    assert docker[docker[".default-kubernetes"]["extends"]]["image"] == "mirror.example/$JOB_IMAGE"


@pytest.mark.parametrize("executor", ["docker", "kubernetes"])
def test_in_containers_every_job_has_a_mirrored_image_and_git_works_whoever_it_runs_as(executor: str) -> None:
    rendered = template.render(executor=executor, image_mirror="mirror.example/", image="ci:1", build_image="build:1")
    for name in template.JOBS:
        job = template.inherited(rendered, name)
        image = job["image"].replace("$JOB_IMAGE", job["variables"]["JOB_IMAGE"])
        assert image == ("mirror.example/build:1" if name == "build-job" else "mirror.example/ci:1")
        assert job["variables"]["GIT_CONFIG_KEY_0"] == "safe.directory"
        assert job["variables"]["GIT_CONFIG_VALUE_0"] == "$CI_PROJECT_DIR"


@pytest.mark.parametrize("executor", ["docker", "kubernetes"])
def test_no_job_needs_more_than_a_cluster_gives_everybody(executor: str) -> None:
    rendered = template.render(executor=executor)
    for name in template.JOBS:
        job = template.inherited(rendered, name)
        assert not {"services", "secrets", "id_tokens", "hooks"} & set(job), f"{name} waits for nothing beside it"
        assert not {key for key in job["variables"] if key.startswith(("DOCKER_HOST", "DOCKER_TLS", "KUBERNETES_"))}
    demands = r"docker\.sock|\bdocker (build|run|push|login)\b|\bdind\b|--privileged|\bsudo (-|[a-z])|\b(mount|mknod) "
    offenders = [
        (name, line.strip())
        for name, text in template.scripts().items()
        # A rule of a scanner names what others do.
        for line in text.splitlines()
        if "pattern-regex" not in line and re.search(demands, line)
    ]
    assert offenders == []


def test_inputs_set_types_and_not_just_text() -> None:
    assert template.render(runner_tags=["gpu", "hpc"])[".default-job"]["tags"] == ["gpu", "hpc"]


@pytest.mark.parametrize("name", template.scripts())
def test_a_script_is_portable_shell(name: str, tmp_path: Path) -> None:
    text = template.scripts()[name]
    assert "$[[" not in text
    (tmp_path / "script").write_text(text)
    # What a script makes before it reads it is not there to be checked.
    checked = run(BIN / "shellcheck", "--shell=sh", "--severity=style", "--exclude=SC1091", tmp_path / "script")
    assert checked.returncode == 0, checked.stdout


def test_the_python_in_it_is_clean(tmp_path: Path) -> None:
    (source,) = re.findall(
        r"<<'PYTHON'\n(.*?)^PYTHON$", template.script("security-dev-job", 2), re.DOTALL | re.MULTILINE
    )
    (tmp_path / "findings.py").write_text(source)
    options = ["--config", template.ROOT / "pyproject.toml", "--extend-ignore", "D100,D103,T201,UP017"]
    checked = run(BIN / "ruff", "check", "--no-cache", *options, tmp_path / "findings.py")
    assert checked.returncode == 0, checked.stdout


def test_no_script_reads_a_secret_from_its_arguments() -> None:
    # Arguments show in the process list; a variable, a file or standard input do not.
    offenders = [
        (name, line.strip())
        for name, text in template.scripts().items()
        for line in text.splitlines()
        if re.search(r"\b(git|crane|buildah|curl)\b.*\$\w*(TOKEN|PASSWORD|credentials|authorization)", line)
    ]
    assert offenders == []


def test_scanners_that_are_installed_are_pinned() -> None:
    requirements = str(template.inputs()["scanner-requirements"]["default"]).split()
    assert all(re.fullmatch(r"[a-z-]+==[0-9.]+", each) for each in requirements)
    named = {each.split("==")[0] for each in requirements}
    wanted = {
        scanner
        for stage in ("dev", "prev")
        for scanner in str(template.inputs()[f"security-{stage}-scanners"]["default"]).split()
    }
    assert wanted - named == {"hadolint", "trivy"}, "these two are no Python packages"


def test_the_guide_lists_every_input() -> None:
    rows = ["| input | type | default | what it is |", "|---|---|---|---|"]
    for name, each in template.inputs().items():
        kind = ", ".join(f"`{option}`" for option in each.get("options", [])) or each.get("type", "string")
        default = each["default"] if isinstance(each["default"], str) else json.dumps(each["default"])
        shown = "a script, see the template" if "\n" in default else f"`{default}`" if default else "empty"
        rows.append(f"| `{name}` | {kind} | {shown} | {each['description']} |")
    table = "\n".join(rows)
    assert table in (template.ROOT / "docs/pipelines.md").read_text(), f"put into docs/pipelines.md:\n{table}"
