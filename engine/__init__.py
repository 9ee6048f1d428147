"""The engine of Delta Lab: everything that trains, measures, stores and calculates; nothing that draws."""
