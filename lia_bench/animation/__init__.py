"""A user's own pictures moved by a user's own videos: found, cropped, animated, put back and written."""
