"""The network transports; a package of its own because their libraries are imported on demand."""

from aimux.transports._bind import (
    Door as Door,
    choose_door as choose_door,
    find_token as find_token,
    lock_door as lock_door,
)
from aimux.transports._exchange import (
    Exchange as Exchange,
    ExchangeWire as ExchangeWire,
    OneShotWire as OneShotWire,
    Posted as Posted,
    Serve as Serve,
    SessionWire as SessionWire,
    Wire as Wire,
)
from aimux.transports._http import Listening as Listening, Site as Site, serve_http as serve_http
