"""The single composition: which components a stack has, and how they are wired."""

from __future__ import annotations

import pulumi

from components.argocd.application import ArgoApplication, ArgoApplicationArgs
from components.argocd.installation import ArgoCD, ArgoCDArgs, WebhookArgs
from components.gitlab.agent import GitLabAgent, GitLabAgentArgs
from components.identity import Identity, IdentityArgs
from components.kubernetes.testbed import Testbed, TestbedArgs
from stacks.fleet_model import Fleet
from stacks.forge import Forge, look_up_forge, make_forge
from stacks.preflight import Findings
from stacks.settings import Settings

__all__ = ["build_platform"]


def build_platform(settings: Settings, fleet: Fleet, findings: Findings) -> None:
    """Declare everything that the stack has, and export what people and tools ask it for.

    Args:
        settings: what this run is told.
        fleet: the projects, and the applications of this environment.
        findings: what the first look at GitLab and the cluster found.
    """
    environment = settings.environment
    cluster = Identity("cluster", IdentityArgs(value=findings.cluster))
    forge = make_forge(settings, fleet, findings) if settings.stack.forge.owner else look_up_forge(findings)
    instance = Identity("gitlab", IdentityArgs(value=forge.identity))
    testbed = Testbed(
        "testbed",
        TestbedArgs(spec=settings.stack.testbed, environment=environment, namespace=environment.namespace),
    )
    _register_agent(settings, fleet, forge)
    argocd = _connect_argocd(settings, forge)
    applications = _make_applications(settings, fleet, forge, testbed, argocd)
    pulumi.export("environment", environment.value)
    pulumi.export("identity", {"cluster": cluster.value, "gitlab": instance.value})
    pulumi.export("forge", forge.web_url)
    pulumi.export("environmentRepository", forge.repository_url)
    pulumi.export("namespace", testbed.namespace)
    if forge.runner_files:
        # For whoever makes the machines: pulumi stack output runners --show-secrets
        pulumi.export("runners", forge.runner_files)
    pulumi.export("applications", {name: application.name for name, application in applications.items()})


def _make_applications(
    settings: Settings, fleet: Fleet, forge: Forge, testbed: Testbed, argocd: ArgoCD
) -> dict[str, ArgoApplication]:
    environment = settings.environment
    return {
        name: ArgoApplication(
            name,
            ArgoApplicationArgs(
                spec=spec,
                environment=environment,
                branch=environment.branch,
                server=settings.stack.argocd.server,
                argocd_namespace=settings.stack.argocd.namespace,
                project=argocd.project,
                repository_url=forge.repository_url,
                namespace=testbed.namespace,
            ),
        )
        for name, spec in fleet.applications.items()
    }


def _register_agent(settings: Settings, fleet: Fleet, forge: Forge) -> None:
    agents, environment = fleet.agents, settings.environment
    if agents is None or environment not in agents.environments or forge.agents_id is None:
        return
    GitLabAgent(
        "agent",
        GitLabAgentArgs(
            spec=agents.environments[environment],
            project_id=forge.agents_id,
            branch=fleet.projects[agents.project].default_branch,
            group_path=settings.stack.gitlab.group,
        ),
    )


def _connect_argocd(settings: Settings, forge: Forge) -> ArgoCD:
    webhook = settings.stack.argocd.webhook
    return ArgoCD(
        "argocd",
        ArgoCDArgs(
            spec=settings.stack.argocd,
            environment=settings.environment,
            branch=settings.environment.branch,
            owner=settings.stack.testbed.owner,
            namespace=settings.environment.namespace,
            repository_id=forge.repository_id,
            repository_url=forge.repository_url,
            webhook=WebhookArgs(url=webhook.url, secret=webhook.secret.get_secret_value()) if webhook else None,
        ),
    )
