"""How good a finished picture is: cheap measures of what goes wrong in one, and one number made of them.

Every measure lies in [0, 1] and 1 is best, so that the quality, a logistic function without a negative weight, can only
fall when a measure does. The weights are fitted to pictures judged by eye (evaluation/judging), for each renderer by
itself, and live in tables/ by name, with the threshold and the digest of the renderer whose pictures were judged.
"""

from tryon_service.quality.flaws import flaws
from tryon_service.quality.measure import measure, worst_limb
from tryon_service.quality.strain import strain
from tryon_service.quality.table import CODES, Table, parse_table, table

__all__ = ["CODES", "Table", "flaws", "measure", "parse_table", "strain", "table", "worst_limb"]
