"""Ray, as far as this program needs it: no other room knows of it."""
