"""What a service's namespace has for its pods before they are there: a way in for browsers, and volumes."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes.core.v1 as core
import pulumi_kubernetes.meta.v1 as meta
import pulumi_kubernetes.networking.v1 as networking

from components.kubernetes.enclosure import Enclosure
from components.kubernetes.exposure_spec import IngressSpec, VolumeSpec

__all__ = ["create_claim", "create_ingress"]


def create_ingress(
    enclosure: Enclosure, namespace: core.Namespace, spec: IngressSpec, *, name: str, host: str, service: str
) -> None:
    """Lead browsers to the port ``http`` of a service.

    Args:
        enclosure: of the service.
        namespace: where the service is.
        spec: the ingress controller, and the certificate.
        name: of the Ingress.
        host: what browsers call it.
        service: the service's name.
    """
    port = networking.ServiceBackendPortArgs(name="http")
    backend = networking.IngressBackendArgs(service=networking.IngressServiceBackendArgs(name=service, port=port))
    path = networking.HTTPIngressPathArgs(path="/", path_type="Prefix", backend=backend)
    networking.Ingress(
        f"{enclosure.prefix}-ingress",
        metadata=_unawaited(enclosure, namespace, name),
        spec=networking.IngressSpecArgs(
            ingress_class_name=spec.class_name,
            tls=[networking.IngressTLSArgs(hosts=[host], secret_name=spec.tls_secret)],
            rules=[networking.IngressRuleArgs(host=host, http=networking.HTTPIngressRuleValueArgs(paths=[path]))],
        ),
        opts=enclosure.options,
    )


def create_claim(
    enclosure: Enclosure, namespace: core.Namespace, name: str, volume: VolumeSpec, *, shared: bool = False
) -> core.PersistentVolumeClaim:
    """Claim a volume, which ``pulumi destroy`` refuses to delete.

    Args:
        enclosure: of the service.
        namespace: where the service is.
        name: of the claim.
        volume: what is claimed.
        shared: whether pods of several nodes write to it.
    """
    return core.PersistentVolumeClaim(
        f"{enclosure.prefix}-{name}",
        metadata=_unawaited(enclosure, namespace, name),
        spec=core.PersistentVolumeClaimSpecArgs(
            access_modes=["ReadWriteMany" if shared else "ReadWriteOnce"],
            storage_class_name=volume.storage_class,
            resources=core.VolumeResourceRequirementsArgs(requests={"storage": volume.size}),
        ),
        opts=pulumi.ResourceOptions.merge(enclosure.options, pulumi.ResourceOptions(protect=True)),
    )


def _unawaited(enclosure: Enclosure, namespace: core.Namespace, name: str) -> meta.ObjectMetaArgs:
    # Volumes are bound, and ingresses called ready, for a pod, which Argo CD brings later.
    metadata = enclosure.metadata(name, namespace)
    metadata.annotations = {"pulumi.com/skipAwait": "true"}
    return metadata
