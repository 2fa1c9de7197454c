"""Generate this folder's messages and stubs from protos/tryon/v1/tryon.proto: python -m tryon_service.pb.generate

Needs grpcio-tools (the dev extra) and a checkout.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

PROTOS = Path(__file__).parents[2] / "protos"
SOURCE = PROTOS / "tryon" / "v1" / "tryon.proto"
NAMES = ("tryon_pb2.py", "tryon_pb2.pyi", "tryon_pb2_grpc.py")


def generate() -> dict[str, str]:
    """Texts of the generated files by name. Raises RuntimeError if protoc refuses the source."""
    from grpc_tools import protoc

    with tempfile.TemporaryDirectory() as folder:
        includes = [f"-I{PROTOS}"]
        out = [f"--python_out={folder}", f"--pyi_out={folder}", f"--grpc_python_out={folder}"]
        if protoc.main(["protoc", *includes, *out, str(SOURCE)]) != 0:
            raise RuntimeError(f"protoc refused {SOURCE.name}")
        return {name: _placed((Path(folder) / "tryon" / "v1" / name).read_text()) for name in NAMES}


def _placed(text: str) -> str:
    """The text with its import of a sibling as it is called in this package."""
    return re.sub(r"^from tryon\.v1 import", "from tryon_service.pb import", text, flags=re.MULTILINE)


def main() -> int:
    for name, text in generate().items():
        (Path(__file__).parent / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
