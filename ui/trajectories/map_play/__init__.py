"""The paths on the map, day by day."""

from ui.trajectories.map_play.map_play import list_days, show_player

__all__ = ["list_days", "show_player"]
