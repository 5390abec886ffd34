"""Fakes and checks that emulators and tests share."""

from ._drivers import MakeOrder as MakeOrder, Output as Output
from ._leaks import children_of as children_of, open_fds as open_fds
