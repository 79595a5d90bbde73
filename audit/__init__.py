"""
The trail: an append-only, signed log that an auditor can check without us.

- keys, note, checkpoint: who signs, and the form of a signed tree head (C2SP)
- fields, leaf, merkle: the bytes of one event, and the tree over them (RFC 8785, RFC 6962)
- tables, trail, reading: where the log is kept, how it grows, how it is read
- check, export: recompute the whole log; write it for other tools
- certificate, bundle: the files of one case, and the signature over them (in-toto, DSSE, RFC 3161)
- verify: prove a bundle with nothing but the auditor's own trust

This package imports nothing else of lastday. Its own command is `python -m audit`.
"""
