"""What a stack file may hold for parts of the platform that a stack has only if it asks for them."""

from __future__ import annotations

from components.image.image_spec import ImagesSpec
from components.jupyterhub.jupyterhub_spec import JupyterHubSpec
from components.monitoring.monitoring_spec import MonitoringSpec
from components.ondemand.ondemand_spec import OpenOnDemandSpec
from components.spec import Spec
from stacks.charts import ChartsSettings

__all__ = ["OptionalSettings"]


class OptionalSettings(Spec):
    """Parts that are not there unless the stack file names them."""

    images: ImagesSpec | None = None
    """The container images that a Docker daemon builds; without it no daemon is asked for."""
    monitoring: MonitoringSpec | None = None
    """Prometheus with its rules and dashboards."""
    jupyterhub: JupyterHubSpec | None = None
    """Notebooks on the cluster."""
    ondemand: OpenOnDemandSpec | None = None
    """The clusters in a browser."""
    charts: ChartsSettings | None = None
    """Where charts are at hand, so that their values can be checked before anything changes."""
