"""The engine's view of the provider: Pulumi's provider protocol."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import grpc
from google.protobuf import any_pb2, empty_pb2, struct_pb2

from testbed.provider import table
from testbed.provider.api import Api, ApiError, Configuration, NotConfiguredError
from testbed.provider.checking import check, coerce, complete_name
from testbed.provider.configuring import SECRET_VARIABLES, check_variables
from testbed.provider.diffing import Change
from testbed.provider.model import Resource
from testbed.provider.operations import IncompleteError, Operations, read_inputs
from testbed.provider.schema import schema, version
from testbed.provider.values import (
    Properties,
    from_struct,
    mark_secrets,
    plain,
    secret_names,
    secret_texts,
    to_struct,
)
from testbed.pulumirpc import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

__all__ = ["Provider"]

_DETAILS = "grpc-status-details-bin"


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves the resources and functions in the table."""

    def __init__(self) -> None:
        self._operations = Operations(Api(Configuration()))
        self._api = Api(Configuration())

    def Handshake(  # noqa: N802
        self, _request: provider_pb2.ProviderHandshakeRequest, _context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Agree with the engine on the form of values."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(self, _request: empty_pb2.Empty, _context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: N802
        """The version of the published plugin that we stand in for."""
        return plugin_pb2.PluginInfo(version=version())

    def GetSchema(  # noqa: N802
        self, _request: provider_pb2.GetSchemaRequest, _context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        """What of the published schema is there."""
        return provider_pb2.GetSchemaResponse(schema=schema())

    def CheckConfig(  # noqa: N802
        self, request: provider_pb2.CheckRequest, _context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Are the provider's own settings known?"""
        given = from_struct(request.news)
        failures = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in check_variables(given)]
        secrets = [name for name in SECRET_VARIABLES if name in given]
        marked = mark_secrets({name: plain(value) for name, value in given.items()}, [*secrets, *secret_names(given)])
        return provider_pb2.CheckResponse(inputs=to_struct(marked), failures=failures)

    def DiffConfig(  # noqa: N802
        self, request: provider_pb2.DiffRequest, _context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Other settings never need other resources."""
        same = plain(from_struct(request.olds)) == plain(from_struct(request.news))
        changes = provider_pb2.DiffResponse.DIFF_NONE if same else provider_pb2.DiffResponse.DIFF_SOME
        return provider_pb2.DiffResponse(changes=changes)

    def Configure(  # noqa: N802
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Remember where GitLab is; it is not called yet."""
        variables = plain(from_struct(request.args))
        with _answering(context, "the provider's configuration", from_struct(request.args)):
            self._api = Api(Configuration.from_variables(variables))
            self._operations = Operations(self._api)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:  # noqa: N802
        """May the program ask for this?"""
        given = from_struct(request.news)
        with _answering(context, request.urn, given):
            resource = _resource(request.urn)
            before = from_struct(request.olds)
            completed = complete_name(resource, request.urn, coerce(resource, given), before, request.randomSeed)
            failures = [
                provider_pb2.CheckFailure(property=failure.property, reason=failure.reason)
                for failure in check(resource, completed)
            ]
        return provider_pb2.CheckResponse(inputs=to_struct(completed), failures=failures)

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:  # noqa: N802
        """What would have to change?"""
        wanted = from_struct(request.news)
        with _answering(context, request.urn, wanted):
            resource = _resource(request.urn)
            found = self._operations.diff(
                resource, plain(from_struct(request.olds)), plain(wanted), frozenset(request.ignoreChanges)
            )
        return _diff_response(resource, found)

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:  # noqa: N802
        """Create, or say what a creation will be known to result in."""
        wanted = from_struct(request.properties)
        with _answering(context, request.urn, wanted):
            resource = _resource(request.urn)
            if request.preview:
                state = self._operations.preview(resource, {}, plain(wanted))
                return provider_pb2.CreateResponse(properties=_sealed(resource, state, wanted))
            try:
                created = self._operations.create(resource, plain(wanted))
            except IncompleteError as error:
                _report_incomplete(context, request, error, _sealed(resource, error.recorded.properties, wanted))
                raise
            return provider_pb2.CreateResponse(id=created.id, properties=_sealed(resource, created.properties, wanted))

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:  # noqa: N802
        """Refresh or import."""
        recorded, before = from_struct(request.properties), from_struct(request.inputs)
        with _answering(context, request.urn, recorded | before):
            resource = _resource(request.urn)
            found = self._operations.read(resource, request.id, plain(recorded))
            if found is None:
                return provider_pb2.ReadResponse()
            inputs = read_inputs(resource, found.properties, plain(before))
            return provider_pb2.ReadResponse(
                id=found.id,
                properties=_sealed(resource, found.properties, recorded | before),
                inputs=to_struct(mark_secrets(inputs, secret_names(before) if before else _secrets(resource))),
            )

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:  # noqa: N802
        """Change, or say what a change will be known to result in."""
        recorded, wanted = from_struct(request.olds), from_struct(request.news)
        with _answering(context, request.urn, recorded | wanted):
            resource = _resource(request.urn)
            if request.preview:
                state = self._operations.preview(resource, plain(recorded), plain(wanted))
            else:
                state = self._operations.update(resource, request.id, plain(recorded), plain(wanted))
            return provider_pb2.UpdateResponse(properties=_sealed(resource, state, wanted))

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        """Delete; already gone is fine."""
        recorded = from_struct(request.properties)
        with _answering(context, request.urn, recorded):
            self._operations.delete(_resource(request.urn), request.id, plain(recorded))
        return empty_pb2.Empty()

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:  # noqa: N802
        """Call a function."""
        given = from_struct(request.args)
        with _answering(context, request.tok, given):
            function = table.FUNCTIONS.get(request.tok)
            if function is None:
                raise LookupError(_unsupported("function", request.tok))
            arguments = {name: value for name, value in plain(given).items() if value is not None}
            for name in arguments.keys() - function.arguments:
                raise ValueError(f"{name}: {function.name} takes {', '.join(sorted(function.arguments)) or 'nothing'}")
            response = provider_pb2.InvokeResponse()
            getattr(response, "return").CopyFrom(to_struct(function.call(self._api, arguments)))
            return response

    def Cancel(self, _request: empty_pb2.Empty, _context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        """Calls to GitLab that run may finish; they are short."""
        self._api.cancel()
        return empty_pb2.Empty()


def _resource(urn: str) -> Resource:
    token = urn.split("::")[2].rpartition("$")[2]
    try:
        return table.RESOURCES[token]
    except KeyError:
        raise LookupError(_unsupported("resource type", token)) from None


def _unsupported(what: str, token: str) -> str:
    return (
        f"the embedded testbed's GitLab provider does not have the {what} {token}: "
        "leave it out there, or install the published provider plugin"
    )


def _sealed(resource: Resource, state: Properties, origin: Properties) -> struct_pb2.Struct:
    """A state on the wire, with everything secret marked: what always is, and what was when it was given to us."""
    return to_struct(mark_secrets(state, _secrets(resource) | secret_names(origin)))


def _secrets(resource: Resource) -> frozenset[str]:
    return frozenset(item.name for item in resource.properties if item.secret)


def _diff_response(resource: Resource, found: list[Change]) -> provider_pb2.DiffResponse:
    kinds = provider_pb2.PropertyDiff
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
        replaces=sorted({change.property for change in found if change.replaces}),
        diffs=sorted({change.property for change in found}),
        deleteBeforeReplace=not resource.unique and any(change.replaces for change in found),
        hasDetailedDiff=True,
        detailedDiff={
            change.path: kinds(kind=kinds.Kind.Value(change.kind.value + ("_REPLACE" if change.replaces else "")))
            for change in found
        },
    )


def _report_incomplete(
    context: grpc.ServicerContext, request: provider_pb2.CreateRequest, error: IncompleteError, state: struct_pb2.Struct
) -> None:
    """Attach the half-made object to the error, so that the engine records it and repairs it next time."""
    reason = _without_secrets(str(error), from_struct(request.properties))
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.recorded.id, properties=state, reasons=[reason], inputs=request.properties
        )
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason, details=[detail])
    context.set_trailing_metadata(((_DETAILS, status.SerializeToString()),))


@contextlib.contextmanager
def _answering(context: grpc.ServicerContext, subject: str, given: Properties) -> Iterator[None]:
    """Answer a failure with its reason and what it is about, without any secret."""
    try:
        yield
    except (ApiError, NotConfiguredError, IncompleteError, LookupError, ValueError) as error:
        message = _without_secrets(str(error), given)
        context.abort(grpc.StatusCode.UNKNOWN, f"{subject.rpartition('::')[2]}: {message}")


def _without_secrets(message: str, given: Properties) -> str:
    for secret in sorted(secret_texts(given), key=len, reverse=True):
        message = message.replace(secret, "[secret]")
    return message
