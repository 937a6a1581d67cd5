"""Statistics for comparing two samples: how far apart, more than chance, in which direction. Pure; nothing here reads files."""
