"""What a person sees when the platform is up: where everything is and what to try next."""

from __future__ import annotations

import sys

from testbed.context import Context
from testbed.deployment import Deployed
from testbed.jupyterhub import hub_url

__all__ = ["print_summary"]


def print_summary(context: Context, deployed: Deployed) -> None:
    """Print addresses, where the credentials are (never their values) and the next steps."""
    answers, hubs = deployed.answers, deployed.hubs
    secrets, ports = context.layout.secrets, context.ports
    gitlab, argocd = f"http://127.0.0.1:{ports['gitlab']}", f"http://127.0.0.1:{ports['argocd-server']}"
    rows = [
        ("GitLab (double)", f"{gitlab}/", f"sign in with the token in {secrets / 'gitlab-token'}; API at /api/v4/"),
        ("Kubernetes", context.api_url, f"KUBECONFIG={context.layout.kubeconfig}"),
        ("applications", f"{context.applications_url}/", "what Argo CD delivers, live"),
        ("Argo CD's API", argocd, "user admin, password in secret argocd/argocd-initial-admin-secret"),
        ("registry", f"http://127.0.0.1:{ports['registry']}/v2/", ""),
        ("Pulumi state", f"{context.layout.data / 'pulumi'}", f"passphrase in {secrets / 'pulumi-passphrase'}"),
        *((f"hello in {a.environment}", a.url, f"answered by pod {a.pod} on {a.node}") for a in answers),
        *((f"JupyterHub of {each}", hub_url(context, each), "sign in with GitLab") for each in hubs),
    ]
    wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
    # Plain lines: addresses are copied from here, and a table would fold them.
    for what, where, note in rows:
        sys.stdout.write(f"{what:<{wide[0]}}  {where:<{wide[1]}}  {note}".rstrip() + "\n")
    name = "" if context.layout.name == "default" else f" --name {context.layout.name}"
    hub = (f"bighpc testbed jupyterhub dev{name}", "notebooks; takes minutes the first time")
    steps = [
        (f'eval "$(.venv/bin/bighpc testbed env{name})"', "pulumi, kubectl and git know the testbed"),
        ("pulumi preview --stack dev", "nothing to change"),
        *([hub] if answers and not hubs else []),
        (f"bighpc testbed status{name}", "what is real, double, simulated"),
        ("make down", "ends it; `make up` brings it back"),
    ]
    sys.stdout.write("\nnext:\n")
    for command, what in steps:
        sys.stdout.write(f"  {command:<46}  # {what}\n")
