"""The REST interface: what a request is, who may ask it, and what it is answered."""
