"""The documents that have the page client, as the proxy sees them: a channel to each."""
