"""Who may do what: members, tokens, deploy keys, job tokens, applications that sign people in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from testbed.provider.api import Answer
from testbed.provider.codecs import DATE, INTEGER, LEVEL, SET, SPACE_SEPARATED, SSH_KEY, TIMESTAMP
from testbed.provider.lifecycle import Call, Lifecycle
from testbed.provider.model import Property, Resource, Send, inputs, outputs, parent

__all__ = ["RESOURCES"]


class _Token(Lifecycle):
    """A revoked or expired token is as good as none."""

    def read(self, call: Call) -> Answer | None:
        answer = super().read(call)
        return None if answer is None or answer.get("revoked") or answer.get("expired") else answer


class _AccessToken(_Token):
    """With a rotation configuration, an update shortly before the token's end brings a new one."""

    def create(self, call: Call) -> Answer:
        body = call.body(creating=True)
        rotation = call.wanted("rotationConfiguration")
        if rotation:
            body["expires_at"] = (_today() + timedelta(days=int(rotation["expirationDays"]))).isoformat()
        return call.api.send("post", call.collection, body)

    def read(self, call: Call) -> Answer | None:
        answer = super().read(call)
        return answer if answer is not None and answer.get("active", True) else None

    def replaces(self, call: Call) -> tuple[str, ...]:
        rotation = call.wanted("rotationConfiguration")
        end = call.recorded.get("expiresAt")
        if not rotation or not end:
            return ()
        due = date.fromisoformat(end) - timedelta(days=int(rotation["rotateBeforeDays"]))
        return ("expiresAt",) if _today() >= due else ()


def _today() -> date:
    return datetime.now(tz=UTC).date()


class _Member(Lifecycle):
    _FLAGS = (("skipSubresourcesOnDestroy", "skip_subresources"), ("unassignIssuablesOnDestroy", "unassign_issuables"))

    def delete(self, call: Call) -> None:
        call.api.delete(call.item, {field: "true" for name, field in self._FLAGS if call.state.get(name)})


class _JobTokenScope(Lifecycle):
    """One per project, always there: the program's list is the whole list."""

    _LISTS = (
        ("targetProjectIds", "allowlist", "target_project_id"),
        ("targetGroupIds", "groups_allowlist", "target_group_id"),
    )

    def create(self, call: Call) -> Answer:
        return self.update(call)

    def update(self, call: Call) -> Answer:
        call.api.send("patch", call.item, {"enabled": bool(call.wanted("enabled"))})
        for name, path, field in self._LISTS:
            wanted = {int(id_) for id_ in call.wanted(name) or ()}
            present = set(self._ids(call, path))
            for id_ in sorted(wanted - present):
                call.api.send("post", f"{call.item}/{path}", {field: id_})
            for id_ in sorted(present - wanted):
                call.api.delete(f"{call.item}/{path}/{id_}")
        return self.read(call) or {}

    def read(self, call: Call) -> Answer | None:
        scope = call.api.find(call.item)
        if scope is None:
            return None
        return {"enabled": scope["inbound_enabled"]} | {
            field + "s": self._ids(call, path) for _name, path, field in self._LISTS
        }

    def _ids(self, call: Call, path: str) -> list[int]:
        ids = [entry["id"] for entry in call.api.list(f"{call.item}/{path}")]
        # GitLab always allows a project itself, and does not let it be removed.
        own = str(call.state["project"])
        return sorted(id_ for id_ in ids if path != "allowlist" or str(id_) != own)

    def delete(self, call: Call) -> None:
        for _name, path, _field in self._LISTS:
            for id_ in self._ids(call, path):
                call.api.delete(f"{call.item}/{path}/{id_}")


class _Share(Lifecycle):
    """An invitation of a group: GitLab shows it within what it opens only."""

    def __init__(self, invited: str) -> None:
        self._invited = invited
        """The property that names the invited group."""

    def create(self, call: Call) -> Answer:
        call.api.send("post", call.collection, call.body(creating=True))
        return self.read(call) or {}

    def read(self, call: Call) -> Answer | None:
        container = call.api.find(call.collection.removesuffix("/share")) or {}
        shares = container.get("shared_with_groups", ())
        return next((each for each in shares if str(each["group_id"]) == str(call.state[self._invited])), None)


class _Application(Lifecycle):
    """GitLab lists applications but shows none alone, and never tells a secret again."""

    def read(self, call: Call) -> Answer | None:
        listed = call.api.list(call.collection)
        return next((each for each in listed if str(each["id"]) == str(call.state["key"])), None)


_PAST = inputs("validatePastExpirationDate", send=Send.NEVER, read=False, default=False)


