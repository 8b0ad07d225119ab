"""The platform's own pipeline: a push is gated and released by jobs, promoted from environment to environment, and
watched at night.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gitlab
import pytest
import yaml
from gitlab.v4.objects import Project

from tests.e2e.job_place import PROJECT, JobPlace
from tests.e2e.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

_LIMIT = 600.0
"""Seconds for one pipeline."""
_ENDED = ("success", "failed", "canceled", "skipped")
_NOT_HERE = {name: {"rules": [{"when": "never"}]} for name in ("lint", "unit", "answer")}
"""Jobs that other tests run."""


@pytest.fixture(scope="module")
def project(site: Site, jobs: JobPlace) -> Iterator[Project]:
    """The platform's project as root sees it; its `dev` starts pipelines of what is looked at here."""
    entry = yaml.safe_load((site.clone / ".gitlab-ci.yml").read_text())
    site.commit(".gitlab-ci.yml", yaml.safe_dump({**entry, **_NOT_HERE}))
    context = site.testbed.context
    url = f"http://127.0.0.1:{context.ports['gitlab']}"
    with gitlab.Gitlab(url, private_token=context.secret("gitlab-root-token")) as root:
        yield root.projects.get(PROJECT)
    # As the other tests find it.
    if site.processors() == "3":
        site.push("Pulumi.dev.yaml", "cpu: 3", "cpu: 4")
        site.release()


def ended(project: Project, job: str | None = None, **which: Any) -> tuple[Any, dict[str, str]]:
    """The newest pipeline of a kind once it has ended, and its jobs' states by name; says what failed.

    Args:
        project: whose.
        job: one that it has; two schedules start pipelines, and both are at work here.
        which: the kind, as GitLab's API filters pipelines.
    """
    deadline = time.monotonic() + _LIMIT
    found: list[Any] = []
    while time.monotonic() < deadline:
        found = [
            each
            for each in project.pipelines.list(iterator=True, **which)
            if each.source != "external"
            and (job is None or job in (one.name for one in project.pipelines.get(each.id).jobs.list(iterator=True)))
        ]
        if found and found[0].status in _ENDED:
            jobs = project.pipelines.get(found[0].id).jobs.list(get_all=True)
            logs = [
                f"{each.name}:\n{bytes(project.jobs.get(each.id).trace()).decode()}"
                for each in jobs
                if each.status != "success"
            ]
            assert found[0].status == "success", "\n".join(logs)
            return found[0], {each.name: each.status for each in jobs}
        time.sleep(0.5)
    raise AssertionError(f"no pipeline {which} ended within {_LIMIT:.0f} s: {[each.status for each in found]}")


def test_a_push_is_gated_and_released_by_jobs_and_promoted(site: Site, project: Project, jobs: JobPlace) -> None:
    commit = site.push("Pulumi.dev.yaml", "cpu: 4", "cpu: 3", skip=False)
    _, states = ended(project, sha=commit, source="push")
    assert states == {"gate": "success", "release": "success"}
    assert site.runs(commit)
    assert site.processors() == "3"
    assert site.deployments()[0] == (commit, "success")

    for source, target in (("dev", "preview"), ("preview", "prod")):
        jobs.refresh()
        code, said = site.bighpc("promote", source, target)
        assert code == 0, said
        [request] = project.mergerequests.list(get_all=True, state="opened", target_branch=target)
        assert commit[:8] in request.description
        ended(project, ref=f"refs/merge-requests/{request.iid}/head")
        promoted = site.merge(request.iid)
        _, states = ended(project, sha=promoted, ref=target, source="push")
        assert states == {"gate": "success", "release": "success"}
        assert site.runs(promoted, target)
        assert site.deployments(target)[0] == (promoted, "success")


# After the promotion: a schedule runs the pipeline of the default branch, `prod`.
def test_at_night_every_stack_is_compared_audited_and_reported(site: Site, project: Project, jobs: JobPlace) -> None:
    jobs.refresh()
    schedules = project.pipelineschedules.list(get_all=True)
    [nightly] = [each for each in schedules if each.description == "Drift, policies and report"]
    nightly.play()
    _, states = ended(project, job="report", source="schedule")
    stacks = ("dev", "preview", "prod")
    expected = {f"{job}: [{stack}]": "success" for job in ("drift", "audit") for stack in stacks}
    # The variables of the test are declared by no program: a warning, and the only difference.
    assert states == {**expected, "drift: [prod]": "failed", "report": "success"}
    [drift] = [each for each in project.jobs.list(iterator=True) if each.name == "drift: [prod]"]
    log = bytes(project.jobs.get(drift.id).trace()).decode()
    assert drift.allow_failure
    assert "changed by hand" not in log
    assert "variable EXECUTOR (scope *) in project bighpc/platform" in log
    [report] = [each for each in project.jobs.list(iterator=True) if each.name == "report"]
    page = project.jobs.get(report.id).artifact("report/report.md")
    text = bytes(page).decode()
    assert all(stack in text for stack in stacks)
    assert [name for name in ("gitlab-token", "pulumi-passphrase") if site.testbed.context.secret(name) in text] == []
