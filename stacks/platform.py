"""The single composition: which components a stack has, and how they are wired."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.argocd import ArgoCD, ArgoCDArgs, WebhookArgs
from components.argocd_application import ArgoApplication, ArgoApplicationArgs
from components.gitlab_group import GitLabGroup, GitLabGroupArgs
from components.gitlab_project import GitLabProject, GitLabProjectArgs
from components.identity import Identity, IdentityArgs
from components.testbed import Testbed, TestbedArgs
from stacks.fleet import ENVIRONMENT_REPOSITORY, Fleet
from stacks.preflight import Findings, group_identity
from stacks.settings import GitLabTier, Settings

__all__ = ["build_platform"]


@dataclass(frozen=True, kw_only=True)
class _Forge:
    """What the environment's part needs of the forge, made here or looked up."""

    repository_id: pulumi.Input[str]
    repository_url: pulumi.Input[str]
    web_url: pulumi.Input[str]
    identity: pulumi.Input[str]


def build_platform(settings: Settings, fleet: Fleet, findings: Findings) -> None:
    """Declare everything that the stack has, and export what people and tools ask it for.

    Args:
        settings: what this run is told.
        fleet: the projects, and the applications of this environment.
        findings: what the first look at GitLab and the cluster found.
    """
    environment = settings.environment
    cluster = Identity("cluster", IdentityArgs(value=findings.cluster))
    forge = _make_forge(settings, fleet, findings) if settings.stack.forge.owner else _look_up_forge(findings)
    instance = Identity("gitlab", IdentityArgs(value=forge.identity))
    testbed = Testbed(
        "testbed",
        TestbedArgs(spec=settings.stack.testbed, environment=environment, namespace=environment.namespace),
    )
    argocd = _connect_argocd(settings, forge)
    applications = {
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
    pulumi.export("environment", environment.value)
    pulumi.export("identity", {"cluster": cluster.value, "gitlab": instance.value})
    pulumi.export("forge", forge.web_url)
    pulumi.export("environmentRepository", forge.repository_url)
    pulumi.export("namespace", testbed.namespace)
    pulumi.export("applications", {name: application.name for name, application in applications.items()})


def _make_forge(settings: Settings, fleet: Fleet, findings: Findings) -> _Forge:
    group = GitLabGroup("forge", GitLabGroupArgs(spec=fleet.group, path=settings.stack.gitlab.group))
    projects = {
        name: GitLabProject(
            name,
            GitLabProjectArgs(
                spec=spec,
                group_id=group.group_id,
                licensed=settings.stack.gitlab.tier is not GitLabTier.FREE,
                hook_tokens={
                    hook: settings.stack.hook_tokens[f"{name}/{hook}"].get_secret_value() for hook in spec.hooks
                },
            ),
        )
        for name, spec in fleet.projects.items()
    }
    repository = projects[ENVIRONMENT_REPOSITORY]
    return _Forge(
        repository_id=repository.project_id,
        repository_url=repository.clone_url,
        web_url=group.web_url,
        # Who the instance is, GitLab tells once it has made the group.
        identity=group.group_id.apply(
            lambda made: findings.forge.identity if made == findings.forge.group_id else group_identity(settings, made)
        ),
    )


def _look_up_forge(findings: Findings) -> _Forge:
    forge = findings.forge
    if forge.repository_id is None or forge.repository_url is None or forge.web_url is None:
        raise LookupError("the first look at GitLab did not find the forge")
    return _Forge(
        repository_id=forge.repository_id,
        repository_url=forge.repository_url,
        web_url=forge.web_url,
        identity=forge.identity,
    )


def _connect_argocd(settings: Settings, forge: _Forge) -> ArgoCD:
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
