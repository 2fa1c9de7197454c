"""The HTTP side: thin. It knows callers, limits and documents, hands bytes to the engine, and never decodes a photo."""
