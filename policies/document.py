"""The page about the rules, written from the rules: ``python -m policies.document > docs/policies.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from policies.pack import RULES
from policies.rule import Rule
from policies.stack_rule import StackRule

__all__ = ["render"]

_HEAD = """\
# Policies

What must hold before anything is deployed. `python -m policies.document > docs/policies.md` writes this page from the
rules, and a test keeps it current.

```sh
pulumi preview --stack dev --policy-pack policies        # before a merge; pulumi up takes the same option
# What is recorded, without running the program; the engine does not tell the policies which stack that is.
PULUMI_STACK=prod pulumi policy analyze --stack prod --policy-pack policies
```

- **Mandatory** stops a preview or an update. **Remediate** is put right where the right value is certain, which the
  preview shows, and otherwise stops. **Advisory** is shown. A stack that is no environment is judged as production.
- The predicates are in `components/invariants/`. Constructors call those that concern them too, so that an update
  without the pack does not get past them.
- A value that a preview does not know yet is judged by the update; what stands beside it is judged at once.
- Configuration (`--policy-pack-config`) only makes a rule stricter: its schema has no room for more. A level lower than
  the rule's own is refused in production.
- What has to break a rule is listed in `policies/exemptions.yaml`, with the reason, the owner and the end. Every review
  shows what is exempt; an entry that expired, or lacks a reason, is a violation itself.

"""

_GROUPS = {
    "gitlab": "GitLab",
    "kubernetes": "Kubernetes",
    "argocd": "Argo CD",
    "operator": "Pulumi Kubernetes Operator",
    "stack": "The stack as a whole",
}


def _levels(rule: Rule | StackRule) -> str:
    levels = [level.value for level in rule.levels]
    if len(set(levels)) == 1:
        return levels[0]
    return ", ".join(f"{name}: {level}" for name, level in zip(rule.levels._fields, levels, strict=True))


def _settings(rule: Rule | StackRule) -> str:
    return "".join(
        f" `{key}`: {schema['minimum']} to {schema['maximum']}, {schema['default']} by default."
        for key, schema in rule.settings.items()
    )


def _rows(group: str) -> Iterator[str]:
    for rule in sorted(RULES, key=lambda rule: rule.name):
        if rule.name.partition("-")[0] == group:
            sources = ", ".join(f"[{source.title}]({source.url})" for source in rule.sources)
            yield (
                f"| `{rule.name}` | {rule.invariant.rule}{_settings(rule)} | {rule.invariant.remedy} "
                f"| {rule.severity.value} | {_levels(rule)} | {sources} |"
            )


def render() -> str:
    """Return the page."""
    lines = [_HEAD.rstrip("\n"), "", f"There are {len(RULES)} rules."]
    for group, title in _GROUPS.items():
        lines += ["", f"## {title}", "", "| rule | what holds | remedy | severity | level | sources |"]
        lines += ["|---|---|---|---|---|---|", *_rows(group)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
