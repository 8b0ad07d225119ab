"""What a person sees when the platform is up: where everything is and what to try next."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from testbed.context import Context
from testbed.deployment import Answer

__all__ = ["print_summary"]


def print_summary(context: Context, answers: Sequence[Answer]) -> None:
    """Print addresses, where the credentials are (never their values) and the next steps."""
    console = Console(highlight=False)
    secrets, ports = context.layout.secrets, context.ports
    table = Table(box=None, pad_edge=False, show_header=True, header_style="bold")
    for column in ("what", "where", "credentials"):
        table.add_column(column, overflow="fold")
    gitlab, argocd = f"http://127.0.0.1:{ports['gitlab']}", f"http://127.0.0.1:{ports['argocd-server']}"
    table.add_row("GitLab (double)", f"{gitlab}/api/v4/", f"token: {secrets / 'gitlab-token'}")
    table.add_row("  group", f"{gitlab}/bighpc", "")
    table.add_row("Kubernetes", context.api_url, f"KUBECONFIG={context.layout.kubeconfig}")
    table.add_row(
        "Argo CD's API",
        argocd,
        "user admin, password: kubectl -n argocd get secret argocd-initial-admin-secret",
    )
    table.add_row("Registry", f"http://127.0.0.1:{ports['registry']}/v2/", "none")
    table.add_row("Pulumi state", str(context.layout.data / "pulumi"), f"passphrase: {secrets / 'pulumi-passphrase'}")
    for answer in answers:
        table.add_row(f"hello in {answer.environment}", answer.url, f"answered by pod {answer.pod} on {answer.node}")
    console.print(table)
    name = "" if context.layout.name == "default" else f" --name {context.layout.name}"
    console.print(
        "\nNext:\n"
        f'  eval "$(.venv/bin/bighpc testbed env{name})"   # pulumi, kubectl and git know the testbed\n'
        "  pulumi preview --stack dev                     # nothing to change\n"
        f"  bighpc testbed status{name}                          # what is real, double, simulated\n"
        "  make down                                      # ends it; `make up` brings it back",
        markup=False,
    )
