# ruff: noqa
"""Examples for promises.yaml: a line below `ruleid` has to be found by that rule, one below `ok` has not."""

import http.client
import logging
import os
import pickle
import socket
import ssl
import subprocess
import xml.etree.ElementTree

import cv2
import flask
import grpc
import httpx
import jinja2
import numpy as np
import torch
import yaml
from PIL import Image

logger = logging.getLogger(__name__)


def files(path, data):
    # ruleid: no-code-from-files
    pickle.loads(data)
    # ruleid: no-code-from-files
    torch.load(path, map_location="cpu")
    # ruleid: no-code-from-files
    np.load(path, allow_pickle=True)
    # ruleid: no-code-from-files
    yaml.load(data)
    # ok: no-code-from-files
    torch.load(path, map_location="cpu", weights_only=True)
    # ok: no-code-from-files
    yaml.safe_load(data)
    # ok: no-code-from-files
    np.load(path, allow_pickle=False)


def programs(name):
    # ruleid: no-shell
    subprocess.run(f"ls {name}", shell=True)
    # ruleid: no-shell
    os.system("ls " + name)
    # ok: no-shell
    subprocess.run(["ls", name], check=True)


def addresses(url):
    # ruleid: urls-only-through-fetch
    httpx.get(url)
    # ruleid: urls-only-through-fetch
    http.client.HTTPSConnection(url)
    # ruleid: urls-only-through-fetch
    socket.create_connection((url, 80))


def pictures(path, data):
    # ruleid: formats-by-name
    Image.open(path)
    # ok: formats-by-name
    Image.open(path, formats=("PNG",))
    # ruleid: strangers-photos-only-through-decode
    cv2.imdecode(np.frombuffer(data, np.uint8), 1)


def logs(request, shopper, name):
    # ruleid: no-photos-or-secrets-in-logs
    logger.info("from %s: %r", name, shopper)
    # ruleid: no-photos-or-secrets-in-logs
    print(request.token)
    # ok: no-photos-or-secrets-in-logs
    logger.info("from %s: %d bytes", name, len(shopper))


def network(server, context, url):
    # ruleid: certificates-are-verified
    client(url, verify=False)
    # ruleid: certificates-are-verified
    context.verify_mode = ssl.CERT_NONE
    # ruleid: no-unguarded-sockets
    server.add_insecure_port("0.0.0.0:1")
    # ruleid: no-unguarded-sockets
    grpc.insecure_channel(url)


def documents(text, page):
    # ruleid: no-xml-with-entities
    xml.etree.ElementTree.fromstring(text)
    # ruleid: pages-escape
    flask.render_template_string(page)
    # ruleid: pages-escape
    jinja2.Environment()
    # ok: pages-escape
    jinja2.Environment(autoescape=True)
