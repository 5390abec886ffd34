"""A model endpoint on loopback that answers in the shapes of OpenAI, Anthropic and Gemini.

Real CLIs and emulators run whole turns against it without leaving the machine. What it answers is
scripted by directives in the prompt itself, such as `[[say 5]]`; `_script` lists them.

    python -m emulators.model_server --port 0 --log requests.jsonl

prints one JSON line with the port and serves until a signal; `serve_model()` is the same inside a
process.
"""

from ._server import ModelServer as ModelServer, serve_model as serve_model
