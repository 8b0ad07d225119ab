"""How a service is seen from outside of its cluster, what it runs and what it keeps, as data. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.invariants.workloads import image_has_a_registry, image_has_a_version
from components.naming import is_dns_subdomain
from components.spec import DnsLabel, Quantity, Spec, ruled

__all__ = ["Host", "Image", "IngressSpec", "Port", "VolumeSpec"]

Port = Annotated[int, Field(ge=1, le=65535)]
Host = Annotated[
    str,
    ruled(
        lambda value: "." in value and is_dns_subdomain(value),
        "the complete name of a host, without scheme, port and path",
        "use a name such as 'ondemand.example.org'",
    ),
]
Image = Annotated[
    str,
    ruled(
        lambda value: (
            not any(map(str.isspace, value))
            and not list(image_has_a_registry.find(value))
            and not list(image_has_a_version.find(value))
        ),
        "an image with its registry and a version's tag or a digest",
        "use an image such as 'registry.example.org/ondemand:4.0.6'",
    ),
]


class IngressSpec(Spec):
    """How browsers reach a service."""

    class_name: DnsLabel
    tls_secret: DnsLabel
    """The Secret with the certificate, in the service's namespace."""
    namespace: DnsLabel
    """Where the ingress controller runs: nobody else may call the service."""


class VolumeSpec(Spec):
    """A volume that outlives pods."""

    size: Quantity
    storage_class: DnsLabel
