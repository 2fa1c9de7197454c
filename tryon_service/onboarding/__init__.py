"""How a shop's cards come in: its catalogue file, its way into the service, and what its photos are good for."""
