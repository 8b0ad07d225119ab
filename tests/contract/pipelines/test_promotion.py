"""Promotion: the digest arrives in the environment repository once, in order, and says where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml
from gitlab.v4.objects import Project

from tests.contract.gitlab.support import Double, Git
from tests.contract.pipelines import template
from tests.contract.pipelines.conftest import Shell

SCRIPT = template.script("promote-dev-job")
IMAGE = "registry.example/bighpc/greeter"

Promote = Callable[..., CompletedProcess[str]]

OTHERS_PUSH_FIRST = """
git() {
  if [ "$1" = push ] && [ ! -e "$HOME/other" ]; then
    command git clone --quiet --branch dev "$repository" "$HOME/other"
    echo text > "$HOME/other/note"
    command git -C "$HOME/other" add note
    command git -C "$HOME/other" commit --quiet --message Note
    command git -C "$HOME/other" push --quiet
  fi
  command git "$@"
}
"""


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """A repository of somebody's own."""
    directory = tmp_path / "checkout"
    directory.mkdir()
    made = Git(directory)
    made("init", "--quiet")
    return made


@pytest.fixture
def promote(shell: Shell, double: Double, environments: Project) -> Promote:
    """Runs the script as pipeline ``number``, which built the image of that number."""

    def run(number: int, before: str = "", **variables: str) -> CompletedProcess[str]:
        return shell(
            before + SCRIPT,
            **{
                "APPLICATION": "greeter",
                "CI_COMMIT_SHA": f"{number:040x}",
                "CI_COMMIT_SHORT_SHA": f"{number:08x}",
                "CI_PIPELINE_ID": str(number),
                "CI_PIPELINE_URL": f"{double.url}/bighpc/greeter/-/pipelines/{number}",
                "CI_PROJECT_PATH": "bighpc/greeter",
                "CI_PROJECT_URL": f"{double.url}/bighpc/greeter",
                "CI_SERVER_HOST": "127.0.0.1",
                "CI_SERVER_URL": double.url,
                "DEPLOY_IMAGE": "",
                "ENVIRONMENT": "dev",
                "ENVIRONMENTS_PROJECT": environments.path_with_namespace,
                "IMAGE_DIGEST": digest(number),
                "IMAGE_REFERENCE": f"{IMAGE}@{digest(number)}",
                "PROMOTION_TOKEN": double.bot_token,
                **variables,
            },
        )

    return run


def commits(project: Project, branch: str = "dev") -> list[Any]:
    return project.commits.list(ref_name=branch, get_all=True)


def file_of(project: Project, path: str, branch: str = "dev") -> Any:
    return yaml.safe_load(project.files.raw(f"applications/{path}", ref=branch))


def promoted(project: Project, application: str = "greeter", branch: str = "dev") -> str:
    component = file_of(project, f"{application}/overlays/{branch}/image/kustomization.yaml", branch)
    return str(component["images"][0]["digest"])


def test_the_digest_arrives_with_a_link_to_the_pipeline(
    promote: Promote, double: Double, environments: Project
) -> None:
    done = promote(7)
    assert done.returncode == 0, done.stdout
    assert file_of(environments, "greeter/overlays/dev/image/kustomization.yaml") == {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "images": [{"name": IMAGE, "digest": digest(7)}],
    }
    assert file_of(environments, "greeter/overlays/dev/kustomization.yaml")["components"] == ["image"]
    newest = commits(environments)[0]
    assert newest.title == "Promote greeter to dev: 00000007"
    assert f"Pipeline: {double.url}/bighpc/greeter/-/pipelines/7" in newest.message
    assert newest.id in done.stdout, "the log links the commit"
    assert len(commits(environments, "preview")) == 1, "other environments stay as they are"


def test_clusters_may_know_the_image_by_another_name(promote: Promote, environments: Project) -> None:
    assert promote(7, DEPLOY_IMAGE="mirror.example/greeter").returncode == 0
    component = file_of(environments, "greeter/overlays/dev/image/kustomization.yaml")
    assert component["images"] == [{"name": "mirror.example/greeter", "digest": digest(7)}]


def test_the_same_digest_is_no_commit(promote: Promote, environments: Project) -> None:
    promote(7)
    before = commits(environments)[0].id
    done = promote(9, IMAGE_DIGEST=digest(7))
    assert (done.returncode, commits(environments)[0].id) == (0, before)
    assert f"dev has {digest(7)} already" in done.stdout


