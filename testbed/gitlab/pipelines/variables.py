"""The variables of pipelines and jobs: where they come from, which one wins, and how they refer to each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import lineage
from testbed.gitlab.core.wildcards import matches
from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines import predefined
from testbed.gitlab.pipelines.inheriting import sources_of
from testbed.gitlab.pipelines.kubeconfig import kubeconfig
from testbed.gitlab.pipelines.reports import dotenv_of
from testbed.gitlab.store import Job, Pipeline, Project, Variable

__all__ = ["CiVariable", "PipelineVariables", "expand", "for_runner", "from_yaml", "of_job", "values"]

_REFERENCE = re.compile(r"\$(?:\$|\{(?P<braced>[A-Za-z_]\w*)\}|(?P<bare>[A-Za-z_]\w*))", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class CiVariable:
    """One variable, in the runner protocol's terms."""

    key: str
    value: str
    public: bool = True
    file: bool = False
    masked: bool = False
    raw: bool = False

    def entity(self) -> dict[str, Any]:
        """As the runner protocol has it."""
        return {
            "key": self.key,
            "value": self.value,
            "public": self.public,
            "file": self.file,
            "masked": self.masked,
            "raw": self.raw,
        }


def for_runner(
    forge: Forge, session: Session, project: Project, job: Job, token: str | None = None
) -> list[dict[str, Any]]:
    """What a runner is sent with a job, references filled in."""
    secret = predefined.of_token(forge, project, token) if token else {}
    found = [CiVariable(key=key, value=value, public=False, masked=True) for key, value in secret.items()]
    mine = of_job(forge, session, job)
    # What a project says about its own cluster wins over the agents.
    if token and all(each.key != "KUBECONFIG" for each in mine):
        content = kubeconfig(forge, session, job, token)
        if content is not None:
            found.append(CiVariable(key="KUBECONFIG", value=content, public=False, file=True))
    return [each.entity() for each in filled_in([*found, *mine])]


class PipelineVariables:
    """The variables that rules of one pipeline see, whatever its configuration adds."""

    def __init__(self, forge: Forge, session: Session, pipeline: Pipeline) -> None:
        self._low = _public(predefined.of_pipeline(forge, session, pipeline))
        self._high = [*_stored(session, pipeline, None), *_given(pipeline)]

    def values(self, yaml: Mapping[str, Any], more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Keys and values, given the configuration's variables and what else is predefined."""
        return values(_winners(self._low, _public(more or {}), from_yaml(yaml), self._high))


def of_job(forge: Forge, session: Session, job: Job) -> list[CiVariable]:
    """All variables of a job but those that hold its token, the later source winning over the earlier."""
    pipeline = job.pipeline
    environment = job.environment.name if job.environment is not None else None
    return _winners(
        _public(predefined.of_pipeline(forge, session, pipeline)),
        _public(predefined.of_job(forge, session, job)),
        from_yaml(job.options.get("variables", {})),
        _from_dotenv(forge, session, job),
        _stored(session, pipeline, environment),
        _given(pipeline),
        _public(job.options.get("played_with", {})),
    )


def from_yaml(variables: Mapping[str, Any]) -> list[CiVariable]:
    """The variables of a configuration: plain values, or mappings with ``value`` and ``expand``."""
    found = []
    for key, value in variables.items():
        facts = value if isinstance(value, dict) else {"value": value}
        text = facts.get("value")
        raw = facts.get("expand") is False
        found.append(CiVariable(key=key, value="" if text is None else str(text), raw=raw))
    return found


def values(variables: Iterable[CiVariable]) -> dict[str, str]:
    """Keys and values, references filled in."""
    return {each.key: each.value for each in filled_in(list(variables))}


def expand(text: str, known: Mapping[str, str]) -> str:
    """A text with its references filled in; what is unknown is empty."""

    def value(match: re.Match[str]) -> str:
        name = match["braced"] or match["bare"]
        return known.get(name, "") if name else "$"

    return _REFERENCE.sub(value, text)


def filled_in(variables: list[CiVariable]) -> list[CiVariable]:
    """The variables with references to each other replaced; unknown, file and circular ones are left alone."""
    known = {each.key: each for each in variables}

    def resolve(each: CiVariable, above: frozenset[str]) -> str:
        if each.raw or "$" not in each.value:
            return each.value

        def replacement(match: re.Match[str]) -> str:
            target = known.get(match["braced"] or match["bare"] or "")
            if target is None or target.file or target.key in above:
                return match[0]
            return resolve(target, above | {target.key})

        return _REFERENCE.sub(replacement, each.value)

    return [replace(each, value=resolve(each, frozenset({each.key}))) for each in variables]


def _winners(*sources: Iterable[CiVariable]) -> list[CiVariable]:
    found: dict[str, CiVariable] = {}
    for source in sources:
        for each in source:
            found.pop(each.key, None)
            found[each.key] = each
    return list(found.values())


def _public(variables: Mapping[str, str]) -> list[CiVariable]:
    return [CiVariable(key=key, value=value) for key, value in variables.items()]


def _given(pipeline: Pipeline) -> list[CiVariable]:
    """What was given when the pipeline was started."""
    return [
        CiVariable(
            key=key,
            value=str(facts["value"]),
            public=False,
            file=facts.get("variable_type") == "file",
            raw=bool(facts.get("raw")),
        )
        for key, facts in pipeline.variables.items()
    ]


def _stored(session: Session, pipeline: Pipeline, environment: str | None) -> list[CiVariable]:
    """The variables of groups and project: from far to near, from general to particular scopes."""
    containers = lineage(pipeline.project)
    rows = list(session.scalars(select(Variable).where(Variable.of(*containers))))
    usable = [
        row
        for row in rows
        if (pipeline.protected or not row.protected) and _in_scope(row.environment_scope, environment)
    ]
    distance = {container: index for index, container in enumerate(containers)}
    usable.sort(key=lambda row: (-distance[row.container], len(row.environment_scope.replace("*", "")), row.id))
    return [
        CiVariable(
            key=row.key,
            value=row.value,
            public=False,
            file=row.variable_type == "file",
            masked=row.masked,
            raw=row.raw,
        )
        for row in usable
    ]


def _in_scope(scope: str, environment: str | None) -> bool:
    return scope == "*" or (environment is not None and matches(scope, environment))


def _from_dotenv(forge: Forge, session: Session, job: Job) -> list[CiVariable]:
    found: dict[str, str] = {}
    for source in sources_of(session, job):
        found |= dotenv_of(forge.settings, source)
    return [CiVariable(key=key, value=value, public=False) for key, value in found.items()]
