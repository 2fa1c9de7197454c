"""The suites by name: one line each."""

from tryon_service.evaluation.base import SUITES
from tryon_service.evaluation.identity import Identity
from tryon_service.evaluation.matrix import Matrix
from tryon_service.evaluation.parsers import Parsers
from tryon_service.evaluation.parsing import Parsing
from tryon_service.evaluation.pose import Pose

SUITES.register("identity")(Identity)
SUITES.register("matrix")(Matrix)
SUITES.register("parsers")(Parsers)
SUITES.register("parsing")(Parsing)
SUITES.register("pose")(Pose)
