"""Footage from the network, with yt-dlp as a library."""
