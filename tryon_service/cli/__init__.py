"""The `tryon` command: arguments only, the work is elsewhere."""
