"""What of the fleet a stack runs, and whether the stack's settings fit the fleet."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from components.argocd.application_spec import ArgoApplicationSpec
from components.gitlab.agent_cluster_spec import agent_application
from components.invariants.delivery import SYSTEM_NAMESPACES
from components.jupyterhub.configuration import jupyterhub_application
from components.kubernetes.rule_spec import namespace_violations
from components.kubernetes.testbed import testbed_violations
from components.monitoring.delivery import monitoring_application
from stacks.charts import Installed, check_charts
from stacks.environments import Environment
from stacks.fleet_model import Fleet
from stacks.images import check_images
from stacks.jupyterhub_profiles import check_jupyterhub
from stacks.monitoring_files import check_monitoring
from stacks.names import check_names
from stacks.optional_settings import OptionalSettings
from stacks.problems import Collector, show
from stacks.settings import StackSettings

__all__ = ["select"]


def select(fleet: Fleet, settings: StackSettings, environment: Environment, where: str) -> Fleet:
    """Return the fleet with the applications of one stack.

    Args:
        fleet: the whole fleet.
        settings: the stack's settings.
        environment: the stack's environment.
        where: the file that the settings came from.

    Raises:
        ConfigurationError: with everything in which settings and fleet contradict each other.
    """
    collector = Collector()
    _check_settings(fleet, settings, environment, where, collector)
    here = {
        name
        for name, spec in fleet.applications.items()
        # The owner of the forge makes sets, also those that leave out its own environment.
        if environment in spec.environments or (spec.application_set and settings.forge.owner)
    }
    chosen = settings.applications
    _check_applications(chosen or (), here, where, environment, collector)
    if settings.forge.owner:
        _check_hook_tokens(fleet, settings, where, collector)
        _check_secrets(fleet, settings, where, collector)
    names = here if chosen is None else set(chosen)
    applications = {name: spec for name, spec in fleet.applications.items() if name in names}
    _check_windows(applications, settings, environment, where, collector)
    check_charts(
        settings.charts, _installed(applications, fleet, settings, environment, where), environment, where, collector
    )
    collector.close()
    return replace(fleet, applications=applications)


def _check_settings(
    fleet: Fleet, settings: StackSettings, environment: Environment, where: str, collector: Collector
) -> None:
    collector.refuse_all(f"{where}, testbed", testbed_violations(settings.testbed, environment.namespace))
    for namespace, rules in settings.operator.rights.items():
        found = namespace_violations("the operator", namespace, rules)
        collector.refuse_all(f"{where}, operator.rights.{namespace}", found)
    check_names(settings, where, collector)
    _check_namespaces(fleet, settings, environment, where, collector)
    check_images(settings.images, where, collector)
    check_jupyterhub(settings.jupyterhub, settings.testbed.hardware, where, collector)
    check_monitoring(settings.monitoring, fleet.applications, where, collector)


def _installed(
    applications: Mapping[str, ArgoApplicationSpec],
    fleet: Fleet,
    settings: StackSettings,
    environment: Environment,
    where: str,
) -> Iterator[Installed]:
    """Yield everything that Argo CD may install as a chart."""
    for name, spec in applications.items():
        yield Installed(where=f"stacks/applications/{name}.yaml", application=spec)
    agent = fleet.agents.environments.get(environment) if fleet.agents else None
    if agent is not None and agent.cluster.chart is not None:
        application = agent_application(agent.cluster.chart, settings.testbed.owner)
        yield Installed(where=f"stacks/agents.yaml, environments.{environment}.cluster.chart", application=application)
    if settings.monitoring is not None:
        application = monitoring_application(
            settings.monitoring, environment=environment.value, owner=settings.testbed.owner, rules={}
        )
        yield Installed(where=f"{where}, monitoring.chart", application=application)
    if settings.jupyterhub is not None:
        # Only the values' names are looked at, and these do not depend on GitLab's address.
        application = jupyterhub_application(
            settings.jupyterhub,
            "https://gitlab.example.org",
            settings.testbed.hardware,
            environment=environment.value,
            owner=settings.testbed.owner,
        )
        yield Installed(where=f"{where}, jupyterhub.chart", application=application)


def _check_namespaces(
    fleet: Fleet, settings: StackSettings, environment: Environment, where: str, collector: Collector
) -> None:
    taken = dict.fromkeys(SYSTEM_NAMESPACES - {settings.argocd.namespace}, "the cluster")
    taken |= {environment.namespace: f"the applications of {environment}", settings.argocd.namespace: "Argo CD"}
    for place, namespace in _namespaces(fleet, settings, environment, where):
        if namespace in taken:
            collector.refuse(
                place,
                f"value {show(namespace)}",
                f"everything has a namespace to itself; this one belongs to {taken[namespace]}",
                "use another namespace, or leave it to the default",
            )
        taken.setdefault(namespace, place)


def _namespaces(
    fleet: Fleet, settings: StackSettings, environment: Environment, where: str
) -> Iterator[tuple[str, str]]:
    """Yield the namespaces of everything that has one to itself, each after the key that names it."""
    yield f"{where}, operator.namespace", settings.operator.namespace
    agent = fleet.agents.environments.get(environment) if fleet.agents else None
    if agent is not None:
        yield f"stacks/agents.yaml, environments.{environment}.cluster.namespace", agent.namespace
    for name in OptionalSettings.model_fields:
        namespace_in = getattr(getattr(settings, name), "namespace_in", None)
        if namespace_in is not None:
            yield f"{where}, {name}.namespace", namespace_in(environment.value)


def _check_windows(
    applications: Collection[str], settings: StackSettings, environment: Environment, where: str, collector: Collector
) -> None:
    names = [f"{name}-{environment}" for name in applications]
    for number, window in enumerate(settings.argocd.windows):
        for position, pattern in enumerate(window.applications):
            if pattern != "*" and not fnmatch.filter(names, pattern):
                collector.refuse(
                    f"{where}, argocd.windows.{number}.applications.{position}",
                    f"value {show(pattern)}",
                    f"the name of an Application of {environment}: {', '.join(sorted(names)) or 'there is none'}",
                    "use one of them, or '*' for any text",
                )


def _check_applications(
    chosen: tuple[str, ...], here: set[str], where: str, environment: Environment, collector: Collector
) -> None:
    for position, name in enumerate(chosen):
        if name not in here:
            collector.refuse(
                f"{where}, applications.{position}",
                f"value {show(name)}",
                f"an application of {environment}: {', '.join(sorted(here)) or 'there is none'}",
                f"use one of them, or add stacks/applications/{name}.yaml with {environment} among its environments",
            )


def _check_hook_tokens(fleet: Fleet, settings: StackSettings, where: str, collector: Collector) -> None:
    hooks = {f"{name}/{hook}" for name, spec in fleet.projects.items() for hook in spec.hooks}
    for hook in sorted(hooks - settings.hook_tokens.keys()):
        collector.refuse(
            f"{where}, hookTokens.{hook}",
            "nothing is set",
            "every hook has a secret token, by which its receiver knows that GitLab calls",
            f"pulumi config set --secret --path 'bighpc:hookTokens[\"{hook}\"]'",
        )
    for hook in sorted(settings.hook_tokens.keys() - hooks):
        collector.refuse(
            f"{where}, hookTokens.{hook}",
            f"unknown hook {show(hook)}",
            f"a hook of the fleet as <project>/<hook>: {', '.join(sorted(hooks)) or 'there is none'}",
            "use one of them, or remove the token",
        )


def _check_secrets(fleet: Fleet, settings: StackSettings, where: str, collector: Collector) -> None:
    variables = [*fleet.group.variables.values()]
    variables += [variable for spec in fleet.projects.values() for variable in spec.variables.values()]
    named = {variable.secret for variable in variables if variable.secret}
    for secret in sorted(named - settings.secrets.keys()):
        collector.refuse(
            f"{where}, secrets.{secret}",
            "nothing is set",
            "a CI/CD variable of the fleet takes its value from there",
            f"pulumi config set --secret --path 'bighpc:secrets[\"{secret}\"]'",
        )
    for secret in sorted(settings.secrets.keys() - named):
        collector.refuse(
            f"{where}, secrets.{secret}",
            f"unknown secret {show(secret)}",
            f"a secret that a variable of the fleet names: {', '.join(sorted(named)) or 'there is none'}",
            "use one of them, or remove the secret",
        )
