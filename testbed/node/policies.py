"""NetworkPolicies on the real node: upstream's controller judges the first packet of each connection.

The kernel queues the packet for it. Upstream asks for that with an expression of nftables that some kernels lack, so
the rule here is the older one of iptables, which all of them know that know one of both.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from testbed.cluster.nodes import NODE_NAME
from testbed.cluster.objects import POLICIES_USER
from testbed.commands import run, succeeds
from testbed.context import Context
from testbed.errors import UserError
from testbed.node.namespaces import enter
from testbed.probes import http_probe
from testbed.processes import Process
from testbed.startup import Task

__all__ = ["obstacle", "policy_items"]

_TOOL = "kube-network-policies"
_RULES = "network-policy-rules"
_PORT = 10258
_QUEUE = 100
_TO_QUEUE = ("-A", "FORWARD", "-j", "NFQUEUE", "--queue-num", str(_QUEUE), "--queue-bypass")
"""While nobody listens to the queue, its packets pass: a controller that starts anew cuts nobody off."""
_QUEUES = Path("/proc/self/net/netfilter/nfnetlink_queue")


def obstacle() -> str | None:
    """Why NetworkPolicies cannot be enforced on this machine, or None when they can."""
    if not _QUEUES.exists() and not succeeds("modprobe", "nfnetlink_queue"):
        return "this kernel has no packet queues (module nfnetlink_queue)"
    try:
        # In a network namespace that lasts as long as the trial.
        run("unshare", "--net", "iptables", *_TO_QUEUE)
    except UserError:
        return "this kernel or iptables lacks the target NFQUEUE (module xt_NFQUEUE)"
    return None


def policy_items(context: Context) -> list[Process | Task]:
    """The controller, and the task that has the kernel ask it; nothing where the kernel cannot."""
    if obstacle() is not None:
        return []
    kubeconfig = context.kubeconfig(_TOOL, user=POLICIES_USER)
    address = f"{context.network.node}:{_PORT}"
    return [
        Process(
            name=_TOOL,
            command=(
                *enter(context.layout),
                str(context.tools.path(_TOOL)),
                f"--kubeconfig={kubeconfig}",
                f"--node={NODE_NAME}",
                f"--queue={_QUEUE}",
                f"--listen={address}",
            ),
            version=context.tools.version(_TOOL),
            probe=http_probe(f"http://{address}/healthz"),
            files=(kubeconfig,),
            note="NetworkPolicies are enforced",
            after=("cluster-objects", "node-link"),
        ),
        Task(name=_RULES, run=partial(_hand_over, context), after=(_TOOL,)),
    ]


def _hand_over(context: Context) -> None:
    """Queue the first packet of every connection that the node forwards: those from pods, to pods, or both.

    Raises:
        UserError: when the kernel refuses.
    """
    rules = [
        # Nobody else forwards anything in this namespace.
        "-F FORWARD",
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        # CoreDNS is no pod here, so that no policy can name it.
        *(
            f"-A FORWARD -d {context.network.host} -p {protocol} --dport {context.ports['coredns']} -j ACCEPT"
            for protocol in ("udp", "tcp")
        ),
        " ".join(_TO_QUEUE),
    ]
    given = "\n".join(["*filter", *rules, "COMMIT", ""])
    run(*enter(context.layout), "iptables-restore", "--noflush", given=given)
