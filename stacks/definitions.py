"""Whether the cluster knows the kinds of objects that a stack declares and that somebody else installs."""

from __future__ import annotations

import httpx2
import lightkube
from lightkube.core.exceptions import ApiError
from lightkube.generic_resource import create_global_resource

from components.vocabulary import KUEUE
from components.workloads.kueue import API_VERSION, VERSION, cluster_queue_name
from components.workloads.queues import QueueType
from stacks.problems import ConfigurationError
from stacks.settings import Settings

__all__ = ["check_kueue"]

_QUEUE = create_global_resource(KUEUE, VERSION, "ClusterQueue", "clusterqueues")


def check_kueue(where: str, client: lightkube.Client, settings: Settings) -> None:
    """Check that Kueue is there, if the stack's batch queues are Kueue's.

    Args:
        where: what people call the cluster's API.
        client: of the cluster.
        settings: the stack's.

    Raises:
        ConfigurationError: when it is not.
        ApiError: when the API server answers otherwise than it should.
        httpx2.HTTPError: when it does not answer.
    """
    if settings.stack.workloads.type is not QueueType.KUEUE:
        return
    try:
        client.get(_QUEUE, cluster_queue_name(settings.environment))
    except ApiError as error:
        # The kind is known, and the queue is not there yet; or the user may not see it, which the update will tell.
        if error.status.code not in (403, 404):
            raise
    except httpx2.HTTPStatusError as error:
        # Of a kind that it does not know, the API server answers without the object that tells why.
        if error.response.status_code != 404:
            raise
        raise ConfigurationError.of(
            where,
            f"it does not serve {API_VERSION}",
            "with bighpc:workloads.type kueue, Kueue is there before the stack is",
            "install Kueue (0.3 or newer), or leave jobs to the scheduler: "
            "pulumi config set --path bighpc:workloads.type none",
        ) from None
