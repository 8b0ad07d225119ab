"""The platform's stacks on the run's own testbed, driven by ``pulumi`` as people drive it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed.environment import variables
from testbed.stacks import without_salt
from tests.integration.own_testbed import OwnTestbed

__all__ = ["CHECKOUT", "Platform", "copy_checkout"]

CHECKOUT = Path(__file__).parents[2]
_LIMIT = 300  # seconds for one command


def copy_checkout(tree: Path) -> None:
    """Copy what git knows or would take of the checkout, and lend it the virtual environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (CHECKOUT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, tree / name)
    for file in tree.glob("Pulumi.*.yaml"):
        # The salt of a testbed that somebody runs from the checkout.
        file.write_text(without_salt(file.read_text()))
    (tree / ".venv").symlink_to(CHECKOUT / ".venv")


@dataclass(frozen=True, kw_only=True)
class Platform:
    """The checkout's program, with configuration files of the test's own beside it."""

    environment: Mapping[str, str]
    configuration: Path
    tree: Path = CHECKOUT
    """The program, and what its fleet is made of."""

    @classmethod
    def on(cls, testbed: OwnTestbed, configuration: Path, tree: Path = CHECKOUT) -> Platform:
        """The platform on a testbed that is up."""
        context = testbed.context
        path = os.pathsep.join([*map(str, context.tool_directories), os.environ["PATH"]])
        environment = {**testbed.environment, **variables(context), "PATH": path}
        return cls(environment=environment, configuration=configuration, tree=tree)

    def pulumi(
        self,
        command: str,
        stack: str,
        *arguments: str,
        code: int | None = 0,
        config: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run ``pulumi`` on a stack; returns what it printed.

        Args:
            command: ``preview``, ``up``, ``destroy``, ...
            stack: the stack.
            arguments: further arguments.
            code: the exit code that is expected; None for any but 0.
            config: keys that differ from those of the checkout.
            environment: variables that differ from those of the testbed.
        """
        # The engine writes the salt of its secrets into the stack file: not into the checkout's.
        document = yaml.safe_load((self.tree / f"Pulumi.{stack}.yaml").read_text())
        path = self.configuration / f"Pulumi.{stack}.yaml"
        path.write_text(yaml.safe_dump({"config": {**document["config"], **(config or {})}}))
        arguments = ("--stack", stack, "--config-file", str(path), "--non-interactive", *arguments)
        return self.run("pulumi", command, *arguments, code=code, environment=environment)

    def objects(self, kind: str, namespace: str) -> dict[str, dict[str, Any]]:
        """The cluster's objects of a kind in a namespace, by name."""
        listed = self.run("kubectl", "get", kind, f"--namespace={namespace}", "--output=json")
        return {each["metadata"]["name"]: each for each in json.loads(listed)["items"]}

    def healthy(self, application: str) -> bool:
        """Whether Argo CD calls an Application synced and healthy."""
        status = self.objects("applications", "argocd")[application].get("status", {})
        return (status.get("sync", {}).get("status"), status.get("health", {}).get("status")) == ("Synced", "Healthy")

    def run(self, *command: str, code: int | None = 0, environment: Mapping[str, str] | None = None) -> str:
        """Run a tool in the checkout; returns what it printed.

        Args:
            command: the tool and its arguments.
            code: the exit code that is expected; None for any but 0.
            environment: variables that differ from those of the testbed.
        """
        done = subprocess.run(
            command,
            cwd=self.tree,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
        expected = done.returncode != 0 if code is None else done.returncode == code
        assert expected, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout
