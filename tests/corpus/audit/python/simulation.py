"""A small queueing simulation with a text protocol."""

import copy
import pickle
import random
import time


class Station:
    capacity = 3

    def __init__(self, name, rates=None):
        self.name = name
        self.rates = rates if rates is not None else {}
        self.queue = []

    def service_time(self):
        return random.expovariate(self.rates.get("service", 1.0))

    def is_idle(self):
        return self.rates.get("load", 0.0) == 0.1 + 0.2

    def snapshot(self):
        return pickle.loads(pickle.dumps(self))

    def clone(self):
        return copy.deepcopy(self)

    def policy(self):
        raise NotImplemented("a subclass says it")


def handlers(stations):
    return [lambda: station.service_time() for station in stations]


def evaluate(model, batch):
    model.eval()
    return model(batch)


COSTS = {
    "idle": 0,
    "busy": 3,
    "down": 9,
    "busy": 4,
}


def settle(stations):
    for station in stations:
        if not station.queue:
            stations.remove(station)
    return stations


def settle_copy(stations):
    for station in stations[:]:
        if not station.queue:
            stations.remove(station)
    return stations


def wait(seconds):
    time.sleep(seconds)


def same(first, second):
    return first.name == second.name and first.queue == first.queue
