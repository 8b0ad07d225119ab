"""The services that a stack has only if it asks for them: how each is wired, and where the operator finds it."""

from __future__ import annotations

from collections.abc import Iterator

import pulumi

from components.argocd.application import ArgoApplication, ArgoApplicationArgs
from components.argocd.application_spec import ArgoApplicationSpec
from components.argocd.parts import service_secret
from components.argocd.service import ServiceSite
from components.image.image import ContainerImage, ContainerImageArgs
from components.jupyterhub.configuration import HUB_SECRET, JUPYTERHUB, SETTINGS, jupyterhub_application
from components.jupyterhub.jupyterhub import JupyterHub, JupyterHubArgs
from components.monitoring.delivery import ALERTMANAGER_SECRET, GRAFANA_SECRET, MONITORING, monitoring_application
from components.monitoring.monitoring import Monitoring, MonitoringArgs
from components.ondemand.configuration import ONDEMAND, ondemand_application
from components.ondemand.ondemand import PORTAL_SECRET, OpenOnDemand, OpenOnDemandArgs
from components.operator.access import ServicePlace
from stacks.forge import Forge
from stacks.monitoring_files import read_monitoring_files
from stacks.settings import Settings

__all__ = ["build_images", "deliver", "make_services", "service_places"]


def build_images(settings: Settings) -> dict[str, ContainerImage]:
    """Return the images that the stack builds, by name."""
    images = settings.stack.images
    if images is None:
        return {}
    return {
        name: ContainerImage(name, ContainerImageArgs(spec=spec, registry=images.registry, mirror=images.mirror))
        for name, spec in images.build.items()
    }


def make_services(settings: Settings, forge: Forge) -> dict[str, pulumi.Output[str]]:
    """Declare the services that the stack file names; returns their namespaces by name, known once they are there."""
    makers = (_make_monitoring, _make_jupyterhub, _make_ondemand)
    return {name: namespace for make in makers for name, namespace in make(settings, forge).items()}


def service_places(settings: Settings) -> tuple[ServicePlace, ...]:
    """Return the namespaces of the stack's services, with what the program keeps in them."""
    return (*_monitoring_places(settings), *_jupyterhub_places(settings), *_ondemand_places(settings))


def _monitoring_places(settings: Settings) -> Iterator[ServicePlace]:
    environment, spec = settings.environment.value, settings.stack.monitoring
    if spec is None:
        return
    secrets = ((ALERTMANAGER_SECRET, spec.alerts), (GRAFANA_SECRET, spec.grafana))
    dashboards = read_monitoring_files().chosen(spec)
    yield ServicePlace(
        namespace=spec.namespace_in(environment),
        config_maps=("prometheus", *(f"dashboard-{name}" for name in dashboards)),
        secrets=tuple(name for name, used in secrets if used),
        argocd_secrets=() if spec.chart else (service_secret(MONITORING, environment),),
        cluster_roles=(f"bighpc-monitoring-{environment}",) if spec.scrape.kubernetes else (),
    )


def _jupyterhub_places(settings: Settings) -> Iterator[ServicePlace]:
    environment, spec = settings.environment.value, settings.stack.jupyterhub
    if spec is None:
        return
    yield ServicePlace(
        namespace=spec.namespace_in(environment),
        config_maps=(SETTINGS,),
        secrets=(HUB_SECRET,),
        argocd_secrets=() if spec.chart else (service_secret(JUPYTERHUB, environment),),
        ingresses=(JUPYTERHUB,) if spec.ingress else (),
        volume_claims=("database",) if spec.database else (),
    )


def _ondemand_places(settings: Settings) -> Iterator[ServicePlace]:
    environment, spec = settings.environment.value, settings.stack.ondemand
    if spec is None:
        return
    yield ServicePlace(
        namespace=spec.namespace_in(environment),
        config_maps=("ondemand-clusters", "ondemand-dashboard"),
        secrets=(PORTAL_SECRET,),
        argocd_secrets=(service_secret(ONDEMAND, environment),),
        ingresses=("ondemand",),
        volume_claims=("homes",),
    )


