"""Tracking: links with tags, channels of clicks, and ids that tell nobody's name."""
