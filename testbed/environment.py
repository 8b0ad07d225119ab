"""The environment in which ``pulumi`` and the tools find a testbed."""

from __future__ import annotations

import os
import shlex

from testbed.context import Context
from testbed.files import private_directory

__all__ = ["exports", "of_commands", "variables"]

_OPERATOR_VARIABLES = "BIGHPC_OPERATOR_VARIABLES"


def variables(context: Context) -> dict[str, str]:
    """Environment variables by name, without PATH."""
    layout, ports = context.layout, context.ports
    found = {
        "KUBECONFIG": str(layout.kubeconfig),
        "GITLAB_BASE_URL": f"http://127.0.0.1:{ports['gitlab']}/api/v4/",
        "GITLAB_TOKEN": context.secret("gitlab-token"),
        # Without metadata files: they are not replaced in one step as the state is, so that a program which reads its
        # own stack's state while the engine writes it would now and then find one that is empty.
        "PULUMI_BACKEND_URL": f"file://{private_directory(layout.data / 'pulumi')}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(context.secret_file("pulumi-passphrase")),
        "PULUMI_HOME": str(private_directory(layout.data / "pulumi-home")),
        # The passphrase's salt is this testbed's alone: it comes from the state, not from the checkout's stack files.
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # A site's proxy does not know the way to loopback, nor to the testbed's own network.
        "NO_PROXY": f"127.0.0.1,localhost,{context.network.cidr}",
        "no_proxy": f"127.0.0.1,localhost,{context.network.cidr}",
        "BIGHPC_TESTBED": layout.name,
        "BIGHPC_FAULT_COMMAND": shlex.join(["bighpc", "testbed", "fault", "--name", layout.name]),
        "BIGHPC_ARGOCD_WEBHOOK_URL": f"http://127.0.0.1:{ports['argocd-server']}/api/webhook",
        "BIGHPC_ARGOCD_WEBHOOK_SECRET": context.secret("argocd-webhook"),
        "BIGHPC_APPLICATIONS_URL": context.applications_url,
    }
    # The operator's runs get the same from a secret in the cluster, so not by a file.
    names = {*found, _OPERATOR_VARIABLES, "PULUMI_CONFIG_PASSPHRASE"} - {"PULUMI_CONFIG_PASSPHRASE_FILE"}
    return {**found, _OPERATOR_VARIABLES: ",".join(sorted(names))}


def of_commands(context: Context) -> dict[str, str]:
    """What our own commands run the testbed's tools in: this process's environment, with the testbed over it."""
    return {**os.environ, **variables(context), "PATH": context.search_path}


def exports(context: Context) -> str:
    """The same as shell commands, with PATH in front of the shell's own."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables(context).items()]
    directories = ":".join(shlex.quote(str(directory)) for directory in context.tool_directories)
    return "\n".join([*lines, f'export PATH={directories}:"$PATH"', ""])
