"""Branches, their and tags' protection, and files."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from testbed.provider.api import Answer, ApiError
from testbed.provider.codecs import LEVEL, Records, level_name, level_number
from testbed.provider.lifecycle import Call, Lifecycle
from testbed.provider.model import Property, Resource, Send, inputs, outputs, parent, snake_case
from testbed.provider.values import Properties

__all__ = ["RESOURCES"]


class _Branch(Lifecycle):
    def create(self, call: Call) -> Answer:
        return call.api.send("post", call.collection, {"branch": call.wanted("name"), "ref": call.wanted("ref")})

    def delete(self, call: Call) -> None:
        if not call.state.get("keepOnDestroy"):
            super().delete(call)


class _Commits(Records):
    """The commit that a branch points to, as a list of one."""

    def decode(self, value: Any) -> Any:
        names = (
            "id shortId title message authorName authorEmail authoredDate committerName committerEmail "
            "committedDate parentIds"
        )
        commit = {name: value.get(snake_case(name)) for name in names.split()}
        return [{name: item for name, item in commit.items() if item is not None}]


_WHO: Mapping[str, str] = {"userId": "user_id", "groupId": "group_id", "deployKeyId": "deploy_key_id"}


class _Allowed(Records):
    """Who may, besides a role: users, groups, deploy keys; or several roles."""

    def __init__(self) -> None:
        super().__init__(("accessLevel", *_WHO))

    def encode(self, value: Any) -> Any:
        return [
            {field: int(entry[name]) for name, field in _WHO.items() if entry.get(name) is not None}
            | ({"access_level": level_number(entry["accessLevel"])} if entry.get("accessLevel") else {})
            for entry in value
        ]

    def decode(self, value: Any) -> Any:
        return [_grant(entry) for entry in value]


def _grant(entry: Mapping[str, Any]) -> Properties:
    who = {name: entry[field] for name, field in _WHO.items() if entry.get(field)}
    if who:
        return who
    level = level_name(entry["access_level"])
    description = entry.get("access_level_description")
    return {"accessLevel": level} | ({"accessLevelDescription": description} if description else {})


class _Protection(Lifecycle):
    """Takes over a protection that is there already, as the published provider does."""

    def __init__(self, grants: Mapping[str, str]) -> None:
        self._grants = grants
        """List of grants to the single role that GitLab merges with it; both by property name."""

    def create(self, call: Call) -> Answer:
        call.api.delete(call.item)
        return super().create(call)

    def update(self, call: Call) -> Answer:
        # Who may can only be changed by the ids of GitLab's entries, and on Premium: that takes a new protection. For
        # anything else the branch must not be without one even for a moment.
        if any(call.changed(name) for pair in self._grants.items() for name in pair if name):
            return self.create(call)
        return call.api.send("patch", call.item, call.body())

    def series(self, call: Call) -> tuple[str, ...]:
        return (call.item,)

    def decode(self, call: Call, answer: Answer) -> Properties:
        state = super().decode(call, answer)
        for grants, role in self._grants.items():
            entries = answer.get(call.resource.by_name[grants].reads) or []
            state |= self._split(call, grants, role, entries)
        return state

    @staticmethod
    def _split(call: Call, grants: str, role: str, entries: Iterable[Mapping[str, Any]]) -> Properties:
        """GitLab has one list; the schema has one role apart, and the others as the program lists them."""
        decoded = [_grant(entry) for entry in entries]
        listed = {grant["accessLevel"] for grant in call.state.get(grants) or () if grant.get("accessLevel")}
        roles = [grant for grant in decoded if "accessLevel" in grant]
        apart = [grant["accessLevel"] for grant in roles if grant["accessLevel"] not in listed]
        rest = [grant for grant in decoded if "accessLevel" not in grant or grant["accessLevel"] in listed]
        known = call.state.get(role)
        split: Properties = {}
        if role in call.resource.by_name and roles:
            fallback = apart[0] if apart else roles[0]["accessLevel"]
            split[role] = known if known in {grant["accessLevel"] for grant in roles} else fallback
        wanted = call.state.get(grants)
        same = wanted is not None and call.resource.by_name[grants].codec.same(wanted, rest)
        split[grants] = wanted if same else rest
        return split


class _File(Lifecycle):
    """Every change of a file is a commit: one at a time on a branch."""

    def series(self, call: Call) -> tuple[str, ...]:
        return str(call.state["project"]), str(call.state["branch"])

    def create(self, call: Call) -> Answer:
        exists = bool(call.wanted("overwriteOnCreate")) and call.api.find(call.item, {"ref": call.wanted("branch")})
        return self._commit(call, "put" if exists else "post", "Update" if exists else "Create")

    def complete(self, call: Call) -> Answer | None:
        return self._read(call)

    def read(self, call: Call) -> Answer | None:
        return call.api.find(call.item, {"ref": call.state["branch"]})

    def update(self, call: Call) -> Answer:
        current = self._read(call)
        self._commit(call, "put", "Update", last_commit_id=current["last_commit_id"])
        return self._read(call)

    def delete(self, call: Call) -> None:
        state = call.state
        branch = state["branch"]
        message = self._message(state, "Delete")
        author = {name: value for name, value in self._author(state).items() if value}
        call.api.delete(call.item, data={"branch": branch, "commit_message": message} | author)

    def _read(self, call: Call) -> Answer:
        answer = self.read(call)
        if answer is None:
            raise ApiError(f"{call.state['filePath']} is not on branch {call.state['branch']} (any more)", 404)
        return answer

    def _commit(self, call: Call, verb: str, act: str, **more: str) -> Answer:
        body = call.body(creating=True) | {"commit_message": self._message(call.inputs, act)} | more
        if verb == "post" and call.wanted("startBranch"):
            body["start_branch"] = call.wanted("startBranch")
        return call.api.send(verb, call.item, body)

    @staticmethod
    def _message(state: Properties, act: str) -> str:
        own = state.get(f"{act.lower()}CommitMessage") or state.get("commitMessage")
        return str(own or f"{act} {state['filePath']}")

    @staticmethod
    def _author(state: Properties) -> Answer:
        return {"author_email": state.get("authorEmail"), "author_name": state.get("authorName")}

    def decode(self, call: Call, answer: Answer) -> Properties:
        state = super().decode(call, answer)
        if answer.get("content") is not None and answer.get("encoding") == "base64":
            data = base64.b64decode(answer["content"])
            encoded = state.setdefault("encoding", "text") == "base64"
            state["content"] = base64.b64encode(data).decode() if encoded else data.decode(errors="replace")
        if call.recorded.get("blobId") == state.get("blobId"):
            # Commits to other files move these two; they say nothing about this one.
            state |= {name: call.recorded[name] for name in ("commitId", "lastCommitId") if name in call.recorded}
        return state


def _grants(name: str, field: str, reads: str) -> tuple[Property, ...]:
    return inputs(f"{name}:{field}", reads=reads, read=False, codec=_Allowed())


RESOURCES = (
    Resource(
        name="Branch",
        collection="projects/{project}/repository/branches",
        item="projects/{project}/repository/branches/{name}",
        id="{project}:{name}",
        lifecycle=_Branch(),
        update="",
        properties=(
            *parent("project"),
            *inputs("name", replaces=True),
            *inputs("ref", required=True, replaces=True, read=False),
            *inputs("keepOnDestroy", send=Send.NEVER, read=False, default=False),
            *outputs("commits:commit", codec=_Commits(("id",))),
            *outputs("canPush default merged protected webUrl"),
            *outputs("developerCanMerge:developers_can_merge developerCanPush:developers_can_push"),
        ),
    ),
    Resource(
        name="BranchProtection",
        collection="projects/{project}/protected_branches",
        item="projects/{project}/protected_branches/{branch}",
        id="{project}:{branch}",
        lifecycle=_Protection(
            {"allowedToPushes": "pushAccessLevel", "allowedToMerges": "mergeAccessLevel"} | {"allowedToUnprotects": ""}
        ),
        properties=(
            *parent("project"),
            *inputs("branch:name", required=True, replaces=True),
            *inputs("pushAccessLevel mergeAccessLevel", codec=LEVEL, read=False),
            *_grants("allowedToPushes", "allowed_to_push", "push_access_levels"),
            *_grants("allowedToMerges", "allowed_to_merge", "merge_access_levels"),
            *_grants("allowedToUnprotects", "allowed_to_unprotect", "unprotect_access_levels"),
            *inputs("allowForcePush codeOwnerApprovalRequired", default=False),
            *outputs("branchProtectionId:id"),
        ),
    ),
    Resource(
        name="TagProtection",
        collection="projects/{project}/protected_tags",
        item="projects/{project}/protected_tags/{tag}",
        id="{project}:{tag}",
        lifecycle=_Protection({"allowedToCreates": "createAccessLevel"}),
        properties=(
            *parent("project"),
            *inputs("tag:name", required=True, replaces=True),
            *inputs("createAccessLevel", codec=LEVEL, read=False),
            *_grants("allowedToCreates", "allowed_to_create", "create_access_levels"),
        ),
    ),
    Resource(
        name="RepositoryFile",
        collection="projects/{project}/repository/files",
        item="projects/{project}/repository/files/{filePath}",
        id="{project}:{branch}:{filePath}",
        lifecycle=_File(),
        properties=(
            *parent("project"),
            *inputs("branch", required=True, replaces=True, read=False),
            *inputs("filePath", required=True, replaces=True, send=Send.NEVER),
            *inputs("content", required=True, read=False),
            *inputs("encoding", required=True, read=False, choices=("text", "base64")),
            *inputs("executeFilemode", default=False),
            *inputs("authorEmail authorName", read=False),
            *inputs(
                "commitMessage createCommitMessage updateCommitMessage deleteCommitMessage startBranch",
                send=Send.NEVER,
                read=False,
            ),
            *inputs("overwriteOnCreate", send=Send.NEVER, read=False, default=False),
            *outputs("blobId commitId contentSha256:content_sha256 fileName lastCommitId ref size"),
        ),
    ),
)
