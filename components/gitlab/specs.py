"""What groups and projects have in common, as data: labels, boards, badges, members, variables and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from components.invariants import Violation
from components.invariants.access import token_is_no_owner, token_is_no_superuser
from components.naming import is_web_url
from components.spec import Color, ProjectPath, Slug, Spec, Text, Username, VariableKey, refusal, ruled
from components.vocabulary import Role, Visibility

__all__ = [
    "AccessTokenSpec",
    "BadgeSpec",
    "BoardSpec",
    "DeployTokenSpec",
    "LabelSpec",
    "MemberSpec",
    "OwnerSpec",
    "PageLink",
    "VariableSpec",
    "token_violations",
]

PageLink = Annotated[
    str,
    ruled(
        lambda value: value.startswith("/") or is_web_url(value),
        "an absolute http or https address, or a path that starts with '/', below the page of the group or project",
        "write an address such as 'https://docs.example.org' or a path such as '/-/pipelines'",
    ),
]


class LabelSpec(Spec):
    """An issue and merge request label."""

    color: Color
    description: Text | None = None


class BoardSpec(Spec):
    """An issue board: one list per label, in this order."""

    lists: Annotated[tuple[Text, ...], Field(min_length=1)]


class BadgeSpec(Spec):
    """A small picture with a link at the top of a group's or project's page."""

    image: PageLink
    link: PageLink


class MemberSpec(Spec):
    """A user's, or another group's, part in a group or project."""

    role: Role
    expires: date | None = None
    """The day on which it ends."""


class VariableSpec(Spec):
    """A CI/CD variable. Git holds no secret value: it names where the value comes from."""

    value: Text | None = None
    """A value that is no secret."""
    secret: Slug | None = None
    """The name of a value in ``bighpc:secrets`` of the stack that owns the forge."""
    token: ProjectPath | None = None
    """An access token whose value it is: the group's by its name, a project's as ``<project>/<name>``."""
    description: Text | None = None
    environment: Annotated[str, Field(min_length=1)] = "*"
    """GitLab's environment scope."""
    protected: bool = False
    """Whether only jobs of protected branches and tags get it."""
    file: bool = False
    """Whether jobs get a file's name, with the value inside the file."""

    @property
    def confidential(self) -> bool:
        """Whether the value must not be seen: masked in job logs, secret in the state."""
        return self.value is None

    @model_validator(mode="after")
    def _has_one_source(self) -> VariableSpec:
        sources = [name for name in ("value", "secret", "token") if getattr(self, name) is not None]
        if len(sources) != 1:
            raise refusal(
                f"a variable's value comes from exactly one of value, secret and token; here from {len(sources)}",
                "write a value that everybody may read, or name the secret or the token that holds it",
            )
        return self


class DeployTokenSpec(Spec):
    """A token for machines that only read or write packages, images or code; it belongs to no user."""

    scopes: Annotated[tuple[Text, ...], Field(min_length=1)]
    """GitLab's, such as ``read_registry``."""
    username: Slug | None = None
    expires: date | None = None


class AccessTokenSpec(Spec):
    """A token of a bot user. It is replaced by itself: GitLab lets none live longer than a year."""

    role: Role
    scopes: Annotated[tuple[Text, ...], Field(min_length=1)]
    """GitLab's, such as ``api``."""
    description: Text | None = None
    lifetime_days: Annotated[int, Field(ge=2, le=365)] = 180
    rotate_before_days: Annotated[int, Field(ge=1, le=364)] = 60
    """How long before its end the next update brings a new one."""

    @model_validator(mode="after")
    def _rotates_in_its_lifetime(self) -> AccessTokenSpec:
        if self.rotate_before_days >= self.lifetime_days:
            raise refusal(
                f"a token is rotated within its lifetime; {self.rotate_before_days} days before the end of "
                f"{self.lifetime_days} is at once, with every update",
                "make rotateBeforeDays smaller than lifetimeDays",
            )
        return self


class OwnerSpec(Spec):
    """What a group and a project both have."""

    visibility: Visibility = Visibility.PRIVATE
    adopt: bool = False
    """Take over what is there already, and never delete it."""
    labels: dict[Text, LabelSpec] = Field(default_factory=dict)
    boards: dict[Text, BoardSpec] = Field(default_factory=dict)
    badges: dict[Text, BadgeSpec] = Field(default_factory=dict)
    members: dict[Username, MemberSpec] = Field(default_factory=dict)
    """Only the users named here are managed; whoever else is a member stays one."""
    shared_with: dict[Text, MemberSpec] = Field(default_factory=dict)
    """Groups outside the platform, by their full paths."""
    variables: dict[VariableKey, VariableSpec] = Field(default_factory=dict)
    access_tokens: dict[Slug, AccessTokenSpec] = Field(default_factory=dict)
    deploy_tokens: dict[Slug, DeployTokenSpec] = Field(default_factory=dict)


def token_violations(subject: str, tokens: Mapping[str, AccessTokenSpec]) -> list[Violation]:
    """Return what in the data of access tokens must never be deployed."""
    return [
        violation
        for name, token in tokens.items()
        for violation in (
            *token_is_no_owner(f"{subject}, access token {name}", {"accessLevel": token.role}),
            *(
                each
                for scope in token.scopes
                for each in token_is_no_superuser(f"{subject}, access token {name}", scope)
            ),
        )
    ]
