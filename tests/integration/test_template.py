"""The pipeline template through gitlab-ci-local: what runs when, whatever the inputs, and real jobs on this machine."""

from __future__ import annotations

import json
import os
import queue
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import yaml

from tests.contract.pipelines.template import JOBS
from tests.free_ports import free_port
from tests.integration.template_project import ROOT, TemplateProject, configuration, create, program

pytestmark = pytest.mark.integration

SOURCES = ["build-job", "unit-test-job", "lint-test-job", "security-dev-job"]
PREVIEW = ["integration-test-job", "functional-test-job", "security-prev-job"]
MERGE_REQUEST = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_COMMIT_BRANCH": "-"}
DEPLOYED = "registry.bighpc.test/hello"
TAG = {"CI_COMMIT_TAG": "1.2.3", "CI_COMMIT_BRANCH": "-"}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> TemplateProject:
    """A project that is only compiled."""
    return create(tmp_path_factory.mktemp("compiled"))


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """An image registry on loopback."""
    address = f"127.0.0.1:{free_port()}"
    server = subprocess.Popen([program("crane"), "registry", "serve", "--address", address], stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 20
    while True:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", int(address.split(":")[1]))) == 0:
                break
        assert time.monotonic() < limit, "the registry does not answer"
        time.sleep(0.05)
    yield address
    server.terminate()
    server.wait(10)


@dataclass
class Releases:
    """GitLab's API as far as it makes releases."""

    url: str
    asked: queue.Queue[tuple[str, str, dict[str, list[str]]]]
    """Path, job token and fields of each request."""


@pytest.fixture
def releases() -> Iterator[Releases]:
    """It, ready to be asked."""
    asked: queue.Queue[tuple[str, str, dict[str, list[str]]]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked.put((self.path, str(self.headers["JOB-TOKEN"]), parse_qs(body)))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield Releases(f"http://127.0.0.1:{server.server_port}/api/v4", asked)
        server.shutdown()
        thread.join(5)


@pytest.fixture
def project(tmp_path: Path, registry: str) -> TemplateProject:
    """A project whose jobs really run, with an environment repository on this machine's disk."""
    seed = create_environments(tmp_path)
    return create(
        tmp_path,
        CI_PIPELINE_ID="41",
        CI_PIPELINE_URL="https://gitlab.example.com/bighpc/greeter/-/pipelines/41",
        CI_SERVER_URL=f"file://{seed}",
        DEPLOY_IMAGE=DEPLOYED,
        PROMOTION_TOKEN="glpat-canary",
        BASE_IMAGE="scratch",
        REGISTRY_IMAGE=f"{registry}/bighpc/greeter",
    )


def create_environments(directory: Path) -> Path:
    """A bare ``bighpc/environments.git`` with the application ``greeter``; the directory that stands for the server."""
    source = TemplateProject(directory / "environments")
    source.directory.mkdir()
    source.git("init", "--quiet", "--initial-branch", "dev")
    hello = ROOT / "environments/applications/hello"
    source.commit(
        {
            f"applications/greeter/{path.relative_to(hello)}": path.read_text()
            for path in hello.rglob("*.yaml")
            if "image/" not in str(path)
        }
    )
    for branch in ("preview", "prod"):
        source.git("branch", branch)
    bare = directory / "server/bighpc/environments.git"
    source.git("clone", "--quiet", "--bare", ".", str(bare))
    return directory / "server"


def with_tools(*more: Path) -> str:
    """PATH with crane on it."""
    return os.pathsep.join([*map(str, more), str(program("crane").parent), os.environ["PATH"]])


@pytest.mark.parametrize(
    ("variables", "jobs"),
    [
        pytest.param(MERGE_REQUEST, SOURCES, id="merge request"),
        pytest.param({"CI_COMMIT_BRANCH": "feature"}, SOURCES, id="branch"),
        pytest.param({}, [name for name in JOBS if name != "deploy-job"], id="default branch"),
        pytest.param(TAG, [*SOURCES, *PREVIEW, "deploy-job"], id="tag"),
    ],
)
def test_what_runs_depends_on_what_happened(
    compiled: TemplateProject, variables: dict[str, str], jobs: list[str]
) -> None:
    assert compiled.jobs(**variables) == jobs


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> TemplateProject:
    """The platform's own configuration, compiled only."""
    made = create(tmp_path_factory.mktemp("platform"))
    files = [ROOT / ".gitlab-ci.yml", *(ROOT / "pipelines").glob("*.yml")]
    made.commit({str(file.relative_to(ROOT)): file.read_text() for file in files})
    return made


BRANCH = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "dev", "CI_COMMIT_REF_PROTECTED": "true"}
NIGHT = {**BRANCH, "CI_PIPELINE_SOURCE": "schedule", "SCHEDULE": "nightly", "PULUMI_BACKEND_URL": "s3://state"}
WATCHED = [f"{job}: [{stack}]" for job in ("drift", "audit") for stack in ("dev", "preview", "prod")]


@pytest.mark.parametrize(
    ("variables", "jobs"),
    [
        pytest.param(MERGE_REQUEST, ["lint", "unit", "review", "answer"], id="merge request"),
        pytest.param({**MERGE_REQUEST, "EXECUTOR": "shell"}, ["lint", "unit", "review", "answer"], id="shell runners"),
        pytest.param(BRANCH, ["lint", "unit", "gate", "release"], id="environment branch"),
        pytest.param({**BRANCH, "CI_COMMIT_REF_PROTECTED": "false"}, ["lint", "unit"], id="the same in a fork"),
        pytest.param(NIGHT, [*WATCHED, "report"], id="night"),
        pytest.param({**NIGHT, "SCHEDULE": "questions"}, ["questions"], id="every quarter of an hour"),
    ],
)
def test_what_the_platforms_own_pipeline_runs_depends_on_what_happened(
    platform: TemplateProject, variables: dict[str, str], jobs: list[str]
) -> None:
    assert platform.jobs(**variables) == jobs


def test_the_file_is_the_component_with_all_defaults(compiled: TemplateProject) -> None:
    file = {"project": "bighpc/ci-cd/pipeline-templates/default", "ref": "main", "file": "default.gitlab-ci.yml"}
    by_file = yaml.safe_load(compiled.expanded(yaml.safe_dump({"include": [file]})))
    by_component = yaml.safe_load(compiled.expanded(configuration({})))
    assert by_file.pop("include") != by_component.pop("include")
    assert by_file == by_component


def test_whatever_is_set_or_overridden_what_gitlab_gets_is_valid(compiled: TemplateProject, tmp_path: Path) -> None:
    off = dict.fromkeys(("unit-tests", "lint", "security", "integration-tests", "functional-tests"), False)
    override: dict[str, object] = {
        "unit-test-job": {"timeout": "2 hours", "variables": {"OMP_NUM_THREADS": "4"}},
        "lint-test-job": {"script": ["make lint"]},
        "mpi-test-job": {"extends": ".default-test", "stage": "development", "script": ["true"]},
        "promote-dev-job": {"needs": ["build-job", "mpi-test-job"]},
    }
    variants = {
        "docker": configuration({"executor": "docker", "image-mirror": "mirror.example/"}),
        "kubernetes": configuration({"executor": "kubernetes", "runner-tags": ["gpu"], "deploy-when": "manual"}),
        "shell": configuration({"executor": "shell", "registry-insecure": True}),
        "off": configuration({**off, "promote-if": '$CI_COMMIT_BRANCH == "trunk"'}),
        "overridden": configuration({}, **override),
        "monorepo": configuration(
            {"path": "api", "job-prefix": "api-", "application": "api"},
            {"path": "web", "job-prefix": "web-", "application": "web", "executor": "shell"},
        ),
    }
    documents = {}
    for name, text in variants.items():
        expanded = compiled.expanded(text)
        documents[name] = yaml.safe_load(expanded)
        (tmp_path / f"{name}.yml").write_text(expanded)
    checker = Path(sys.prefix) / "bin/check-jsonschema"
    command: list[str | Path] = [checker, "--builtin-schema", "vendor.gitlab-ci", *sorted(tmp_path.glob("*.yml"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert documents["docker"]["unit-test-job"]["image"]["name"] == "mirror.example/$JOB_IMAGE"
    assert "image" not in documents["shell"]["unit-test-job"]
    assert documents["overridden"]["lint-test-job"]["script"] == ["make lint"]
    assert (
        documents["overridden"]["unit-test-job"]["variables"].items()
        >= {
            "OMP_NUM_THREADS": "4",
            "REPORTS": "$CI_PROJECT_DIR/reports",
        }.items()
    )
    assert documents["monorepo"]["web-build-job"]["variables"]["COMPONENT_PATH"] == "web"
    assert documents["monorepo"]["api-promote-dev-job"]["needs"][0]["job"] == "api-build-job"


def test_a_commit_goes_all_the_way_to_preview(project: TemplateProject, tmp_path: Path) -> None:
    chosen = configuration({"executor": "shell", "security-dev-scanners": "bandit detect-secrets hadolint"})
    project.commit({"requirements.txt": "packaging==24.2\n", ".gitlab-ci.yml": chosen})
    done = project.run(path=with_tools())
    assert done.returncode == 0, done.stdout
    assert "left out: the runner has no trivy" in done.stdout
    assert "tests/functional is not there: nothing was tested" in done.stdout
    assert "glpat-canary" not in done.stdout
    assert project.artifact("unit-test-job", "reports/junit.xml").exists()
    assert json.loads(project.artifact("lint-test-job", "reports/codequality.json").read_text()) == []
    packages = json.loads(project.artifact("security-prev-job", "reports/sbom.cdx.json").read_text())["components"]
    assert "packaging" in {each["name"] for each in packages}
    digest = promoted(tmp_path, "dev")
    assert digest == promoted(tmp_path, "preview")
    pushed = run_crane("digest", f"{project.variables['REGISTRY_IMAGE']}:{project.git('rev-parse', 'HEAD').strip()}")
    assert digest == pushed


def test_a_tag_takes_the_image_of_its_commit_to_production(
    project: TemplateProject, tmp_path: Path, releases: Releases
) -> None:
    off = dict.fromkeys(("unit-tests", "lint", "security", "integration-tests", "functional-tests"), False)
    project.commit({".gitlab-ci.yml": configuration({"executor": "shell", **off})})
    assert project.run(path=with_tools()).returncode == 0
    before = promoted(tmp_path, "preview")
    assert before
    tag = {**TAG, "CI_API_V4_URL": releases.url, "CI_JOB_TOKEN": "glcbt-canary", "CI_PIPELINE_ID": "42"}
    done = project.run(path=with_tools(), **tag)
    assert done.returncode == 0, done.stdout
    assert "the image of this commit is there already" in done.stdout
    assert promoted(tmp_path, "prod") == before
    path, token, fields = releases.asked.get(timeout=5)
    assert (path, token) == ("/api/v4/projects/1217/releases", "glcbt-canary")
    assert fields["tag_name"] == ["1.2.3"]
    assert before in fields["description"][0]


def test_a_lint_error_stops_a_commit_before_it_is_promoted(project: TemplateProject, tmp_path: Path) -> None:
    chosen = configuration({"executor": "shell", "unit-tests": False, "security": False})
    project.commit({"greeter/extra.py": "import os\n", ".gitlab-ci.yml": chosen})
    done = project.run(path=with_tools())
    assert done.returncode != 0
    assert "F401" in done.stdout
    (finding,) = json.loads(project.artifact("lint-test-job", "reports/codequality.json").read_text())
    assert finding["location"]["path"] == "greeter/extra.py"
    assert promoted(tmp_path, "dev") is None


def test_planted_secrets_and_dangerous_code_are_found(project: TemplateProject) -> None:
    key = "AKIA" + "QYLPMN5HHHFPZAM2"
    project.commit(
        {
            "greeter/keys.py": f'aws_access_key_id = "{key}"\n',
            "greeter/run.py": "import subprocess\n\n\ndef run(command):\n    subprocess.call(command, shell=True)\n",
            "install.sh": "curl https://example.com/install | sh\n",
        }
    )
    done = project.run("security-dev-job", path=with_tools())
    assert done.returncode != 0
    report = json.loads(project.artifact("security-dev-job", "reports/codequality.json").read_text())
    found = {(each["check_name"], each["location"]["path"]) for each in report}
    assert found >= {
        ("AWS Access Key", "greeter/keys.py"),
        ("B602", "greeter/run.py"),
        ("download-runs-unchecked", "install.sh"),
    }
    assert key not in done.stdout


def test_a_failing_unit_test_fails_its_job(project: TemplateProject) -> None:
    project.commit({"tests/unit/test_wrong.py": "def test_wrong():\n    assert False\n"})
    done = project.run("unit-test-job")
    assert done.returncode != 0
    assert 'failures="1"' in project.artifact("unit-test-job", "reports/junit.xml").read_text()


def promoted(directory: Path, branch: str) -> str | None:
    """The digest that an environment's manifests name once Kustomize has built them."""
    tree = directory / f"tree-{branch}"
    tree.mkdir()
    bare = directory / "server/bighpc/environments.git"
    subprocess.run(["git", f"--git-dir={bare}", f"--work-tree={tree}", "checkout", "--force", branch, "."], check=True)
    overlay = tree / "applications/greeter/overlays" / branch
    built = subprocess.run(
        [program("kustomize"), "build", overlay], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    (image,) = re.findall(rf"image: {DEPLOYED}(\S*)", built)
    return str(image).removeprefix("@") if "@" in image else None


def run_crane(*arguments: str) -> str:
    return subprocess.run(
        [program("crane"), *arguments], capture_output=True, text=True, check=True, timeout=30
    ).stdout.strip()
