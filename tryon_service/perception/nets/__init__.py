"""Networks of our own: what goes in, and (with torch) the modules themselves."""
