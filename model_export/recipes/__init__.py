"""Recipes that come with Heed."""
