"""The public service: takes chunks in, tells how jobs stand, gives results out. Holds no state."""
