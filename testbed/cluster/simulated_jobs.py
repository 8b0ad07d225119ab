"""How long pods of Jobs seem to run on simulated nodes, and how they end: stages for KWOK. Pure.

KWOK's own stage ends them at once, or after a delay that begins anew whenever somebody touches the pod or KWOK starts
again. These count from when the pod got its node, as wall time does.
"""

from __future__ import annotations

from typing import Any, Final

import yaml

__all__ = ["DEFAULT_SECONDS", "SIMULATED_SECONDS", "SIMULATED_WORD", "job_stages"]

SIMULATED_SECONDS: Final = "bighpc.io/simulated-seconds"
"""Annotation of pods: for how many seconds they seem to run on a simulated node."""

DEFAULT_SECONDS: Final = 5
"""When a pod does not say."""

SIMULATED_WORD: Final = "simulated"
"""With what the message in the status of these pods begins."""

_STARTED: Final = "(.status.startTime | fromdate)"
_OF_A_JOB: Final = 'any(.metadata.ownerReferences[]?; .kind == "Job")'
_SECONDS: Final = f'([(.metadata.annotations["{SIMULATED_SECONDS}"] | tonumber?) // {DEFAULT_SECONDS}, 0] | max)'
_TOO_LONG: Final = (
    f".spec.activeDeadlineSeconds != null and (({_OF_A_JOB} | not) or {_SECONDS} > .spec.activeDeadlineSeconds)"
)


def job_stages() -> str:
    """Return the stages as YAML: pods of Jobs complete, and all pods end with their deadline, as a kubelet does it."""
    complete = _stage(
        "pod-complete",
        f"{_OF_A_JOB} and ({_TOO_LONG} | not)",
        f"{_STARTED} + {_SECONDS}",
        _status("Succeeded", "Completed", 0, f"message: '{SIMULATED_WORD}, no container ran'"),
    )
    deadline = _stage(
        "pod-deadline",
        _TOO_LONG,
        f"{_STARTED} + .spec.activeDeadlineSeconds",
        _status(
            "Failed",
            "Error",
            # What a process ends with that SIGKILL has ended.
            137,
            "reason: DeadlineExceeded\n"
            f"message: '{SIMULATED_WORD}, no container ran; it was active for longer than its deadline'",
        ),
    )
    return yaml.safe_dump_all([complete, deadline], sort_keys=False)


def _stage(name: str, condition: str, end: str, status: str) -> dict[str, Any]:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
            "selector": {
                "matchExpressions": [
                    {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"},
                    {"key": ".status.phase", "operator": "In", "values": ["Running"]},
                    {"key": condition, "operator": "In", "values": ["true"]},
                ]
            },
            # A time, not a duration: whoever counts anew comes to the same end.
            "delay": {"durationMilliseconds": 0, "durationFrom": {"expressionFrom": f"{end} | todate"}},
            "next": {"statusTemplate": status},
        },
    }


def _status(phase: str, reason: str, code: int, more: str) -> str:
    return f"""{{{{ $now := Now }}}}
{{{{ $root := . }}}}
conditions:
- {{type: Ready, status: "False", reason: PodCompleted, lastTransitionTime: {{{{ $now | Quote }}}}}}
- {{type: ContainersReady, status: "False", reason: PodCompleted, lastTransitionTime: {{{{ $now | Quote }}}}}}
containerStatuses:
{{{{ range $index, $item := .spec.containers }}}}
{{{{ $before := index $root.status.containerStatuses $index }}}}
- name: {{{{ $item.name | Quote }}}}
  image: {{{{ $item.image | Quote }}}}
  ready: false
  restartCount: 0
  started: false
  state:
    running: null
    terminated:
      exitCode: {code}
      reason: {reason}
      startedAt: {{{{ $before.state.running.startedAt | Quote }}}}
      finishedAt: {{{{ $now | Quote }}}}
{{{{ end }}}}
phase: {phase}
{more}
"""
