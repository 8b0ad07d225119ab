"""The whole platform on one machine: real where it can be had, doubles elsewhere, each named as what it is."""
