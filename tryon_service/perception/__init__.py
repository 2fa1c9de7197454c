"""A photo to a Person: pose, matte, parsing."""
