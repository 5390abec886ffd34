"""Fakes and checks that emulators and tests share."""

from ._check_ask import ASK_CHECKS as ASK_CHECKS, OpenAsk as OpenAsk, check_ask as check_ask
from ._check_driver import CHECKS as CHECKS, ECHOED as ECHOED, check_driver as check_driver
from ._drivers import MakeSpec as MakeSpec, Output as Output
from ._event_reader import EventReader as EventReader, ServerSent as ServerSent
from ._fake_ask import FAKE_CLI as FAKE_CLI, Asked as Asked, FakeAsk as FakeAsk, Reply as Reply
from ._fake_driver import FakeDriver as FakeDriver, Say as Say, Turn as Turn
from ._leaks import children_of as children_of, open_fds as open_fds
from ._store import FakeStore as FakeStore
