"""Starting pipelines at once: whoever asks through the API is told what is wrong with the configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pygit2

from testbed.gitlab.core.access import level_of
from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import ApiError, forbidden, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.pipelines.compiling import compile_pipeline
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.pipelines.starting import Occasion, draft, has_configuration, note
from testbed.gitlab.pipelines.storing import keep
from testbed.gitlab.repositories.policy import push_policy
from testbed.gitlab.repositories.rules import BRANCHES, TAGS
from testbed.gitlab.store import Pipeline, Project

__all__ = ["Wanted", "given_variables", "launch", "may_set_variables"]

_ROLES = {"developer": Level.DEVELOPER, "maintainer": Level.MAINTAINER, "owner": Level.OWNER}


def given_variables(variables: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Variables of a request, as pipelines keep them."""
    return {
        str(each["key"]): {
            "value": str(each.get("value", "")),
            "variable_type": each.get("variable_type", "env_var"),
            "raw": False,
        }
        for each in variables
    }


def may_set_variables(project: Project, level: Level) -> bool:
    """Whether a role suffices to start pipelines with variables of one's own."""
    wanted = setting(project, "ci_pipeline_variables_minimum_override_role")
    return wanted in _ROLES and level >= _ROLES[wanted]


def refusal(*reasons: str) -> ApiError:
    """400 as GitLab refuses to create a pipeline."""
    return rejected(400, {"base": list(reasons)})


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody asks for."""

    ref: str
    """A branch or a tag, with its full name or without."""
    source: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    """As `given_variables` makes them."""
    inputs: Mapping[str, Any] = field(default_factory=dict)


class _Order:
    """A pipeline that somebody wants now: checked, compiled, then stored in a transaction of its own."""

    def __init__(self, call: Call, project: Project, actor: Actor, wanted: Wanted) -> None:
        self._call = call
        self._project = project
        self._actor = actor
        self._wanted = wanted
        self._tag, self._ref, self._commit = self._resolved(wanted.ref)

    def launch(self) -> int:
        """Start the pipeline.

        Returns:
            Its number.

        Raises:
            ApiError: 400 when there is no configuration, it is wrong, or leaves no job.
        """
        call, project = self._call, self._project
        if not has_configuration(project, self._commit):
            raise refusal("Missing CI config file")
        occasion = Occasion(
            source=self._wanted.source,
            ref=self._ref,
            sha=str(self._commit.id),
            tag=self._tag,
            variables=self._wanted.variables,
            inputs=self._wanted.inputs,
        )
        drafted = draft(call.session, project, self._actor.user, occasion)
        compiled = compile_pipeline(call.forge, call.session, drafted)
        if compiled.errors or compiled.filtered:
            raise refusal(*(compiled.errors or [compiled.filtered or ""]))
        with call.forge.database.write() as session:
            pipeline = note(call.forge, session, drafted)
            keep(call.forge, session, pipeline, compiled)
            return pipeline.id

    def check_ref(self) -> None:
        """Demand that the actor may run pipelines on a protected ref.

        Raises:
            ApiError: 400 otherwise.
        """
        policy = push_policy(self._call.session, self._actor, self._project)
        rules = policy.matching("tag" if self._tag else "branch", self._ref)
        if rules and not any(rule.push or rule.merge for rule in rules):
            raise refusal(
                f"You do not have sufficient permission to run a pipeline on '{self._ref}'. Please select a different "
                "branch or contact your administrator for assistance."
            )

    def _resolved(self, ref: str) -> tuple[bool, str, pygit2.Commit]:
        repository = self._call.forge.storage.open(self._project.id)
        for tag, prefix in ((False, BRANCHES), (True, TAGS)):
            name = ref.removeprefix(prefix)
            if prefix + name in repository.references:
                commit = repository.references[prefix + name].peel(pygit2.Commit)
                return tag, name, commit
        raise refusal("Reference not found")


def launch(
    call: Call, project: Project, actor: Actor, wanted: Wanted, render: Callable[[Call, Pipeline], dict[str, Any]]
) -> dict[str, Any]:
    """Start a pipeline on behalf of somebody, and render it.

    The call's session is for reading (`Endpoint.reading`): compiling takes seconds, and nobody else could write.

    Raises:
        ApiError: 400 or 403, in GitLab's words.
    """
    level = level_of(call.session, actor, project)
    if project.archived or level < Level.DEVELOPER:
        raise forbidden()
    if wanted.variables and not may_set_variables(project, level):
        raise refusal("Insufficient permissions to set pipeline variables")
    order = _Order(call, project, actor, wanted)
    order.check_ref()
    number = order.launch()
    with call.forge.database.read() as session:
        return render(replace(call, session=session), session.get_one(Pipeline, number))
