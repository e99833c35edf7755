"""Planning: how many children a study must have, by exact calculation where it exists and by simulation where not."""
