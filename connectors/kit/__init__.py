"""What every connector is made of: one exchange, its evidence and its errors, tries, limits, pages, and answers' shapes."""
