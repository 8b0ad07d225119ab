"""The labels that every Kubernetes object of the platform carries."""

from __future__ import annotations

from components.vocabulary import ENVIRONMENT_LABEL, MANAGER, OWNER_LABEL, PRODUCT

__all__ = ["object_labels"]


def object_labels(*, name: str, component: str, environment: str, owner: str) -> dict[str, str]:
    """Return the recommended labels, plus the environment and who answers for the object.

    Args:
        name: the application, or the part of the platform, that the object is of.
        component: its role, such as ``testbed`` or ``delivery``.
        environment: the environment it belongs to.
        owner: the team that answers for it.
    """
    return {
        "app.kubernetes.io/name": name,
        # Of the platform, not of an application: with label tracking, Argo CD would take the object for one of its own.
        "app.kubernetes.io/instance": f"{PRODUCT}-{environment}",
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": PRODUCT,
        "app.kubernetes.io/managed-by": MANAGER,
        ENVIRONMENT_LABEL: environment,
        OWNER_LABEL: owner,
    }