def _make_monitoring(settings: Settings, forge: Forge) -> dict[str, pulumi.Output[str]]:
    spec, environment = settings.stack.monitoring, settings.environment.value
    if spec is None:
        return {}
    files, owner = read_monitoring_files(), settings.stack.testbed.owner
    monitoring = Monitoring(
        "monitoring",
        MonitoringArgs(
            spec=spec,
            rules=files.rules,
            dashboards=files.chosen(spec),
            site=_site(settings, forge),
            operator_namespace=settings.stack.operator.namespace,
        ),
    )
    application = monitoring_application(spec, environment=environment, owner=owner, rules=files.rules)
    deliver(
        "monitoring-delivery",
        settings,
        application,
        project=monitoring.project,
        repository_url=forge.repository_url,
        namespace=monitoring.namespace,
    )
    return {spec.namespace_in(environment): monitoring.namespace}


def _make_jupyterhub(settings: Settings, forge: Forge) -> dict[str, pulumi.Output[str]]:
    spec, environment = settings.stack.jupyterhub, settings.environment.value
    if spec is None:
        return {}
    owner, hardware = settings.stack.testbed.owner, settings.stack.testbed.hardware
    hub = JupyterHub(
        "jupyterhub",
        JupyterHubArgs(
            spec=spec,
            hardware=hardware,
            gitlab_url=settings.gitlab.url,
            site=_site(settings, forge),
        ),
    )
    deliver(
        "jupyterhub-delivery",
        settings,
        jupyterhub_application(spec, settings.gitlab.url, hardware, environment=environment, owner=owner),
        project=hub.project,
        repository_url=forge.repository_url,
        namespace=hub.namespace,
    )
    pulumi.export("jupyterhub", hub.url)
    return {spec.namespace_in(environment): hub.namespace}


def _make_ondemand(settings: Settings, forge: Forge) -> dict[str, pulumi.Output[str]]:
    spec, environment = settings.stack.ondemand, settings.environment.value
    if spec is None:
        return {}
    owner = settings.stack.testbed.owner
    portal = OpenOnDemand(
        "ondemand",
        OpenOnDemandArgs(
            spec=spec,
            gitlab_url=settings.gitlab.url,
            site=_site(settings, forge),
        ),
    )
    application = ondemand_application(spec, environment=environment, owner=owner)
    deliver(
        "ondemand-delivery",
        settings,
        application,
        project=portal.project,
        repository_url=forge.repository_url,
        namespace=portal.namespace,
    )
    pulumi.export("ondemand", portal.url)
    return {spec.namespace_in(environment): portal.namespace}


def _site(settings: Settings, forge: Forge) -> ServiceSite:
    return ServiceSite(
        environment=settings.environment.value,
        owner=settings.stack.testbed.owner,
        argocd_namespace=settings.stack.argocd.namespace,
        server=settings.stack.argocd.server,
        repository_id=forge.repository_id,
        repository_url=forge.repository_url,
    )


def deliver(
    name: str,
    settings: Settings,
    application: ArgoApplicationSpec,
    *,
    project: pulumi.Input[str],
    repository_url: pulumi.Input[str],
    namespace: pulumi.Input[str],
) -> None:
    """Let Argo CD deliver an application of the environment.

    Args:
        name: the resource's name.
        settings: what this run is told.
        application: what is delivered.
        project: the Argo CD project that may.
        repository_url: where git finds it, if it is no chart.
        namespace: where it goes.
    """
    ArgoApplication(
        name,
        ArgoApplicationArgs(
            spec=application,
            environment=settings.environment,
            branch=settings.environment.branch,
            server=settings.stack.argocd.server,
            argocd_namespace=settings.stack.argocd.namespace,
            project=project,
            repository_url=repository_url,
            namespace=namespace,
        ),
    )
