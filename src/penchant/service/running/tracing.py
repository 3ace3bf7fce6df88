"""Spans by OpenTelemetry, where its SDK is installed: one a request, named by its route."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penchant.errors import MissingExtraError


class Traced:
    """An app whose requests are told of as spans.

    The SDK and where spans go are set up by OpenTelemetry's own environment variables, as by running the service under
    `opentelemetry-instrument`.

    Raises:
        MissingExtraError: OpenTelemetry is not installed.
    """

    def __init__(self, app: ASGIApp) -> None:
        try:
            from opentelemetry import trace
        except ModuleNotFoundError as error:
            raise MissingExtraError("opentelemetry-sdk", "tracing") from error
        self.app = app
        self._tracer = trace.get_tracer("penchant.service")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request inside a span."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind

        carried = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with self._tracer.start_as_current_span("request", context=extract(carried), kind=SpanKind.SERVER) as span:

            async def told(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self.app(scope, receive, told)
            route = getattr(scope.get("route"), "path", "other")
            span.update_name(f"{scope['method']} {route}")
            span.set_attribute("http.route", route)
            if strategy := scope.get("penchant.strategy"):
                span.set_attribute("penchant.strategy", strategy)
