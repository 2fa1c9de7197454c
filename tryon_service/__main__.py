"""python -m tryon_service: the same as the command tryon."""

import sys

from tryon_service.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
