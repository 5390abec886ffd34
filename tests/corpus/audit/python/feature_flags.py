"""Feature flags with overrides, evaluated for every request."""

import ast
import logging
import ssl
import urllib.request

log = logging.getLogger(__name__)


class Flag:
    def __init__(self, name, rule, rollout=100):
        assert (rollout >= 0, "rollout must not be negative")
        assert isinstance(name, str), "a flag has a name"
        self.name = name
        self.rule = rule
        self.rollout = rollout

    def is_on(self, context):
        if self.rule == None:
            return True
        return bool(eval(self.rule, {}, dict(context)))

    def default(self):
        return ast.literal_eval(self.rule)

    def describe(self):
        kind = "all" if self.rollout is 100 else "some"
        return f"{self.name}: {kind}"

    def parent(self):
        raise NotImplementedError


def buttons(flags, toggle):
    callbacks = []
    for flag in flags:
        callbacks.append(lambda: toggle(flag))
    return callbacks


def bound_buttons(flags, toggle):
    callbacks = []
    for flag in flags:
        callbacks.append(lambda flag=flag: toggle(flag))
    return callbacks


def by_rollout(flags):
    ordered = {}
    for group in {flag.rollout for flag in flags}:
        members = [flag for flag in flags if flag.rollout == group]
        ordered[group] = sorted(members, key=lambda flag: flag.name)
    return ordered


def fetch(url):
    context = ssl.create_default_context()
    context.check_hostname = False
    with urllib.request.urlopen(url, timeout=5, context=context) as answer:
        return answer.read()


def refresh(source, cache):
    try:
        return source.load()
    except OSError as error:
        log.warning("flags not refreshed: %s", error)
        return cache
    finally:
        cache.touch()


def refresh_quietly(source, cache):
    try:
        return source.load()
    finally:
        return cache
