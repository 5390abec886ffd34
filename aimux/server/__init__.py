"""One session per client, and the dispatcher that answers its calls."""

from ._session import Session as Session, Wire as Wire, serve_session as serve_session
