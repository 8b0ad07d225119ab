"""Functions: what programs look up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from testbed.provider.api import Answer, Api
from testbed.provider.model import Function
from testbed.provider.values import Properties

__all__ = ["FUNCTIONS"]


def _camel_case(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


def _result(answer: Answer, renamed: Mapping[str, str] = MappingProxyType({})) -> Properties:
    """GitLab's description with the published names; its nested objects are the caller's to translate."""
    names = {field: renamed.get(field) or _camel_case(field) for field in answer}
    return {names[field]: value for field, value in answer.items() if not isinstance(value, dict)}


def _quote(value: Any) -> str:
    return quote(str(value), safe="")


def _group(api: Api, arguments: Properties) -> Properties:
    which = _one_of(arguments, "groupId", "fullPath")
    answer = api.get(f"/groups/{_quote(which)}", {"with_projects": "false"})
    answer.pop("projects", None)
    answer.pop("shared_projects", None)
    return _result(answer, {"visibility": "visibilityLevel"}) | {"groupId": answer["id"], "id": str(answer["id"])}


def _project(api: Api, arguments: Properties) -> Properties:
    answer = api.get(f"/projects/{_quote(_one_of(arguments, 'id', 'pathWithNamespace'))}")
    result = _result(answer, {"tag_list": "tagLists"}) | {
        "id": str(answer["id"]),
        "visibilityLevel": answer["visibility"],
    }
    return result | {"namespaceId": answer["namespace"]["id"]}


def _current_user(api: Api, _arguments: Properties) -> Properties:
    answer = api.get("/user")
    return {
        "id": str(answer["id"]),
        "globalId": f"gid://gitlab/User/{answer['id']}",
        "username": answer["username"],
        "name": answer["name"],
        "bot": bool(answer.get("bot", False)),
        "publicEmail": answer.get("public_email") or "",
        "namespaceId": "" if answer.get("namespace_id") is None else str(answer["namespace_id"]),
        "globalNamespaceId": f"gid://gitlab/Namespaces::UserNamespace/{answer.get('namespace_id')}",
        "groupCount": len(api.list("/groups", {"min_access_level": 10})),
    }


def _user(api: Api, arguments: Properties) -> Properties:
    key = _one_of(arguments, "userId", "username", "email")
    if "userId" in arguments:
        answer = api.get(f"/users/{_quote(key)}")
    else:
        field = "username" if "username" in arguments else "search"
        found = api.list("/users", {field: key})
        if len(found) != 1:
            raise LookupError(f"GitLab has {len(found)} users with {field} {key!r}; exactly one is needed")
        answer = found[0]
    return _result(answer, {"bot": "isBot"}) | {"userId": answer["id"], "id": str(answer["id"])}


def _one_of(arguments: Properties, *names: str) -> Any:
    given = [name for name in names if arguments.get(name) is not None]
    if len(given) != 1:
        raise ValueError(f"give exactly one of {', '.join(names)}")
    return arguments[given[0]]


def _commit(answer: Answer) -> Properties:
    return {name: value for name, value in _result(answer).items() if name not in {"webUrl", "createdAt", "trailers"}}


def _branch(api: Api, arguments: Properties) -> Properties:
    project, name = arguments["project"], arguments["name"]
    answer = api.get(f"/projects/{_quote(project)}/repository/branches/{_quote(name)}")
    renamed = {"developers_can_merge": "developerCanMerge", "developers_can_push": "developerCanPush"}
    found = {"project": str(project), "id": f"{project}:{name}", "commits": [_commit(answer["commit"])]}
    return _result(answer, renamed) | found


def _branches(api: Api, arguments: Properties) -> Properties:
    project = arguments["project"]
    query: Properties = {name: arguments[name] for name in ("search", "regex") if name in arguments}
    _check_expression(query.get("regex", ""))
    found = api.list(f"/projects/{_quote(project)}/repository/branches", query)
    branches = [_result(answer) | {"commits": [_commit(answer["commit"])]} for answer in found]
    return query | {"project": str(project), "id": f"{project}:branches", "branches": branches}


def _check_expression(expression: str) -> None:
    try:
        re.compile(expression)
    except re.error as error:
        raise ValueError(f"regex {expression!r}: {error}") from error


FUNCTIONS = (
    Function(name="getGroup", arguments=frozenset({"groupId", "fullPath"}), call=_group),
    Function(name="getProject", arguments=frozenset({"id", "pathWithNamespace"}), call=_project),
    Function(name="getCurrentUser", arguments=frozenset(), call=_current_user),
    Function(name="getUser", arguments=frozenset({"userId", "username", "email"}), call=_user),
    Function(name="getBranch", arguments=frozenset({"project", "name"}), call=_branch),
    Function(name="getProjectBranches", arguments=frozenset({"project", "search", "regex"}), call=_branches),
)
