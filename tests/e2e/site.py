"""A platform that is up, whose operator runs this checkout in ``dev``."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.environment import variables
from tests.integration.clone import git
from tests.integration.own_testbed import BIGHPC, OwnTestbed
from tests.integration.platform import CHECKOUT, copy_checkout

__all__ = ["Site", "make_site"]

_LIMIT = 900
"""Seconds for one command; the first release installs the program's packages."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A platform that is up, and a clone of its repository whose `dev` is this checkout."""

    testbed: OwnTestbed
    clone: Path
    environment: Mapping[str, str]

    def push(self, file: str, old: str, new: str, *, skip: bool = True) -> str:
        """Change a file, commit and push to `dev`; returns the commit. Without `skip` a pipeline starts."""
        self._catch_up()
        text = (self.clone / file).read_text()
        assert old in text
        return self.commit(file, text.replace(old, new, 1), skip=skip)

    def commit(self, file: str, text: str, *, skip: bool = True) -> str:
        """Give a file another text, commit and push to `dev`; returns the commit."""
        self._catch_up()
        (self.clone / file).write_text(text)
        git(self.clone, "commit", "--quiet", "--all", f"--message=test: another {file}")
        return self.pushed(skip=skip)

    def revert(self, commit: str) -> str:
        """Revert a commit and push; returns the new one."""
        self._catch_up()
        git(self.clone, "revert", "--no-edit", commit)
        return self.pushed()

    def pushed(self, *, skip: bool = True) -> str:
        """Push what is committed; no pipeline by default, as the command is run here."""
        options = ["--push-option=ci.skip"] if skip else []
        git(self.clone, "push", "--quiet", *options, "origin", "HEAD:refs/heads/dev")
        return git(self.clone, "rev-parse", "HEAD")

    def merge(self, number: int) -> str:
        """Merge a merge request of the platform's project; returns the target branch's new head."""
        with self.testbed.forge() as client:
            request = client.projects.get("bighpc/platform").mergerequests.get(number)
            request.merge()
            return str(client.projects.get("bighpc/platform").branches.get(request.target_branch).commit["id"])

    def _catch_up(self) -> None:
        git(self.clone, "fetch", "--quiet", "origin", "dev")
        git(self.clone, "reset", "--quiet", "--hard", "FETCH_HEAD")

    def release(self, *arguments: str, code: int = 0) -> str:
        """Run the command in the clone; returns what it said."""
        ended, said = self.bighpc("release", "dev", *arguments)
        assert ended == code, said
        return said

    def bighpc(self, *arguments: str) -> tuple[int, str]:
        """Run the command in the clone; its exit code, and what it said, with standard output last."""
        done = subprocess.run(
            [BIGHPC, *arguments],
            cwd=self.clone,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
        return done.returncode, done.stderr + done.stdout

    def apply(self, document: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        """Give the cluster an object."""
        return self.kubectl("apply", "--filename=-", standard_input=json.dumps(document))

    def kubectl(
        self, *arguments: str, account: str | None = None, standard_input: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Ask the cluster, as the administrator or as somebody else."""
        context = self.testbed.context
        command = [str(context.tools.path("kubectl")), f"--kubeconfig={context.layout.kubeconfig}", *arguments]
        command += [f"--as={account}"] if account else []
        return subprocess.run(command, input=standard_input, capture_output=True, text=True, timeout=60, check=False)

    def patch(self, account: str, spec: Mapping[str, Any], name: str = "bighpc-dev") -> str:
        """Try to patch a Stack object as an account; returns the refusal, or nothing."""
        patch = f"--patch={json.dumps({'spec': spec})}"
        done = self.kubectl(
            *("patch", "stacks.pulumi.com", name, "--namespace=pulumi-operator", "--type=merge", patch), account=account
        )
        return done.stderr if done.returncode else ""

    def processors(self) -> str:
        """The quota of the environment's namespace."""
        asked = (
            "get",
            "resourcequota",
            "quota",
            "--namespace=bighpc-dev",
            "--output=jsonpath={.spec.hard.limits\\.cpu}",
        )
        return self.kubectl(*asked).stdout

    def last_update(self, environment: str = "dev") -> dict[str, Any]:
        """What the operator says of its last update."""
        asked = ("get", "stacks.pulumi.com", f"bighpc-{environment}", "--namespace=pulumi-operator", "--output=json")
        found: dict[str, Any] = json.loads(self.kubectl(*asked).stdout)["status"]["lastUpdate"]
        return found

    def runs(self, commit: str, environment: str = "dev") -> bool:
        """Whether the operator says that it has brought a commit up.

        It may say so, begin anew with what it remembers of the object, and say so again.
        """
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.last_update(environment).get("lastSuccessfulCommit") == commit:
                return True
            time.sleep(0.5)
        return False

    def deployments(self, environment: str = "dev") -> list[tuple[str, str]]:
        """The last ones to an environment, the latest first."""
        with self.testbed.forge() as client:
            project = client.projects.get("bighpc/platform")
            listed = project.deployments.list(environment=environment, order_by="id", sort="desc", iterator=True)
            return [(each.sha, each.status) for each in listed]


def make_site(testbed: OwnTestbed, directory: Path) -> Site:
    """Bring the platform up as `deploy` leaves it, and release the working tree once.

    Args:
        testbed: the run's own.
        directory: an empty one, for the clone.
    """
    testbed.deploy()
    context = testbed.context
    found = variables(context)
    path = os.pathsep.join([str(BIGHPC.parent), *map(str, context.tool_directories), os.environ["PATH"]])
    url = found["GITLAB_BASE_URL"].removesuffix("api/v4/") + "bighpc/platform.git"
    url = url.replace("://", f"://oauth2:{found['GITLAB_TOKEN']}@")
    git(directory, "clone", "--quiet", "--branch=dev", url, "clone")
    clone = directory / "clone"
    git(clone, "rm", "--quiet", "-r", ".")
    copy_checkout(clone)
    (clone / ".venv").unlink()
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--allow-empty", "--message=test: this checkout")
    (clone / ".venv").symlink_to(CHECKOUT / ".venv")
    made = Site(testbed=testbed, clone=clone, environment={**testbed.environment, **found, "PATH": path})
    made.pushed()
    made.release()
    return made