def test_an_older_pipeline_leaves_the_image_of_a_newer_one_alone(promote: Promote, environments: Project) -> None:
    promote(9)
    done = promote(7)
    assert done.returncode == 77, "a warning"
    assert "dev has the image of the newer pipeline 9: left alone" in done.stdout
    assert promoted(environments) == digest(9)


def test_pipelines_at_the_same_time_lose_nothing(promote: Promote, environments: Project) -> None:
    with ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(promote, number, APPLICATION=application)
            for number in (1, 2)
            for application in ("greeter", "porter")
        ]
    output = "\n".join(run.result().stdout for run in runs)
    assert {run.result().returncode for run in runs} <= {0, 77}, output
    assert promoted(environments) == promoted(environments, "porter") == digest(2), output


def test_what_others_commit_meanwhile_stays(promote: Promote, environments: Project) -> None:
    done = promote(7, before=OTHERS_PUSH_FIRST)
    assert done.returncode == 0, done.stdout
    assert "branch dev has moved: once more" in done.stdout
    assert [each.title for each in commits(environments)] == ["Promote greeter to dev: 00000007", "Note", "Seed"]


def test_a_reverted_promotion_can_be_followed_by_a_newer_one(
    promote: Promote, double: Double, environments: Project, git: Git
) -> None:
    promote(7)
    promote(8)
    remote = double.remote(environments.path_with_namespace, double.bot_token)
    git("pull", "--quiet", remote, "dev")
    git("revert", "--no-edit", "HEAD")
    git("push", "--quiet", remote, "HEAD:dev")
    assert promoted(environments) == digest(7)
    assert promote(9).returncode == 0
    assert promoted(environments) == digest(9)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"PROMOTION_TOKEN": ""}, "error: PROMOTION_TOKEN is not set in this job"),
        ({"PROMOTION_TOKEN": "glpat-wrong"}, "cannot be cloned, see above"),
        ({"ENVIRONMENT": "nowhere"}, "error: branch nowhere of"),
        ({"IMAGE_DIGEST": ""}, "error: build-job handed on no digest"),
        ({"APPLICATION": "../../secrets"}, "error: '../../secrets' is no application's name"),
        ({"APPLICATION": "stranger"}, "has no applications/stranger/overlays/dev on branch dev"),
    ],
)
def test_what_cannot_be_promoted_is_refused_with_a_remedy(
    promote: Promote, environments: Project, variables: dict[str, str], message: str
) -> None:
    done = promote(7, **variables)
    assert done.returncode == 1
    assert message in done.stdout
    assert len(done.stdout.splitlines()) >= 2, "the remedy follows"
    assert len(commits(environments)) == 1


def test_manifests_that_would_leave_the_image_out_are_refused(promote: Promote, environments: Project) -> None:
    path = "applications/greeter/overlays/dev/kustomization.yaml"
    environments.files.update(
        path, {"branch": "dev", "commit_message": "Own", "content": "components:\n  - ../../debug\n"}
    )
    done = promote(7)
    assert done.returncode == 1
    assert "leaves the promoted image out\nAdd '- image' to its components." in done.stdout


def test_a_branch_that_the_token_may_not_push_to_is_named(
    promote: Promote, double: Double, environments: Project
) -> None:
    environments.protectedbranches.create({"name": "dev", "push_access_level": 0, "merge_access_level": 40})
    done = promote(7)
    assert done.returncode == 1
    assert "error: GitLab refuses the push, see above" in done.stdout
    assert f"protected branch dev of {environments.path_with_namespace}" in done.stdout


def test_the_token_shows_nowhere(promote: Promote, double: Double, environments: Project) -> None:
    for done in (promote(7), promote(8, ENVIRONMENT="nowhere")):
        assert double.bot_token not in done.stdout
    assert double.bot_token not in commits(environments)[0].message


def test_a_token_of_the_environment_repository_is_enough(
    promote: Promote, double: Double, environments: Project
) -> None:
    token = environments.access_tokens.create(
        {"name": "promotion", "scopes": ["write_repository"], "access_level": 40, "expires_at": "2027-01-01"}
    ).token
    done = promote(7, PROMOTION_TOKEN=token)
    assert done.returncode == 0, done.stdout
