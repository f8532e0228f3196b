"""What the chapters draw with: plots, movable figures, the rules as JavaScript."""
