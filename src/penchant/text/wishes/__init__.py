"""A sentence at a time: the wishes that a person's words hold, kept over turns, shown, and taken back."""

from penchant.text.wishes.refiner import Refiner
from penchant.text.wishes.wish import Wish, Wishes

__all__ = ["Refiner", "Wish", "Wishes"]
