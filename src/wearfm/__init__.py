"""wearfm."""
