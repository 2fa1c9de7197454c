"""Reading environment variables: their types and bounds, secrets that lie in files, and names that nobody reads."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from tryon_service.errors import InputError

FILE_SUFFIX = "_FILE"
"""Behind the name of a secret's variable: the file that the secret is in."""
FILE_BYTES = 64 << 10
"""Most bytes of such a file."""

SERVICE_LINK = re.compile(
    r"[A-Z]+_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://\S+")
"""What Kubernetes puts into every pod about each Service of the namespace: variables that begin with the Service's
name, and addresses in others that end in PORT."""
SHOWN = 40
"""Characters of a wrong value that an error shows."""

Value = str | int | float | Path | tuple[str, ...]


def check_names(environ: Mapping[str, str], prefix: str, known: Collection[str]) -> None:
    """Raises InputError("invalid_option") for a variable with this prefix that nothing reads."""
    for variable in sorted(set(environ) - set(known)):
        if not variable.startswith(prefix) or SERVICE_LINK.fullmatch(variable):
            continue
        if variable.endswith("_PORT") and SERVICE_ADDRESS.fullmatch(environ[variable]):
            continue
        names = [one.removeprefix(prefix) for one in known]
        near = difflib.get_close_matches(variable.removeprefix(prefix), names, 1)
        guess = f"Did you mean {prefix}{near[0]}?" if near else "'tryon settings' lists all that there are."
        if (itself := variable.removesuffix(FILE_SUFFIX)) != variable and itself in known:
            guess = f"Only secrets may lie in files; set {itself} itself."
        raise InputError("invalid_option", f"There is no such setting. {guess}", variable)


def secret(variable: str, text: str, file: str) -> str:
    """The secret itself. text: of the variable; file: of the one with FILE_SUFFIX; either or both may be empty.

    Raises InputError("invalid_option") naming the variable at fault if both are set or the file holds no secret.
    """
    if not file:
        return text
    where = variable + FILE_SUFFIX
    if text:
        raise InputError("invalid_option", f"{variable} is set too; leave one of the two out.", where)
    try:
        if not Path(file).is_file():  # a pipe would keep us waiting
            raise InputError("invalid_option", f"There is no file {file!r}; mount the secret there.", where)
        with open(file, "rb") as stream:
            found = stream.read(FILE_BYTES + 1)
        held = found.decode().strip()
    except OSError as error:
        raise InputError("invalid_option", f"{file!r} can't be read: {error.strerror}.", where) from None
    except UnicodeDecodeError:
        raise InputError("invalid_option", f"{file!r} holds something other than text.", where) from None
    if not held or len(found) > FILE_BYTES:
        fault = "is empty; it has to hold the secret" if not held else f"has more than {FILE_BYTES} bytes"
        raise InputError("invalid_option", f"{file!r} {fault}.", where)
    return held


def parsed(variable: str, text: str, kind: str, least: float | None, most: float | None) -> Value:
    """A value of the type that kind names as the source does: int, float, str, Path or tuple, of parts with commas.

    text: not empty; least, most: bounds of a number, both included. Raises InputError("invalid_option").
    """
    if kind == "Path":
        return Path(text)
    if kind.startswith("tuple"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind == "str":
        return text
    bounds = "" if least is None else f"at least {least}" if most is None else f"from {least} to {most}"
    try:
        value = int(text) if kind == "int" else float(text)
    except ValueError:
        whole = "a whole number" if kind == "int" else "a number"
        detail = f"{text[:SHOWN]!r} is not {whole}{bounds and ' '}{bounds}."
        if SERVICE_ADDRESS.fullmatch(text):
            detail += " Kubernetes set it for a Service of that name; set enableServiceLinks: false in the pod."
        raise InputError("invalid_option", detail, variable) from None
    if (least is not None and value < least) or (most is not None and value > most) or math.isnan(value):
        raise InputError("invalid_option", f"{text[:SHOWN]} is not {bounds}.", variable)
    return value
