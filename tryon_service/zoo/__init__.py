"""The networks' files: manifest, fetching, verification."""
