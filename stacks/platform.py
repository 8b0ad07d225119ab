"""The single composition: which components a stack has, and how they are wired."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.argocd.application import ArgoApplication, ArgoApplicationArgs
from components.argocd.application_set import ArgoApplicationSet, ArgoApplicationSetArgs, PlacementArgs
from components.argocd.installation import ArgoCD, ArgoCDArgs, WebhookArgs
from components.gitlab.agent import GitLabAgent, GitLabAgentArgs
from components.gitlab.agent_cluster_spec import ChartSpec, agent_application
from components.gitlab.agent_installation import GitLabAgentInstallation, GitLabAgentInstallationArgs
from components.identity import Identity, IdentityArgs
from components.kubernetes.hardware import Hardware, HardwareArgs
from components.kubernetes.testbed import Testbed, TestbedArgs
from components.operator.stack import OperatorStack, OperatorStackArgs
from components.workloads.batch_queues import BatchQueues, BatchQueuesArgs
from components.workloads.queues import QueueType
from stacks.fleet_model import Fleet
from stacks.forge import Forge, look_up_forge, make_forge
from stacks.preflight import Findings
from stacks.services import build_images, deliver, make_services, service_places
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
    hardware = _describe_hardware(settings, testbed)
    agent = _connect_agent(settings, fleet, forge, testbed)
    queues = _make_queues(settings, testbed)
    argocd = _connect_argocd(settings, fleet, forge)
    services = make_services(settings, forge)
    _connect_operator(settings, fleet, forge, testbed, agent, hardware, queues, services)
    if settings.stack.forge.owner:
        _make_application_sets(settings, fleet, forge)
    images = build_images(settings)
    applications = _make_applications(settings, fleet, forge, testbed, argocd)
    pulumi.export("environment", environment.value)
    pulumi.export("identity", {"cluster": cluster.value, "gitlab": instance.value})
    pulumi.export("forge", forge.web_url)
    pulumi.export("environmentRepository", forge.repository_url)
    pulumi.export("namespace", testbed.namespace)
    if forge.runner_files:
        # For whoever makes the machines: pulumi stack output runners --show-secrets
        pulumi.export("runners", forge.runner_files)
    if images:
        pulumi.export("images", {name: image.reference for name, image in images.items()})
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
                status_project=forge.repository_id if settings.stack.argocd.commit_statuses else None,
            ),
        )
        for name, spec in fleet.applications.items()
        if not spec.application_set
    }


def _make_application_sets(settings: Settings, fleet: Fleet, forge: Forge) -> None:
    argocd = settings.stack.argocd
    for name, spec in fleet.applications.items():
        if spec.application_set:
            ArgoApplicationSet(
                name,
                ArgoApplicationSetArgs(
                    spec=spec,
                    placements={
                        each.value: PlacementArgs(branch=each.branch, namespace=each.namespace)
                        for each in spec.environments
                    },
                    server=argocd.server,
                    argocd_namespace=argocd.namespace,
                    environment=settings.environment,
                    repository_id=forge.repository_id,
                    repository_url=forge.repository_url,
                    commit_statuses=argocd.commit_statuses,
                ),
            )


def _connect_agent(settings: Settings, fleet: Fleet, forge: Forge, testbed: Testbed) -> GitLabAgentInstallation | None:
    agents, environment = fleet.agents, settings.environment
    if agents is None or environment not in agents.environments or forge.agents_id is None:
        return None
    spec, argocd = agents.environments[environment], settings.stack.argocd
    agent = GitLabAgent(
        "agent",
        GitLabAgentArgs(
            spec=spec,
            project_id=forge.agents_id,
            branch=fleet.projects[agents.project].default_branch,
            group_path=settings.stack.gitlab.group,
        ),
    )
    installation = GitLabAgentInstallation(
        "agent-installation",
        GitLabAgentInstallationArgs(
            spec=spec,
            token=agent.token,
            environment=environment,
            environment_namespace=testbed.namespace,
            namespace_name=environment.namespace,
            owner=settings.stack.testbed.owner,
            argocd_namespace=argocd.namespace,
            server=argocd.server,
        ),
    )
    if spec.cluster.chart is not None:
        _install_agent(settings, spec.cluster.chart, installation)
    return installation


def _install_agent(settings: Settings, chart: ChartSpec, installation: GitLabAgentInstallation) -> None:
    if installation.project is not None:
        deliver(
            "agent-chart",
            settings,
            agent_application(chart, settings.stack.testbed.owner),
            project=installation.project,
            repository_url=chart.source.repository,
            namespace=installation.namespace,
        )


def _describe_hardware(settings: Settings, testbed: Testbed) -> Hardware | None:
    profiles = settings.stack.testbed.hardware
    if not profiles:
        return None
    return Hardware(
        "hardware",
        HardwareArgs(
            profiles=profiles,
            environment=settings.environment,
            owner=settings.stack.testbed.owner,
            namespace=testbed.namespace,
        ),
    )


def _make_queues(settings: Settings, testbed: Testbed) -> BatchQueues | None:
    if settings.stack.workloads.type is not QueueType.KUEUE:
        return None
    environment = settings.environment
    made = BatchQueues(
        "queues",
        BatchQueuesArgs(
            queues=settings.stack.workloads.queues,
            hardware=settings.stack.testbed.hardware,
            environment=environment,
            owner=settings.stack.testbed.owner,
            namespace=testbed.namespace,
            namespace_name=environment.namespace,
        ),
    )
    pulumi.export("queues", made.queues)
    return made


def _connect_operator(
    settings: Settings,
    fleet: Fleet,
    forge: Forge,
    testbed: Testbed,
    agent: GitLabAgentInstallation | None,
    hardware: Hardware | None,
    queues: BatchQueues | None,
    services: Mapping[str, pulumi.Output[str]],
) -> None:
    environment, argocd = settings.environment, settings.stack.argocd
    if forge.platform is None:
        return
    OperatorStack(
        "operator",
        OperatorStackArgs(
            spec=settings.stack.operator,
            environment=environment,
            branch=environment.branch,
            owner=settings.stack.testbed.owner,
            namespace=testbed.namespace,
            namespace_name=environment.namespace,
            agent_namespace=agent.namespace if agent else None,
            agent_namespace_name=fleet.agents.environments[environment].namespace if agent and fleet.agents else None,
            priority_classes=tuple(each.priority_class for each in hardware.placements.values()) if hardware else (),
            kueue=queues.shared if queues else (),
            argocd_namespace=argocd.namespace,
            argocd_secrets=_repository_secrets(settings, fleet),
            argocd_settings=argocd.configuration is not None,
            services=service_places(settings),
            service_namespaces=services,
            repository_id=forge.platform.project_id,
            repository_url=forge.platform.url,
        ),
    )


def _repository_secrets(settings: Settings, fleet: Fleet) -> tuple[str, ...]:
    """Return the secrets by which Argo CD reads repositories that this stack makes."""
    sets = [name for name, spec in fleet.applications.items() if spec.application_set and settings.stack.forge.owner]
    return (f"repository-environments-{settings.environment}", *(f"repository-set-{name}" for name in sets))


def _connect_argocd(settings: Settings, fleet: Fleet, forge: Forge) -> ArgoCD:
    webhook = settings.stack.argocd.webhook
    own = [spec for spec in fleet.applications.values() if not spec.application_set]
    return ArgoCD(
        "argocd",
        ArgoCDArgs(
            spec=settings.stack.argocd,
            environment=settings.environment,
            branch=settings.environment.branch,
            owner=settings.stack.testbed.owner,
            namespace=settings.environment.namespace,
            gitlab_url=settings.gitlab.url,
            repository_id=forge.repository_id,
            repository_url=forge.repository_url,
            chart_repositories=tuple(spec.chart_repository for spec in own if spec.chart_repository),
            webhook=WebhookArgs(url=webhook.url, secret=webhook.secret.get_secret_value()) if webhook else None,
        ),
    )
