"""Nightly reports: collected, rendered, mailed."""

import csv
import os
import pickle
import random
import secrets
import subprocess
import tempfile
import threading

_lock = threading.Lock()
_done = {}


def export_table(database: str, table: str, folder: str) -> str:
    target = os.path.join(folder, f"{table}.csv")
    subprocess.run(
        f"psql {database} -c '\\copy {table} to {target} csv header'",
        shell=True,
        check=True,
    )
    return target


def disk_usage() -> str:
    return subprocess.run("df -h | tail -n +2", shell=True, capture_output=True, text=True).stdout


def load_totals(path: str) -> dict:
    totals = {}
    handle = open(path, newline="", encoding="utf-8")
    for row in csv.DictReader(handle):
        totals[row["team"]] = totals.get(row["team"], 0) + int(row["cents"])
    return totals


def drop_empty(totals: dict) -> dict:
    for team in totals:
        if totals[team] == 0:
            del totals[team]
    return totals


def drop_small(totals: dict, least: int) -> dict:
    for team in list(totals):
        if totals[team] < least:
            del totals[team]
    return totals


def share_link(report_id: int) -> str:
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    token = "".join(random.choice(alphabet) for _ in range(24))
    return f"https://reports.example.com/{report_id}?token={token}"


def download_name() -> str:
    return f"report-{secrets.token_hex(8)}.pdf"


def jitter(base: float) -> float:
    return base * random.uniform(0.8, 1.2)


def workspace() -> str:
    return tempfile.mkdtemp(prefix="report-")


def scratch_file() -> str:
    return tempfile.mktemp(suffix=".csv")


def restore(path: str) -> dict:
    with open(path, "rb") as handle:
        return pickle.load(handle)


def remember(name: str, value: object) -> None:
    with _lock:
        _done[name] = value


def forget(name: str) -> None:
    _lock.acquire()
    del _done[name]
    _lock.release()
