"""What the service tells its keeper: logs, metrics, traces; and in none of them a photo, a secret or a person."""
