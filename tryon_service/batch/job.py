"""One picture of a catalogue: a product in a pose. Plain functions, the same for every engine.

    shots = read_card(photos, card)                       # files
    analysed = analyse_card(pipeline, shots, recipe)      # once for all poses of a product
    row, picture = render_item(pipeline, Item(card, pose), analysed, recipe)

What is wrong with a photo or a pair is the row's; only what would be wrong with every other item too is raised.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tryon_service import __version__
from tryon_service.batch.catalogue import Card, CardPhoto, folder_name
from tryon_service.batch.keys import Recipe, inputs_key, item_key
from tryon_service.batch.rows import Row, Status
from tryon_service.batch.sources import Photos
from tryon_service.errors import CODES, InputError, RefusedError, TryonError, ZooError
from tryon_service.types import NetworkId, ViewName

if TYPE_CHECKING:
    from tryon_service.batch.poses import NamedPose
    from tryon_service.pipeline import Pipeline, Product
    from tryon_service.types import Result

SUFFIXES: Mapping[str, str] = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "avif": ".avif"}
STATUS: Mapping[str, Status] = {"accepted": "rendered", "doubtful": "doubtful", "refused": "refused"}
"""Of a row, by verdict."""
DECIMALS = 4
"""Of a score."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Item:
    """One picture to be made."""

    card: Card
    pose: NamedPose

    def output(self, recipe: Recipe) -> str:
        """The picture's name below the output folder."""
        return f"{folder_name(self.card.product_id)}/{self.pose.name}{SUFFIXES[recipe.format]}"


@dataclass(frozen=True)
class Shot:
    """A photo of a card on its way: read, then analysed. data: the file's, until it is analysed; sha256: of it, or "!"
    and the code of why it can't be read; error: why it can't be used."""

    photo: CardPhoto
    data: bytes = b""
    sha256: str = ""
    product: Product | None = None
    error: TryonError | None = None

    @property
    def view(self) -> ViewName | None:
        return self.photo.view


def read_card(photos: Photos, card: Card) -> tuple[Shot, ...]:
    """Every photo of the card, also those that can't be read, in its order."""
    return tuple(_read(photos, photo) for photo in card.photos)


def _read(photos: Photos, photo: CardPhoto) -> Shot:
    try:
        if photo.error is not None:
            raise photo.error
        data = photos.read(photo.file)
    except TryonError as error:
        return Shot(photo, sha256=f"!{error.code}", error=error)
    return Shot(photo, data, hashlib.sha256(data).hexdigest())


def analyse_card(pipeline: Pipeline, shots: Sequence[Shot], recipe: Recipe) -> tuple[Shot, ...]:
    """The same photos, each with what was found in it or why it can't be used. Raises ZooError."""
    return tuple(shot if shot.error else _analysed(pipeline, shot, recipe) for shot in shots)


def _analysed(pipeline: Pipeline, shot: Shot, recipe: Recipe) -> Shot:
    photo, options = shot.photo, {"size": recipe.size, "renderer": recipe.renderer, "view": shot.view}
    try:
        return replace(shot, data=b"", product=pipeline.analyse_product(shot.data, photo.file, **options))  # type: ignore[arg-type]
    except ZooError:
        raise
    except TryonError as error:
        return replace(shot, data=b"", error=error)
    except Exception:
        logger.exception("%s can't be analysed", photo.file)
        return replace(shot, data=b"", error=TryonError("internal", field=photo.file))


def render_item(pipeline: Pipeline, item: Item, shots: Sequence[Shot], recipe: Recipe) -> tuple[Row, bytes | None]:
    """The item's row, without seconds and worker, and the picture's file if there is one. shots: as analyse_card left
    them. Raises ZooError."""
    row = blank_row(item, shots, recipe, pipeline.networks(recipe.renderer))
    try:
        return _rendered(pipeline, item, shots, recipe, row)
    except ZooError:
        raise
    except TryonError as error:
        return unmade(row, [error]), None
    except Exception:
        logger.exception("%s in the pose %s can't be rendered", item.card.product_id, item.pose.name)
        return unmade(row, [TryonError("internal")]), None


