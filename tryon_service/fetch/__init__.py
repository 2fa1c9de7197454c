"""Product photos from other people's servers: a client that only goes where it may, and never inside our network."""
