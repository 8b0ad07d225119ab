"""What delivers into the cluster, as host processes: Argo CD, a page of it, and the Pulumi Kubernetes Operator."""

from functools import partial

from testbed.context import Context
from testbed.delivery.applications_page import page_items
from testbed.delivery.metrics import metrics_relay
from testbed.delivery.objects import apply
from testbed.delivery.services import OBJECTS, processes
from testbed.delivery.user_interfaces import gateway
from testbed.processes import Process
from testbed.startup import Task

__all__ = ["delivery"]


def delivery(context: Context) -> list[Process | Task]:
    """Their objects in the cluster and the processes themselves."""
    return [
        Task(name=OBJECTS, run=partial(apply, context), after=("kube-apiserver",)),
        *processes(context),
        *page_items(context),
        *metrics_relay(context),
        *gateway(context),
    ]
