"""The studio: a page on this machine to animate, to move along directions and to compare."""
