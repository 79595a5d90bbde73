"""Registers of confidentiality papers: where signed pledges are kept, and how new ones are sent."""
