"""The file behind a job's ``KUBECONFIG``: a context for each agent that the job may use, and none that is current."""

from __future__ import annotations

import base64
from typing import Any

import yaml
from sqlalchemy.orm import Session

from testbed.gitlab.agent_access import agents_for
from testbed.gitlab.forge import Forge
from testbed.gitlab.store import Job

__all__ = ["kubeconfig"]

CLUSTER = "gitlab"


def kubeconfig(forge: Forge, session: Session, job: Job, token: str) -> str | None:
    """The kubeconfig of a job; nothing when it may use no agent.

    Args:
        forge: the double.
        session: a session on its database.
        job: the job that is handed out.
        token: its job token, by which the agent server knows it.
    """
    agents = agents_for(forge, session, job)
    if not agents:
        return None
    cluster: dict[str, Any] = {"server": forge.settings.kubernetes_proxy}
    if forge.settings.kas_authority is not None:
        # GitLab leaves this to the job's image or machine; nobody installs a testbed's own authority there.
        cluster["certificate-authority-data"] = base64.b64encode(forge.settings.kas_authority.read_bytes()).decode()
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CLUSTER, "cluster": cluster}],
        "users": [{"name": f"agent:{agent.id}", "user": {"token": f"ci:{agent.id}:{token}"}} for agent, _ in agents],
        "contexts": [
            {
                "name": f"{agent.project.full_path}:{agent.name}",
                "context": {
                    "cluster": CLUSTER,
                    "user": f"agent:{agent.id}",
                    **({"namespace": entry["default_namespace"]} if entry.get("default_namespace") else {}),
                },
            }
            for agent, entry in agents
        ],
    }
    return yaml.safe_dump(content, sort_keys=False)
