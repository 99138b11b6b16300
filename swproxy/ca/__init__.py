"""The certificate authority of a profile, and the trust stores that may know it."""