def blank_row(item: Item, shots: Sequence[Shot], recipe: Recipe, networks: Sequence[NetworkId]) -> Row:
    """All that is known of an item before it is rendered. networks: whose weights will have a hand in it."""
    inputs = inputs_key(shots, item.pose.sha256)
    return described(
        Row(
            item.card.product_id,
            item.pose.name,
            "failed",
            inputs_sha256=inputs,
            renderer=recipe.renderer,
            weights={network.name: network.sha256 for network in networks},
            version=__version__,
            key=item_key(inputs, recipe, networks),
        ),
        item.card,
        shots,
    )


def described(row: Row, card: Card, shots: Sequence[Shot]) -> Row:
    """The row with what the catalogue says beside the inputs, which may have changed since it was made."""
    used = next((photo for photo in card.photos if photo.file == row.photo_used), None)
    columns = (used or card.photos[0]).columns if card.photos else {}
    codes = {str(photo["file"]): photo["code"] for photo in reversed(row.photos)}  # the first of one file counts
    return replace(
        row,
        rights_reference=card.rights_reference,
        rights_confirmed=bool(card.rights_reference),
        photos=tuple(_photo_row(shot, codes) for shot in shots),
        catalogue=dict(columns),
    )


def _photo_row(shot: Shot, codes: Mapping[str, str]) -> dict[str, Any]:
    """codes: of photos that have been analysed before, by file."""
    code = shot.error.code if shot.error else codes.get(shot.photo.file, "") if shot.product is None else ""
    sha256 = "" if shot.sha256.startswith("!") else shot.sha256
    return {
        "line": shot.photo.line,
        "file": shot.photo.file,
        "view": shot.view or "",
        "sha256": sha256,
        "code": code,
    }


def unmade(row: Row, errors: Sequence[TryonError]) -> Row:
    """The row of a picture that these errors prevent: refused if a photo is why, else failed."""
    status: Status = "refused" if any(isinstance(error, RefusedError) for error in errors) else "failed"
    codes = tuple(dict.fromkeys(error.code for error in errors))
    return replace(row, status=status, codes=codes, detail=errors[0].public_text)


def unusable_row(card: Card) -> Row:
    """Of a card of which nothing can be made: without a pose, since it is the same in all of them."""
    error = card.error or InputError("missing_field", "It names no photo.", "file")
    shots = [Shot(photo, sha256=f"!{error.code}", error=photo.error or error) for photo in card.photos]
    row = described(Row(card.product_id, "", "failed", version=__version__), card, shots)
    return unmade(replace(row, rights_confirmed=False), [error])


def _rendered(
    pipeline: Pipeline, item: Item, shots: Sequence[Shot], recipe: Recipe, row: Row
) -> tuple[Row, bytes | None]:
    from tryon_service.imaging.encode import encode
    from tryon_service.request import RenderRequest

    usable = [(shot, shot.product) for shot in shots if shot.product is not None]
    if not usable:
        return unmade(row, [shot.error for shot in shots if shot.error]), None
    request = RenderRequest(
        item.pose.pose,
        tuple(product for _, product in usable),
        background=recipe.background,
        size=recipe.size,
        renderer=recipe.renderer,
        min_verdict=recipe.min_verdict,
    )
    result = pipeline.render(request)
    used = usable[result.product_used][0] if result.product_used >= 0 else None
    row = described(_judged(row, result, used), item.card, shots)
    if result.picture is None:
        return row, None
    mark = pipeline.renderer(result.renderer).info.mark
    picture = encode(result.picture, recipe.format, credit=result.credit, mark=mark)
    height, width = result.picture.shape[:2]
    sha256 = hashlib.sha256(picture).hexdigest()
    return replace(row, output=item.output(recipe), output_sha256=sha256, width=width, height=height), picture


def _judged(row: Row, result: Result, used: Shot | None) -> Row:
    from tryon_service.report import describe

    verdict = result.verdict
    seen = result.choice.view if result.choice else ""
    return replace(
        row,
        status=STATUS[verdict.status],
        codes=tuple(dict.fromkeys(reason.code for reason in verdict.reasons)),
        detail=f"{CODES[verdict.reasons[0].code].text} {describe(verdict.reasons[0])}" if verdict.reasons else "",
        scores={name: round(float(score), DECIMALS) for name, score in verdict.scores.items()},
        photo_used=used.photo.file if used else "",
        view=(used.view or seen) if used else "",
        renderer=result.renderer,
    )
