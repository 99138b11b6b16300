"""MIME Sniffing Standard: MIME types, no sniffing."""
