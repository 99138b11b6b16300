"""What swproxy keeps on disk: the profile, its registrations, and the caches of each origin."""
