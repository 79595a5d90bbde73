"""The record of one case for later readers: from the tables, and from the trail that proves them."""
