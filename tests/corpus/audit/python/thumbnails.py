"""Makes thumbnails of uploads; runs as a worker beside the web application."""

import logging
import os
import shlex
import subprocess
import tarfile
import zipfile

import requests
import yaml

log = logging.getLogger(__name__)
SIZES = ((64, 64), (256, 256))


def convert(source, target, size, options=[]):
    width, height = size
    options.append(f"{width}x{height}")
    subprocess.run(["convert", source, "-resize", *options, target], check=True)


def strip_metadata(path):
    os.system("exiftool -all= " + path)


def identify(path):
    command = "identify " + shlex.quote(path) + " | head -1"
    return subprocess.check_output(command, shell=True, text=True)


def unpack(archive, folder):
    with tarfile.open(archive) as bundle:
        bundle.extractall(folder)


def unpack_safely(archive, folder):
    with tarfile.open(archive) as bundle:
        bundle.extractall(folder, filter="data")


def settings(path):
    with open(path, encoding="utf-8") as handle:
        return yaml.load(handle, Loader=yaml.Loader)


def size_table(path):
    with open(path, encoding="utf-8") as handle:
        return yaml.safe_load(handle)


def fetch(url, folder):
    answer = requests.get(url, stream=True, verify=False, timeout=30)
    target = os.path.join(folder, os.path.basename(url))
    with open(target, "wb") as handle:
        for chunk in answer.iter_content(65536):
            handle.write(chunk)
    return target


def count(path):
    total = 0
    for line in open(path, encoding="utf-8"):
        total += line.startswith("image")
    return total


def manifest(archive):
    bundle = zipfile.ZipFile(archive)
    try:
        names = bundle.namelist()
    finally:
        bundle.close()
    return names


def remove(path):
    try:
        os.remove(path)
    except:
        log.info("could not remove %s", path)


def remove_if_there(path):
    try:
        os.remove(path)
    except FileNotFoundError:
        pass
