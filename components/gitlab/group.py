"""The GitLab group that holds the platform's projects, with everything that they share.

It manages the members that its data names and nobody else: people usually come from the site's directory, and a
program that claims to know all of them would remove the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_gitlab as gitlab

from components.gitlab.group_spec import GitLabGroupSpec, group_violations
from components.gitlab.parts import Directory, Owner, day, instant, keeping, page_url, value_of, warn_lacking
from components.gitlab.tiers import Feature
from components.invariants import require
from components.vocabulary import GitLabTier

__all__ = ["GitLabGroup", "GitLabGroupArgs"]


@dataclass(frozen=True, kw_only=True)
class GitLabGroupArgs:
    """The group's data and its path; it depends on no other resource."""

    spec: GitLabGroupSpec
    path: str
    tier: GitLabTier = GitLabTier.FREE
    """What the instance is licensed for."""
    protect: bool = False
    """Whether the groups, which hold people's work, must not be deleted."""
    directory: Directory = field(default_factory=Directory)


class GitLabGroup(pulumi.ComponentResource):
    """A group, its subgroups, and their labels, boards, members, variables and tokens."""

    group_id: pulumi.Output[str]
    """The group's number, as text."""
    group_ids: Mapping[str, pulumi.Output[str]]
    """Likewise of its subgroups, by path below the group."""
    label_ids: Mapping[str, pulumi.Output[int]]
    """Numbers of its labels, by name."""
    access_tokens: Mapping[str, pulumi.Output[str]]
    """The values of its access tokens by name: secrets."""
    full_path: pulumi.Output[str]
    """The group's path from the root."""
    web_url: pulumi.Output[str]
    """The group's page."""

    def __init__(self, name: str, args: GitLabGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:gitlab:Group", name, None, opts)
        self._args = args
        self._spec = args.spec
        self._child = pulumi.ResourceOptions(parent=self)
        require(group_violations(args.spec))
        warn_lacking(self, f"group {args.path}", args.tier, self._wanted_features())

        group = self._create_group(name)
        self._owner = Owner(prefix=name, id=group.id, web_url=group.web_url, options=self._child)
        self.group_ids = self._create_subgroups()
        self.label_ids = self._create_labels()
        self._create_boards()
        self._create_badges()
        self._create_members()
        self.access_tokens = self._create_tokens()
        self._create_variables()

        self.group_id = group.id
        self.full_path = group.full_path
        self.web_url = group.web_url
        self.register_outputs(
            {
                "groupId": self.group_id,
                "groupIds": self.group_ids,
                "labelIds": self.label_ids,
                "fullPath": self.full_path,
                "webUrl": self.web_url,
            }
        )

    def _wanted_features(self) -> Iterator[Feature]:
        if len(self._spec.boards) > 1:
            yield Feature.SEVERAL_GROUP_BOARDS

    def _create_group(self, name: str) -> gitlab.Group:
        return gitlab.Group(
            f"{name}-group",
            path=self._args.path,
            name=self._spec.title,
            description=self._spec.description,
            visibility_level=self._spec.visibility,
            opts=keeping(self._child, protect=self._args.protect, adopt=self._args.path if self._spec.adopt else None),
        )

    def _create_subgroups(self) -> dict[str, pulumi.Output[str]]:
        ids: dict[str, pulumi.Output[str]] = {}
        # A shorter path first: a group is made before what is inside it.
        for path, spec in sorted(self._spec.subgroups.items()):
            parent, _, last = path.rpartition("/")
            subgroup = gitlab.Group(
                f"{self._owner.prefix}-group-{path}",
                path=last,
                name=spec.title or last,
                description=spec.description,
                parent_id=(ids[parent] if parent else self._owner.id).apply(int),
                visibility_level=self._spec.visibility,
                opts=keeping(
                    self._child,
                    protect=self._args.protect,
                    adopt=f"{self._args.path}/{path}" if spec.adopt else None,
                ),
            )
            ids[path] = subgroup.id
        return ids

    def _create_labels(self) -> dict[str, pulumi.Output[int]]:
        return {
            label: gitlab.GroupLabel(
                f"{self._owner.prefix}-label-{label}",
                group=self._owner.id,
                name=label,
                color=spec.color,
                description=spec.description,
                opts=self._child,
            ).label_id
            for label, spec in self._spec.labels.items()
        }

    def _create_boards(self) -> None:
        several = self._args.tier.covers(Feature.SEVERAL_GROUP_BOARDS.least)
        boards = list(self._spec.boards.items())
        for title, board in boards if several else boards[:1]:
            gitlab.GroupIssueBoard(
                f"{self._owner.prefix}-board-{title}",
                group=self._owner.id,
                name=title,
                lists=[
                    gitlab.GroupIssueBoardListArgs(label_id=self.label_ids[label], position=position)
                    for position, label in enumerate(board.lists)
                ],
                opts=self._child,
            )

    def _create_badges(self) -> None:
        for name, badge in self._spec.badges.items():
            gitlab.GroupBadge(
                f"{self._owner.prefix}-badge-{name}",
                group=self._owner.id,
                name=name,
                image_url=page_url(self._owner, badge.image),
                link_url=page_url(self._owner, badge.link),
                opts=self._child,
            )

    def _create_members(self) -> None:
        for user, member in self._spec.members.items():
            gitlab.GroupMembership(
                f"{self._owner.prefix}-member-{user}",
                group_id=self._owner.number,
                user_id=self._args.directory.users[user],
                access_level=member.role,
                expires_at=day(member.expires),
                opts=self._child,
            )
        for path, share in self._spec.shared_with.items():
            gitlab.GroupShareGroup(
                f"{self._owner.prefix}-share-{path}",
                group_id=self._owner.id,
                share_group_id=self._args.directory.groups[path],
                group_access=share.role,
                expires_at=day(share.expires),
                opts=self._child,
            )

    def _create_tokens(self) -> dict[str, pulumi.Output[str]]:
        for name, deploy in self._spec.deploy_tokens.items():
            gitlab.GroupDeployToken(
                f"{self._owner.prefix}-deploy-token-{name}",
                group=self._owner.id,
                name=name,
                username=deploy.username,
                scopes=list(deploy.scopes),
                expires_at=instant(deploy.expires),
                opts=self._child,
            )
        return {
            name: gitlab.GroupAccessToken(
                f"{self._owner.prefix}-access-token-{name}",
                group=self._owner.id,
                name=name,
                description=token.description,
                access_level=token.role,
                scopes=list(token.scopes),
                rotation_configuration=gitlab.GroupAccessTokenRotationConfigurationArgs(
                    expiration_days=token.lifetime_days, rotate_before_days=token.rotate_before_days
                ),
                opts=self._child,
            ).token
            for name, token in self._spec.access_tokens.items()
        }

    def _create_variables(self) -> None:
        for key, variable in self._spec.variables.items():
            gitlab.GroupVariable(
                f"{self._owner.prefix}-variable-{key}",
                group=self._owner.id,
                key=key,
                value=value_of(variable, self._args.directory),
                description=variable.description,
                environment_scope=variable.environment,
                protected=variable.protected,
                masked=variable.confidential,
                raw=variable.confidential,
                variable_type="file" if variable.file else "env_var",
                opts=self._child,
            )
