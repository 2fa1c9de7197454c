"""Networks of the renderers: what goes in, and (with torch) the modules themselves."""