def _deploy_token(scope: str) -> Resource:
    return Resource(
        name=f"{scope.title()}DeployToken",
        collection=f"{scope}s/{{{scope}}}/deploy_tokens",
        item=f"{scope}s/{{{scope}}}/deploy_tokens/{{key}}",
        id=f"{{{scope}}}:{{key}}",
        lifecycle=_Token(),
        update="",
        unique=True,
        properties=(
            *parent(scope),
            *inputs("name username"),
            *inputs("scopes", required=True, codec=SET),
            *inputs("expiresAt", codec=TIMESTAMP),
            *_PAST,
            *outputs("expired revoked"),
            *outputs("token", secret=True),
        ),
    )


def _access_token(scope: str) -> Resource:
    return Resource(
        name=f"{scope.title()}AccessToken",
        collection=f"{scope}s/{{{scope}}}/access_tokens",
        item=f"{scope}s/{{{scope}}}/access_tokens/{{key}}",
        id=f"{{{scope}}}:{{key}}",
        lifecycle=_AccessToken(),
        update="",
        unique=True,
        properties=(
            *parent(scope),
            *inputs("name"),
            *inputs("description", default=""),
            *inputs("scopes", required=True, codec=SET),
            *inputs("accessLevel", codec=LEVEL, default="maintainer"),
            *inputs("expiresAt", codec=DATE),
            *inputs("rotationConfiguration", send=Send.NEVER, read=False),
            *_PAST,
            *outputs("active createdAt revoked userId"),
            *outputs("token", secret=True),
        ),
    )


def _membership(name: str, scope: tuple[Property, ...], path: str, extra: tuple[Property, ...] = ()) -> Resource:
    return Resource(
        name=name,
        collection=path,
        item=path + "/{userId}",
        id=f"{{{scope[0].name}}}:{{userId}}",
        lifecycle=_Member(),
        properties=(
            *scope,
            *inputs("userId", required=True, replaces=True, read=False, codec=INTEGER),
            *inputs("accessLevel", required=True, codec=LEVEL),
            *inputs("expiresAt", codec=DATE),
            *inputs("memberRoleId", reads="member_role.id", codec=INTEGER),
            *extra,
        ),
    )


_SHARE = (
    *inputs("groupAccess", reads="group_access_level", required=True, codec=LEVEL),
    *inputs("expiresAt", codec=DATE),
)

RESOURCES = (
    _deploy_token("project"),
    _deploy_token("group"),
    _access_token("project"),
    _access_token("group"),
    _membership(
        "GroupMembership",
        parent("groupId", codec=INTEGER),
        "groups/{groupId}/members",
        extra=inputs(
            "skipSubresourcesOnDestroy unassignIssuablesOnDestroy", send=Send.NEVER, read=False, default=False
        ),
    ),
    _membership("ProjectMembership", parent("project"), "projects/{project}/members"),
    Resource(
        name="Application",
        collection="applications",
        item="applications/{key}",
        id="{key}",
        lifecycle=_Application(),
        update="",
        unique=True,
        properties=(
            *inputs("name", reads="application_name"),
            *inputs("redirectUrl:redirect_uri", reads="callback_url", required=True),
            *inputs("scopes", required=True, read=False, codec=SPACE_SEPARATED),
            *inputs("confidential", default=True),
            *outputs("applicationId"),
            *outputs("secret", secret=True),
        ),
    ),
    Resource(
        name="GroupShareGroup",
        collection="groups/{groupId}/share",
        item="groups/{groupId}/share/{shareGroupId}",
        id="{groupId}:{shareGroupId}",
        lifecycle=_Share("shareGroupId"),
        update="",
        properties=(
            *parent("groupId"),
            *inputs("shareGroupId:group_id", required=True, read=False, codec=INTEGER),
            *_SHARE,
            *inputs("memberRoleId", codec=INTEGER),
        ),
    ),
    Resource(
        name="ProjectShareGroup",
        collection="projects/{project}/share",
        item="projects/{project}/share/{groupId}",
        id="{project}:{groupId}",
        lifecycle=_Share("groupId"),
        update="",
        properties=(*parent("project"), *inputs("groupId", required=True, read=False, codec=INTEGER), *_SHARE),
    ),
    Resource(
        name="DeployKey",
        collection="projects/{project}/deploy_keys",
        item="projects/{project}/deploy_keys/{deployKeyId}",
        id="{project}:{deployKeyId}",
        lifecycle=Lifecycle(),
        update="",
        properties=(
            *parent("project"),
            *inputs("title", required=True),
            *inputs("key", required=True, codec=SSH_KEY),
            *inputs("canPush", default=False),
            *inputs("expiresAt", codec=TIMESTAMP),
            *outputs("deployKeyId:id"),
        ),
    ),
    Resource(
        name="ProjectJobTokenScopes",
        collection="projects/{project}/job_token_scope",
        item="projects/{project}/job_token_scope",
        id="{project}",
        lifecycle=_JobTokenScope(),
        update="patch",
        properties=(
            *parent("project"),
            *inputs("enabled", default=True),
            *inputs("targetProjectIds targetGroupIds", codec=SET, default=[]),
        ),
    ),
)
