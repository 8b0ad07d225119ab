"""What a site gives the jobs of the platform's pipeline: state, secrets, an account that looks at the cluster."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed.commands import run
from testbed.context import Context
from testbed.environment import variables
from tests.contract.gitlab.support import fresh
from tests.integration.job_environment import make_job_environment
from tests.integration.own_testbed import OwnTestbed

__all__ = ["PROJECT", "JobPlace", "job_place"]

PROJECT = "bighpc/platform"
"""The platform's own repository."""


@dataclass(frozen=True, kw_only=True)
class JobPlace:
    """A directory that the users of jobs get into; they work on a copy of the state, as it is theirs to read."""

    context: Context
    directory: Path

    @property
    def state(self) -> Path:
        """The copy."""
        return self.directory / "state"

    def refresh(self) -> None:
        """Copy the state as it is now."""
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.copytree(self.context.layout.data / "pulumi", self.state)
        for path in (self.state, *self.state.rglob("*")):
            # A refresh takes the stack's lock.
            path.chmod(0o777 if path.is_dir() else 0o666)

    def variables(self, viewer: str, auditor: str) -> list[dict[str, Any]]:
        """What a site sets in the platform's project: see docs/platform-pipeline.md."""
        shell = variables(self.context)
        own = ("OPERATOR_VARIABLES", "ARGOCD_WEBHOOK_URL", "ARGOCD_WEBHOOK_SECRET", "APPLICATIONS_URL")
        return [
            *({"key": f"BIGHPC_{name}", "value": shell[f"BIGHPC_{name}"]} for name in own),
            {"key": "EXECUTOR", "value": "shell"},
            {"key": "BIGHPC_VENV", "value": str(make_job_environment(self.directory, self.context))},
            {"key": "PULUMI_BACKEND_URL", "value": f"file://{self.state}?metadata=skip"},
            {"key": "PULUMI_CONFIG_PASSPHRASE", "value": self.context.secret("pulumi-passphrase"), "masked": True},
            {"key": "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER", "value": "true"},
            {"key": "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "value": "true"},
            {"key": "VIEW_KUBECONFIG", "value": viewer, "variable_type": "file"},
            {"key": "DRIFT_KUBECONFIG", "value": auditor, "variable_type": "file", "protected": True},
            {"key": "DRIFT_TOKEN", "value": self.context.secret("gitlab-token"), "protected": True, "masked": True},
        ]


@contextmanager
def job_place(testbed: OwnTestbed) -> Iterator[JobPlace]:
    """Give the jobs of the platform's project what they need, for a while."""
    testbed.deploy()
    directory = Path(tempfile.mkdtemp(prefix="bighpc-e2e-", dir="/var/tmp"))
    directory.chmod(0o755)
    made = JobPlace(context=testbed.context, directory=directory)
    made.refresh()
    context = testbed.context
    with (
        _account(context, "viewer", "view", "--resource=applications.argoproj.io") as viewer,
        _account(context, "auditor", "view", "--resource=*.*") as auditor,
        testbed.forge() as client,
    ):
        project = client.projects.get(PROJECT)
        given = made.variables(viewer, auditor)
        for each in given:
            project.variables.create(each)
        yield made
        for each in given:
            project.variables.delete(each["key"])
    shutil.rmtree(directory)


@contextmanager
def _account(context: Context, name: str, role: str, *resources: str) -> Iterator[str]:
    """The kubeconfig of somebody who may look at the cluster and change nothing.

    Args:
        context: the testbed.
        name: the account's.
        role: a cluster role that it gets.
        resources: what else it may get and list.
    """
    kubectl = (context.tools.path("kubectl"), f"--kubeconfig={context.layout.kubeconfig}", "--namespace=default")
    account = fresh(name)
    run(*kubectl, "create", "serviceaccount", account)
    run(*kubectl, "create", "clusterrole", account, "--verb=get,list", *resources)
    for each in (role, account):
        subject = f"--serviceaccount=default:{account}"
        run(*kubectl, "create", "clusterrolebinding", f"{account}-{each}", f"--clusterrole={each}", subject)
    token = run(*kubectl, "create", "token", account, "--duration=4h").strip()
    document = yaml.safe_load(context.layout.kubeconfig.read_text())
    document["users"] = [{"name": name, "user": {"token": token}}]
    for each in document["contexts"]:
        each["context"]["user"] = name
    yield yaml.safe_dump(document)
    run(*kubectl, "delete", "clusterrolebinding", f"{account}-{role}", f"{account}-{account}")
    run(*kubectl, "delete", f"clusterrole/{account}", f"serviceaccount/{account}")
