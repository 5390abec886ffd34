"""Tools that ask by their result and come back, with a sealed state or without."""

from collections.abc import Mapping

import attrs

from aimux.protocol import Called, Code, Fault, Json, Seal, SealBroken

from .catalogue import text
from .questions import COLOR, NAME, ROOTS, SAMPLE, accepted, answered
from .steps import InputRequired, Outcome, Steps, Tool, result

PRINCIPAL = "anonymous"  # the fixture knows no credentials


@attrs.frozen
class Rounds:
    """The tools whose calls take several rounds; what they keep between them goes out sealed."""

    _seal: Seal

    def tools(self) -> Mapping[str, Tool]:
        """Each by its name."""
        return {
            "test_input_required_result_elicitation": self._ask_name,
            "test_input_required_result_request_state": self._with_state({"confirm": NAME}),
            "test_input_required_result_tampered_state": self._with_state({"confirm": NAME}),
            "test_input_required_result_multiple_inputs": self._with_state(
                {"user_name": NAME, "greeting": SAMPLE, "client_roots": ROOTS}
            ),
            "test_input_required_result_multi_round": self._multi_round,
        }

    async def _ask_name(self, called: Called, arguments: Json, steps: Steps) -> Outcome:
        content = accepted(called.input_responses, "user_name")
        if content is None:
            return InputRequired({"user_name": NAME})
        return result(text(f"Hello, {content.get('name')}!"))

    def _opened(self, called: Called, steps: Steps) -> Json | Fault | None:
        """Return the state that came along, if any."""
        state = called.request_state
        if state is None:
            return None
        try:
            return self._seal.open(
                state,
                principal=PRINCIPAL,
                method=called.method,
                params=called.params,
                now=steps.now(),
            )
        except SealBroken as broken:
            return Fault(Code.INVALID_PARAMS, str(broken))

    def _sealed(self, called: Called, steps: Steps, payload: Json) -> str:
        return self._seal.close(
            payload,
            principal=PRINCIPAL,
            method=called.method,
            params=called.params,
            now=steps.now(),
        )

    def _with_state(self, requests: Mapping[str, Json]) -> Tool:
        async def run(called: Called, arguments: Json, steps: Steps) -> Outcome:
            opened = self._opened(called, steps)
            if isinstance(opened, Fault):
                return opened
            if opened is None or not answered(called.input_responses, *requests):
                return InputRequired(requests, self._sealed(called, steps, {"step": 1}))
            return result(text("state-ok"))

        return run

    async def _multi_round(self, called: Called, arguments: Json, steps: Steps) -> Outcome:
        opened = self._opened(called, steps)
        if isinstance(opened, Fault):
            return opened
        if opened is None:
            return InputRequired({"step1": NAME}, self._sealed(called, steps, {"step": 1}))
        if opened["step"] == 1:
            content = accepted(called.input_responses, "step1")
            if content is None:
                return InputRequired({"step1": NAME}, self._sealed(called, steps, {"step": 1}))
            state = self._sealed(called, steps, {"step": 2, "name": content.get("name")})
            return InputRequired({"step2": COLOR}, state)
        content = accepted(called.input_responses, "step2")
        if content is None:
            return InputRequired({"step2": COLOR}, self._sealed(called, steps, opened))
        return result(text(f"{opened['name']} likes {content.get('color')}"))
