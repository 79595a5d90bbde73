"""
The trail: an append-only, signed log that an auditor can check without us.

    keys, note, checkpoint   who signs, and what a signed tree head looks like (C2SP)
    fields, leaf, merkle     the bytes of one event, and the tree over them (RFC 8785, RFC 6962)
    tables, trail, reading   where it is kept, how it grows, how it is read
    check, export            recompute all of it; hand it to tools that are not ours
    certificate, bundle      one case leaves the house: who vouches for which files (in-toto, DSSE, RFC 3161)
    verify                   such a bundle, proved with the auditor's own trust alone

This room imports nothing of ours, and has a door of its own: `python -m audit`.
"""
