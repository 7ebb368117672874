"""Speed as ratios against named references, measured in one interleaved run."""
