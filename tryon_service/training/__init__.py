"""Training of our own networks. Needs the extra `neural`; nothing here is loaded by rendering."""
