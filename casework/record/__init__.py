"""What is known of one case, gathered for those who read it later: from the tables, and from the trail that proves them."""
