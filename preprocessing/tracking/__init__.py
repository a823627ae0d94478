"""From detections to tubes: stretches of a video in which one subject stays in one box."""
