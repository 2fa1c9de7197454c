"""Drawn people with exactly known joints and masks: the demo, and the ground truth of many tests."""

from tryon_service.figures.figure import Figure, crop, draw_figure, headless, waist_up
from tryon_service.figures.outfits import OUTFITS, Outfit
from tryon_service.figures.poses import POSES, FigurePose

__all__ = ["OUTFITS", "POSES", "Figure", "FigurePose", "Outfit", "crop", "draw_figure", "headless", "waist_up"]
