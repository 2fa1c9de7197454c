"""The suites by name: one line each."""

from tryon_service.evaluation.base import SUITES
from tryon_service.evaluation.cards import Cards, TwoPoses
from tryon_service.evaluation.cycle import Cycle
from tryon_service.evaluation.identity import Identity
from tryon_service.evaluation.judged import Judged
from tryon_service.evaluation.matrix import Matrix
from tryon_service.evaluation.pairs import Pairs
from tryon_service.evaluation.parsers import Parsers
from tryon_service.evaluation.parsing import Parsing
from tryon_service.evaluation.pose import Pose
from tryon_service.evaluation.renderers import Renderers
from tryon_service.evaluation.speed import Speed
from tryon_service.evaluation.wholeness import Fidelity, Integrity

SUITES.register("cards")(Cards)
SUITES.register("cycle")(Cycle)
SUITES.register("fidelity")(Fidelity)
SUITES.register("identity")(Identity)
SUITES.register("integrity")(Integrity)
SUITES.register("judged")(Judged)
SUITES.register("matrix")(Matrix)
SUITES.register("pairs")(Pairs)
SUITES.register("parsers")(Parsers)
SUITES.register("parsing")(Parsing)
SUITES.register("pose")(Pose)
SUITES.register("renderers")(Renderers)
SUITES.register("speed")(Speed)
SUITES.register("two_poses")(TwoPoses)
